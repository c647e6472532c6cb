package gitlab

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	kindGroup = "group"
	kindUser  = "user"
)

// Group is a group, or the personal namespace of a user.
type Group struct {
	ID                    int
	ParentID              int
	OwnerID               int    // of a personal namespace
	Kind                  string // "group" or "user"
	Path                  string
	FullPath              string
	Name                  string
	Description           string
	Visibility            string
	ProjectCreationLevel  string
	SubgroupCreationLevel string
	CreatedAt             time.Time
	MarkedForDeletionAt   time.Time
}

type group struct {
	Group
	parent       *group
	children     []*group
	projects     []*project
	childNames   map[string]*group
	projectNames map[string]*project
	members      members
	invitations  []*Invitation
	labels       labels
}

// fullName is the names on the way from the top, as GitLab shows them.
func (g *group) fullName() string {
	if g.parent == nil {
		return g.Name
	}
	return g.parent.fullName() + " / " + g.Name
}

func joinPath(parent *group, path string) string {
	if parent == nil {
		return path
	}
	return parent.FullPath + "/" + path
}

// insertGroup adds a group that has been checked.
func (s *Server) insertGroup(g *group) {
	g.ID = s.next("namespace")
	g.childNames, g.projectNames = map[string]*group{}, map[string]*project{}
	g.members, g.labels = members{}, labels{}
	s.groups[g.ID] = g
	s.groupList = append(s.groupList, g)
	g.FullPath = joinPath(g.parent, g.Path)
	s.settle(g.FullPath, g)
	if g.parent != nil {
		g.ParentID = g.parent.ID
		g.parent.children = append(g.parent.children, g)
		g.parent.childNames[g.Name] = g
	}
}

// reroute gives a group and all inside it the full paths that follow from its path.
func (s *Server) reroute(g *group) {
	s.leave(g.FullPath, g, g)
	g.FullPath = joinPath(g.parent, g.Path)
	s.settle(g.FullPath, g)
	for _, child := range g.children {
		s.reroute(child)
	}
	for _, p := range g.projects {
		s.rerouteProject(p)
	}
}

// checkGroup says what is wrong with what a group is to become; self is nil for a
// new one.
func (s *Server) checkGroup(self *group, g Group, parent *group) error {
	v := invalid{}
	checkName(v, g.Name, groupName, groupNameMessage)
	reserved := reservedGroup
	if parent == nil {
		reserved = reservedTopLevel
	}
	if self == nil || self.Path != g.Path {
		checkPath(v, g.Path, reserved)
	}
	if other := s.paths[routeKey(joinPath(parent, g.Path))]; other != nil && other != any(self) {
		v.add("path", "has already been taken")
	}
	if parent != nil {
		if other := parent.childNames[g.Name]; other != nil && other != self {
			v.add("name", "has already been taken")
		}
		if openness(g.Visibility) > openness(parent.Visibility) {
			v.add("visibility_level", fmt.Sprintf("%s is not allowed since the parent group has a %s visibility.", g.Visibility, parent.Visibility))
		}
	}
	checkDescription(v, g.Description, 500)
	prefix := "Failed to save group"
	return v.inspected(prefix, s.options.NewHashErrors)
}

// createGroup makes a group for a user who may.
func (s *Server) createGroup(user *User, g Group, parent *group) (*group, error) {
	if parent != nil {
		needed := Owner
		if parent.SubgroupCreationLevel == "maintainer" {
			needed = Maintainer
		}
		if err := require(user, parent, needed); err != nil {
			return nil, err
		}
	}
	g.Kind = kindGroup
	g.CreatedAt = s.now()
	g.Visibility = cmp.Or(g.Visibility, Private)
	g.ProjectCreationLevel = cmp.Or(g.ProjectCreationLevel, "developer")
	g.SubgroupCreationLevel = cmp.Or(g.SubgroupCreationLevel, "maintainer")
	if err := s.checkGroup(nil, g, parent); err != nil {
		return nil, err
	}
	created := &group{Group: g, parent: parent}
	s.insertGroup(created)
	if created.membership(user) < Owner {
		created.members.add(user, Owner, s.now())
	}
	return created, nil
}

// removeGroup takes a group and all inside it away, for good.
func (s *Server) removeGroup(g *group) {
	for _, child := range slices.Clone(g.children) {
		s.removeGroup(child)
	}
	for _, p := range slices.Clone(g.projects) {
		s.removeProject(p)
	}
	delete(s.groups, g.ID)
	delete(s.paths, routeKey(g.FullPath))
	s.groupList = without(s.groupList, g)
	if g.parent != nil {
		g.parent.children = without(g.parent.children, g)
		delete(g.parent.childNames, g.Name)
	}
}

// without never changes the list that it is given: snapshots may share it.
func without[T comparable](list []T, item T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(other T) bool { return other == item })
}

// markGroup marks a group for deletion, and frees its path.
func (s *Server) markGroup(g *group) error {
	if !g.MarkedForDeletionAt.IsZero() {
		return badRequest("Group has been already marked for deletion")
	}
	g.MarkedForDeletionAt = s.now()
	if s.options.LegacyDeletion {
		return nil
	}
	suffix := "-deletion_scheduled-" + strconv.Itoa(g.ID)
	if g.parent != nil {
		delete(g.parent.childNames, g.Name)
		g.parent.childNames[g.Name+suffix] = g
	}
	g.Path += suffix
	g.Name += suffix
	s.reroute(g)
	return nil
}

func (c *call) groupJSON(g *group) any {
	return obj{
		"id": g.ID, "web_url": c.server.url() + "/groups/" + g.FullPath, "name": g.Name, "path": g.Path,
		"description": g.Description, "visibility": g.Visibility, "share_with_group_lock": false,
		"require_two_factor_authentication": false, "two_factor_grace_period": 48,
		"project_creation_level": g.ProjectCreationLevel, "auto_devops_enabled": nil,
		"subgroup_creation_level": g.SubgroupCreationLevel, "emails_disabled": false, "emails_enabled": true,
		"mentions_disabled": nil, "lfs_enabled": true, "avatar_url": nil, "request_access_enabled": true,
		"full_name": g.fullName(), "full_path": g.FullPath, "created_at": stamp(g.CreatedAt),
		"parent_id": orNil(g.ParentID), "organization_id": 1, "shared_with_groups": []any{},
		"marked_for_deletion_on": day(g.MarkedForDeletionAt), "default_branch": nil,
	}
}

func orNil(id int) any {
	if id == 0 {
		return nil
	}
	return id
}

// find looks up what the path of a request names, by number or by full path.
func (c *call) findGroup(reference string) (*group, error) {
	var g *group
	if id, err := strconv.Atoi(reference); err == nil {
		g = c.server.groups[id]
	} else {
		g, _ = c.server.paths[routeKey(reference)].(*group)
	}
	if g == nil || g.Kind != kindGroup || !g.visibleTo(c.user) {
		return nil, notFound("Group")
	}
	return g, nil
}

func (c *call) group() (*group, error) { return c.findGroup(c.value("id")) }

func (c *call) postGroup() (any, error) {
	var absent []string
	for _, name := range []string{"name", "path"} {
		if !c.has(name) {
			absent = append(absent, name)
		}
	}
	if absent != nil {
		return nil, missing(absent...)
	}
	g := Group{
		Name: c.str("name"), Path: c.str("path"), Description: c.str("description"), Visibility: c.str("visibility"),
		ProjectCreationLevel: c.str("project_creation_level"), SubgroupCreationLevel: c.str("subgroup_creation_level"),
	}
	if err := c.checkLevels(g); err != nil {
		return nil, err
	}
	var parent *group
	if c.str("parent_id") != "" {
		var err error
		if parent, err = c.findGroup(c.str("parent_id")); err != nil {
			return nil, err
		}
	}
	created, err := c.server.createGroup(c.user, g, parent)
	if err != nil {
		return nil, err
	}
	return c.groupJSON(created), nil
}

// checkLevels refuses words that are not in GitLab's lists.
func (c *call) checkLevels(g Group) error {
	allowed := map[string][]string{
		"visibility":              {"", Private, Internal, Public},
		"project_creation_level":  {"", "noone", "owner", "maintainer", "developer", "administrator"},
		"subgroup_creation_level": {"", "owner", "maintainer"},
	}
	for name, value := range map[string]string{
		"visibility": g.Visibility, "project_creation_level": g.ProjectCreationLevel, "subgroup_creation_level": g.SubgroupCreationLevel,
	} {
		if !slices.Contains(allowed[name], value) {
			return &Error{Status: http.StatusBadRequest, Body: obj{"error": name + " does not have a valid value"}}
		}
	}
	return c.err()
}

func (c *call) getGroup() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	answer := c.groupJSON(g).(obj)
	if c.bool("with_projects", true) {
		var visible []*project
		for _, p := range g.projects {
			if p.visibleTo(c.user) && len(visible) < maxPerPage {
				visible = append(visible, p)
			}
		}
		answer["projects"] = renderAll(visible, c.projectJSON)
		answer["shared_projects"] = []any{}
	}
	return answer, c.err()
}

func (c *call) putGroup() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.require(g, Owner); err != nil {
		return nil, err
	}
	changed := g.Group
	for name, field := range map[string]*string{
		"name": &changed.Name, "path": &changed.Path, "description": &changed.Description, "visibility": &changed.Visibility,
		"project_creation_level": &changed.ProjectCreationLevel, "subgroup_creation_level": &changed.SubgroupCreationLevel,
	} {
		if c.has(name) {
			*field = c.str(name)
		}
	}
	if err := c.checkLevels(changed); err != nil {
		return nil, err
	}
	if err := c.server.checkGroup(g, changed, g.parent); err != nil {
		return nil, err
	}
	if g.parent != nil {
		delete(g.parent.childNames, g.Name)
		g.parent.childNames[changed.Name] = g
	}
	moved := changed.Path != g.Path
	g.Group = changed
	if moved {
		c.server.reroute(g)
	}
	return c.groupJSON(g), nil
}

func (c *call) deleteGroup() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.require(g, Owner); err != nil {
		return nil, err
	}
	if c.bool("permanently_remove", false) {
		if g.MarkedForDeletionAt.IsZero() {
			return nil, badRequest("Group must be marked for deletion first.")
		}
		if c.str("full_path") != g.FullPath {
			return nil, badRequest("`full_path` is incorrect. You must enter the complete path for the subgroup.")
		}
		c.server.removeGroup(g)
		return c.accepted()
	}
	if err := c.server.markGroup(g); err != nil {
		return nil, err
	}
	return c.accepted()
}

func (c *call) restoreGroup() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	if err := c.require(g, Owner); err != nil {
		return nil, err
	}
	if g.MarkedForDeletionAt.IsZero() {
		return nil, badRequest("Group has not been marked for deletion")
	}
	suffix := "-deletion_scheduled-" + strconv.Itoa(g.ID)
	restored := g.Group
	restored.Path, restored.Name = strings.TrimSuffix(g.Path, suffix), strings.TrimSuffix(g.Name, suffix)
	restored.MarkedForDeletionAt = time.Time{}
	if err := c.server.checkGroup(g, restored, g.parent); err != nil {
		return nil, err
	}
	if g.parent != nil {
		delete(g.parent.childNames, g.Name)
		g.parent.childNames[restored.Name] = g
	}
	fullPath := g.FullPath
	g.Group = restored
	g.FullPath = fullPath
	c.server.reroute(g)
	return c.groupJSON(g), nil
}

func (c *call) listGroups() (any, error) {
	return c.answerGroups(c.server.groupList, c.bool("top_level_only", false))
}

func (c *call) listSubgroups() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	return c.answerGroups(g.children, false)
}

func (c *call) listDescendants() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	var all []*group
	var collect func(*group)
	collect = func(g *group) {
		for _, child := range g.children {
			all = append(all, child)
			collect(child)
		}
	}
	collect(g)
	return c.answerGroups(all, false)
}

// answerGroups filters, sorts and pages a list of groups.
func (c *call) answerGroups(all []*group, topLevelOnly bool) (any, error) {
	search, visibility := strings.ToLower(c.str("search")), c.str("visibility")
	owned, minimum := c.bool("owned", false), c.int("min_access_level")
	skip := c.ints("skip_groups")
	if err := c.err(); err != nil {
		return nil, err
	}
	var found []*group
	for _, g := range all {
		if g.Kind == kindGroup && g.visibleTo(c.user) && contains(search, g.Name, g.Path) &&
			(visibility == "" || g.Visibility == visibility) &&
			(!owned || level(c.user, g) >= Owner) && (minimum == 0 || level(c.user, g) >= minimum) &&
			(!topLevelOnly || g.parent == nil) && !slices.Contains(skip, g.ID) {
			found = append(found, g)
		}
	}
	orders := map[string]func(a, b *group) int{
		"id":   func(a, b *group) int { return cmp.Compare(a.ID, b.ID) },
		"path": func(a, b *group) int { return strings.Compare(a.Path, b.Path) },
		"name": func(a, b *group) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) },
	}
	order := orders[c.str("order_by")]
	if order == nil {
		order = orders["name"]
	}
	sortBy(found, order, orders["id"], c.str("sort") == "desc")
	return paged(c, found, c.groupJSON)
}

// sortBy sorts stably, with the id deciding between equals.
func sortBy[T any](list []T, order, tie func(a, b T) int, descending bool) {
	slices.SortFunc(list, func(a, b T) int {
		n := order(a, b)
		if n == 0 {
			n = tie(a, b)
		}
		if descending {
			return -n
		}
		return n
	})
}

func (c *call) namespaceJSON(g *group) any {
	address := c.server.url() + "/" + g.FullPath
	if g.Kind == kindGroup {
		address = c.server.url() + "/groups/" + g.FullPath
	}
	return obj{
		"id": g.ID, "name": g.Name, "path": g.Path, "kind": g.Kind, "full_path": g.FullPath,
		"parent_id": orNil(g.ParentID), "avatar_url": nil, "web_url": address,
	}
}

func (c *call) listNamespaces() (any, error) {
	search := strings.ToLower(c.str("search"))
	var found []*group
	for _, g := range c.server.groupList {
		if level(c.user, g) > 0 && contains(search, g.Name, g.Path, g.FullPath) {
			found = append(found, g)
		}
	}
	return paged(c, found, c.namespaceJSON)
}

func (c *call) getNamespace() (any, error) {
	var g *group
	if id, err := strconv.Atoi(c.value("id")); err == nil {
		g = c.server.groups[id]
	} else {
		g, _ = c.server.paths[routeKey(c.value("id"))].(*group)
	}
	if g == nil || level(c.user, g) == 0 {
		return nil, notFound("Namespace")
	}
	return c.namespaceJSON(g), nil
}
