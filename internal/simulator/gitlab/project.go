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

// Project is a project, with its settings.
type Project struct {
	ID                  int
	NamespaceID         int
	CreatorID           int
	Path                string
	FullPath            string
	Name                string
	Description         string
	Visibility          string
	DefaultBranch       string
	CIConfigPath        string
	Topics              []string
	Archived            bool
	EmptyRepository     bool
	CreatedAt           time.Time
	UpdatedAt           time.Time
	LastActivityAt      time.Time
	MarkedForDeletionAt time.Time
}

type project struct {
	Project
	group       *group
	members     members
	invitations []*Invitation
	labels      labels
	issues      []*issue
	byIID       map[int]*issue
	lastIID     int
	unordered   bool // issues' dates of creation do not follow their order
	openIssues  int
	hooks       []*hook
	repository  repository
}

func (s *Server) insertProject(p *project) {
	p.ID = s.next("project")
	p.NamespaceID = p.group.ID
	p.members, p.labels, p.byIID = members{}, labels{}, map[int]*issue{}
	p.EmptyRepository = true
	p.FullPath = joinPath(p.group, p.Path)
	s.projects[p.ID] = p
	s.projectList = append(s.projectList, p)
	s.settle(p.FullPath, p)
	p.group.projects = append(p.group.projects, p)
	p.group.projectNames[p.Name] = p
}

func (s *Server) rerouteProject(p *project) {
	if p.MarkedForDeletionAt.IsZero() {
		s.leave(p.FullPath, p, p.group)
	} else {
		delete(s.paths, routeKey(p.FullPath))
	}
	p.FullPath = joinPath(p.group, p.Path)
	s.settle(p.FullPath, p)
}

func (s *Server) removeProject(p *project) {
	for _, h := range p.hooks {
		delete(s.hooks, h.ID)
	}
	delete(s.projects, p.ID)
	delete(s.paths, routeKey(p.FullPath))
	delete(p.group.projectNames, p.Name)
	p.group.projects = without(p.group.projects, p)
	s.projectList = without(s.projectList, p)
}

func (s *Server) checkProject(self *project, p Project, in *group) error {
	v := invalid{}
	checkName(v, p.Name, projectName, projectNameMessage)
	if self == nil || self.Path != p.Path {
		checkPath(v, p.Path, reservedProject)
	}
	if other := s.paths[routeKey(joinPath(in, p.Path))]; other != nil && other != any(self) {
		if dying, ok := other.(*project); ok && !dying.MarkedForDeletionAt.IsZero() {
			return badRequest(obj{"base": []string{"The project is still being deleted. Please try again later."}, "limit_reached": []string{}})
		}
		v.add("path", "has already been taken")
	}
	if other := in.projectNames[p.Name]; other != nil && other != self {
		v.add("name", "has already been taken")
		v.add("project_namespace.name", "has already been taken")
	}
	if openness(p.Visibility) > openness(in.Visibility) {
		v.add("visibility_level", fmt.Sprintf("%s is not allowed in a %s group.", p.Visibility, in.Visibility))
	}
	checkDescription(v, p.Description, 2000)
	return v.record()
}

// mayCreateIn says whether the user may create projects in a group.
func mayCreateIn(user *User, g *group) bool {
	needed := map[string]int{"developer": Developer, "maintainer": Maintainer, "owner": Owner}[g.ProjectCreationLevel]
	switch {
	case user.Admin, g.Kind == kindUser && g.OwnerID == user.ID:
		return true
	case needed == 0:
		return false
	}
	return g.membership(user) >= needed
}

func (s *Server) createProject(user *User, p Project, in *group) (*project, error) {
	if in == nil || !mayCreateIn(user, in) {
		return nil, badRequest(obj{"namespace": []string{"is not valid"}})
	}
	p.Name = cmp.Or(p.Name, p.Path)
	p.Path = cmp.Or(p.Path, pathFor(p.Name))
	p.Visibility = cmp.Or(p.Visibility, Private)
	p.DefaultBranch = cmp.Or(p.DefaultBranch, "main")
	p.CreatorID = user.ID
	p.CreatedAt = s.now()
	p.UpdatedAt, p.LastActivityAt = p.CreatedAt, p.CreatedAt
	if err := s.checkProject(nil, p, in); err != nil {
		return nil, err
	}
	created := &project{Project: p, group: in}
	s.insertProject(created)
	if in.Kind == kindUser {
		created.members.add(user, Owner, s.now())
	}
	return created, nil
}

func (s *Server) markProject(p *project) error {
	if !p.MarkedForDeletionAt.IsZero() {
		return badRequest("Project has been already marked for deletion")
	}
	p.MarkedForDeletionAt = s.now()
	if s.options.LegacyDeletion {
		return nil
	}
	suffix := "-deletion_scheduled-" + strconv.Itoa(p.ID)
	delete(p.group.projectNames, p.Name)
	p.Path += suffix
	p.Name += suffix
	p.group.projectNames[p.Name] = p
	s.rerouteProject(p)
	return nil
}

// open refuses changes to an archived project.
func (p *project) open() error {
	if p.Archived {
		return forbidden("")
	}
	return nil
}

func (c *call) projectJSON(p *project) any {
	base := c.server.url()
	web, api := base+"/"+p.FullPath, fmt.Sprintf("%s/api/v4/projects/%d", base, p.ID)
	topics := p.Topics
	if topics == nil {
		topics = []string{}
	}
	access := func(m *Member) any {
		if m == nil {
			return nil
		}
		return obj{"access_level": m.AccessLevel, "notification_level": 3}
	}
	var readme any
	if _, ok := p.repository.tree(p.DefaultBranch)["README.md"]; ok {
		readme = web + "/-/blob/" + p.DefaultBranch + "/README.md"
	}
	return obj{
		"id": p.ID, "description": p.Description, "name": p.Name, "name_with_namespace": p.group.fullName() + " / " + p.Name,
		"path": p.Path, "path_with_namespace": p.FullPath, "created_at": stamp(p.CreatedAt), "updated_at": stamp(p.UpdatedAt),
		"default_branch": p.DefaultBranch, "tag_list": topics, "topics": topics,
		"ssh_url_to_repo": "git@gitlab.invalid:" + p.FullPath + ".git", "http_url_to_repo": web + ".git", "web_url": web,
		"readme_url": readme, "forks_count": 0, "avatar_url": nil, "star_count": 0,
		"last_activity_at": stamp(p.LastActivityAt), "visibility": p.Visibility, "namespace": c.namespaceJSON(p.group),
		"_links": obj{
			"self": api, "issues": api + "/issues", "repo_branches": api + "/repository/branches", "labels": api + "/labels",
			"members": api + "/members",
		},
		"empty_repo": p.EmptyRepository, "archived": p.Archived, "creator_id": p.CreatorID, "import_status": "none",
		"issues_enabled": true, "merge_requests_enabled": true, "wiki_enabled": true, "jobs_enabled": true,
		"snippets_enabled": true, "container_registry_enabled": true, "can_create_merge_request_in": true,
		"issues_access_level": "enabled", "repository_access_level": "enabled", "open_issues_count": p.openIssues,
		"ci_config_path": p.CIConfigPath, "shared_with_groups": []any{}, "merge_method": "merge",
		"permissions":            obj{"project_access": access(p.members[c.user.ID]), "group_access": access(p.group.members[c.user.ID])},
		"marked_for_deletion_at": day(p.MarkedForDeletionAt), "marked_for_deletion_on": day(p.MarkedForDeletionAt),
	}
}

func (c *call) findProject(reference string) (*project, error) {
	var p *project
	if id, err := strconv.Atoi(reference); err == nil {
		p = c.server.projects[id]
	} else {
		p, _ = c.server.paths[routeKey(reference)].(*project)
	}
	if p == nil {
		if p, _ = c.server.movedFrom(reference).(*project); p != nil && p.visibleTo(c.user) {
			return nil, c.redirect(p)
		}
	}
	if p == nil || !p.visibleTo(c.user) {
		return nil, notFound("Project")
	}
	return p, nil
}

func (c *call) project() (*project, error) { return c.findProject(c.value("id")) }

// projectFor finds the request's project for those who have a level in it.
func (c *call) projectFor(needed int) (*project, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	return p, c.require(p, needed)
}

// writable finds the request's project for developers, unless it is archived.
func (c *call) writable() (*project, error) {
	p, err := c.projectFor(Developer)
	if err != nil {
		return nil, err
	}
	return p, p.open()
}

func (c *call) postProject() (any, error) {
	if !c.has("name") && !c.has("path") {
		return nil, noneGiven("name", "path")
	}
	in := c.server.paths[routeKey(c.user.Username)].(*group)
	if c.str("namespace_id") != "" {
		in = c.server.groups[c.int("namespace_id")]
		if in != nil && in.Kind == kindGroup && !in.visibleTo(c.user) {
			in = nil
		}
	}
	p := Project{
		Name: c.str("name"), Path: c.str("path"), Description: c.str("description"), Visibility: c.str("visibility"),
		DefaultBranch: c.str("default_branch"), CIConfigPath: c.str("ci_config_path"), Topics: c.topics(),
	}
	readme := c.bool("initialize_with_readme", false)
	if !readme {
		p.DefaultBranch = "" // honoured only with a first commit
	}
	if err := c.checkLevels(Group{Visibility: p.Visibility}); err != nil {
		return nil, err
	}
	created, err := c.server.createProject(c.user, p, in)
	if err != nil {
		return nil, err
	}
	if readme {
		_, err := c.server.commit(c.user, created, commitInput{
			branch: created.DefaultBranch, message: "Initial commit",
			actions: []commitAction{{action: "create", path: "README.md", content: []byte("# " + created.Name + "\n\n" + created.Description + "\n")}},
		})
		if err != nil {
			return nil, err
		}
	}
	return c.projectJSON(created), nil
}

func (c *call) topics() []string {
	if c.has("topics") {
		return c.list("topics")
	}
	return c.list("tag_list")
}

func (c *call) getProject() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	return c.projectJSON(p), nil
}

func (c *call) putProject() (any, error) {
	p, err := c.projectFor(Maintainer)
	if err != nil {
		return nil, err
	}
	changed := p.Project
	for name, field := range map[string]*string{
		"name": &changed.Name, "path": &changed.Path, "description": &changed.Description, "visibility": &changed.Visibility,
		"default_branch": &changed.DefaultBranch, "ci_config_path": &changed.CIConfigPath,
	} {
		if c.has(name) {
			*field = c.str(name)
		}
	}
	if c.has("topics") || c.has("tag_list") {
		changed.Topics = c.topics()
	}
	if err := c.checkLevels(Group{Visibility: changed.Visibility}); err != nil {
		return nil, err
	}
	if err := c.server.checkProject(p, changed, p.group); err != nil {
		return nil, err
	}
	if changed.DefaultBranch != p.DefaultBranch && p.repository.branches[changed.DefaultBranch] == "" {
		return nil, badRequest(obj{"base": []string{"Could not change HEAD: branch '" + changed.DefaultBranch + "' does not exist"}})
	}
	c.server.replaceProject(p, changed)
	return c.projectJSON(p), nil
}

// replaceProject gives a project the attributes that have been checked.
func (s *Server) replaceProject(p *project, changed Project) {
	delete(p.group.projectNames, p.Name)
	p.group.projectNames[changed.Name] = p
	changed.UpdatedAt = s.now()
	changed.FullPath = p.FullPath
	p.Project = changed
	s.rerouteProject(p)
}

func (c *call) deleteProject() (any, error) {
	p, err := c.projectFor(Owner)
	if err != nil {
		return nil, err
	}
	if c.bool("permanently_remove", false) {
		if p.MarkedForDeletionAt.IsZero() {
			return nil, badRequest("Project must be marked for deletion first.")
		}
		if c.str("full_path") != p.FullPath {
			return nil, badRequest("`full_path` is incorrect. You must enter the complete path for the project.")
		}
		c.server.removeProject(p)
		return c.accepted()
	}
	if err := c.server.markProject(p); err != nil {
		return nil, err
	}
	return c.accepted()
}

func (c *call) restoreProject() (any, error) {
	p, err := c.projectFor(Owner)
	if err != nil {
		return nil, err
	}
	if p.MarkedForDeletionAt.IsZero() {
		return nil, badRequest("Project has not been marked for deletion")
	}
	suffix := "-deletion_scheduled-" + strconv.Itoa(p.ID)
	restored := p.Project
	restored.Path, restored.Name = strings.TrimSuffix(p.Path, suffix), strings.TrimSuffix(p.Name, suffix)
	restored.MarkedForDeletionAt = time.Time{}
	if err := c.server.checkProject(p, restored, p.group); err != nil {
		return nil, err
	}
	c.server.replaceProject(p, restored)
	return c.projectJSON(p), nil
}

func (c *call) archive(archived bool) (any, error) {
	p, err := c.projectFor(Owner)
	if err != nil {
		return nil, err
	}
	p.Archived = archived
	p.UpdatedAt = c.server.now()
	return c.projectJSON(p), nil
}

func (c *call) transferProject() (any, error) {
	p, err := c.projectFor(Owner)
	if err != nil {
		return nil, err
	}
	reference := c.str("namespace")
	if reference == "" {
		return nil, missing("namespace")
	}
	id, _ := strconv.Atoi(reference)
	in := c.server.groups[id]
	if in == nil {
		in, _ = c.server.paths[routeKey(reference)].(*group)
	}
	if in == nil || in.Kind == kindGroup && !in.visibleTo(c.user) {
		return nil, notFound("Namespace")
	}
	if !mayCreateIn(c.user, in) {
		return nil, badRequest("You don't have permission to transfer projects into that namespace.")
	}
	if c.server.paths[routeKey(joinPath(in, p.Path))] != nil || in.projectNames[p.Name] != nil {
		return nil, badRequest("Project with same name or path in target namespace already exists")
	}
	p.group.projects = without(p.group.projects, p)
	delete(p.group.projectNames, p.Name)
	p.group, p.NamespaceID = in, in.ID
	in.projects = append(in.projects, p)
	in.projectNames[p.Name] = p
	c.server.rerouteProject(p)
	c.status = http.StatusOK
	return c.projectJSON(p), nil
}

func (c *call) listProjects() (any, error) { return c.answerProjects(c.server.projectList) }

func (c *call) listGroupProjects() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	all := g.projects
	if c.bool("include_subgroups", false) {
		all = nil
		var collect func(*group)
		collect = func(g *group) {
			all = append(all, g.projects...)
			for _, child := range g.children {
				collect(child)
			}
		}
		collect(g)
	}
	return c.answerProjects(all)
}

func (c *call) listUserProjects() (any, error) {
	g, _ := c.server.paths[routeKey(c.value("user_id"))].(*group)
	if id, err := strconv.Atoi(c.value("user_id")); err == nil && c.server.users[id] != nil {
		g, _ = c.server.paths[routeKey(c.server.users[id].Username)].(*group)
	}
	if g == nil || g.Kind != kindUser {
		return nil, notFound("User")
	}
	return c.answerProjects(g.projects)
}

// answerProjects filters, sorts and pages a list of projects.
func (c *call) answerProjects(all []*project) (any, error) {
	search, visibility, archived := strings.ToLower(c.str("search")), c.str("visibility"), c.boolPtr("archived")
	owned, member, minimum := c.bool("owned", false), c.bool("membership", false), c.int("min_access_level")
	namespaces := c.bool("search_namespaces", false)
	after, before := c.int("id_after"), c.int("id_before")
	topics := c.list("topic")
	if err := c.err(); err != nil {
		return nil, err
	}
	var found []*project
	for _, p := range all {
		if !p.visibleTo(c.user) || p.ID <= after || before > 0 && p.ID >= before ||
			visibility != "" && p.Visibility != visibility || archived != nil && p.Archived != *archived ||
			owned && p.membership(c.user) < Owner || member && p.membership(c.user) == 0 ||
			minimum > 0 && level(c.user, p) < minimum ||
			!contains(search, p.Name, p.Path, p.Description) && (!namespaces || !contains(search, p.FullPath)) ||
			slices.ContainsFunc(topics, func(topic string) bool { return !slices.Contains(p.Topics, topic) }) {
			continue
		}
		found = append(found, p)
	}
	byID := func(a, b *project) int { return cmp.Compare(a.ID, b.ID) }
	orders := map[string]func(a, b *project) int{
		"id":               byID,
		"name":             func(a, b *project) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) },
		"path":             func(a, b *project) int { return strings.Compare(a.Path, b.Path) },
		"created_at":       func(a, b *project) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updated_at":       func(a, b *project) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
		"last_activity_at": func(a, b *project) int { return a.LastActivityAt.Compare(b.LastActivityAt) },
	}
	orders["similarity"] = orders["name"]
	order := orders[c.str("order_by")]
	if order == nil {
		order = orders["created_at"]
	}
	descending := c.str("sort") != "asc"
	sortBy(found, order, byID, descending)
	render := c.projectJSON
	if c.str("pagination") == "keyset" {
		return keyset(c, found, descending, func(p *project) int { return p.ID }, render)
	}
	return paged(c, found, render)
}
