package gitlab

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Label is a label of a project or group.
type Label struct {
	ID          int
	Name        string
	Color       string
	Description string
	CreatedAt   time.Time
}

const defaultLabelColor = "#428BCA"

var labelColor = regexp.MustCompile(`^(#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}|[a-z]+)$`)

// labels are those of one group or project, by name.
type labels map[string]*Label

func (l labels) sorted() []*Label {
	list := make([]*Label, 0, len(l))
	for _, label := range l {
		list = append(list, label)
	}
	slices.SortFunc(list, func(a, b *Label) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func (g *group) ownLabels() labels   { return g.labels }
func (p *project) ownLabels() labels { return p.labels }

type labelled interface {
	source
	ownLabels() labels
}

// findLabel looks for a label that may be put on issues here.
func findLabel(in labelled, name string) *Label {
	if label := in.ownLabels()[name]; label != nil {
		return label
	}
	for g := in.above(); g != nil; g = g.parent {
		if label := g.labels[name]; label != nil {
			return label
		}
	}
	return nil
}

// labelNumbered is findLabel by number.
func labelNumbered(in labelled, id int) *Label {
	for {
		for _, l := range in.ownLabels() {
			if l.ID == id {
				return l
			}
		}
		above := in.above()
		if above == nil {
			return nil
		}
		in = above
	}
}

func (s *Server) addLabel(in labelled, l Label) *Label {
	l.ID = s.next("label")
	l.CreatedAt = s.now()
	l.Color = cmp.Or(l.Color, defaultLabelColor)
	in.ownLabels()[l.Name] = &l
	return &l
}

// ensureLabels makes the labels of a project that do not exist yet, as GitLab does
// with those named when an issue is made or changed; it keeps the usable ones.
func (s *Server) ensureLabels(p *project, names []string) []string {
	var kept []string
	for _, name := range names {
		name = strings.TrimSpace(name)
		if name == "" || slices.Contains(kept, name) {
			continue
		}
		if findLabel(p, name) == nil {
			s.addLabel(p, Label{Name: name})
		}
		kept = append(kept, name)
	}
	slices.SortFunc(kept, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	})
	return kept
}

func (c *call) labelJSON(in labelled, l *Label) any {
	_, isProject := in.(*project)
	return obj{
		"id": l.ID, "name": l.Name, "description": orNull(l.Description), "description_html": l.Description,
		"color": l.Color, "text_color": "#FFFFFF", "open_issues_count": 0, "closed_issues_count": 0,
		"open_merge_requests_count": 0, "subscribed": false, "priority": nil, "archived": false,
		"is_project_label": isProject && in.ownLabels()[l.Name] == l,
	}
}

func (c *call) labelled() (labelled, error) {
	in, err := c.source()
	if err != nil {
		return nil, err
	}
	return in.(labelled), nil
}

// labelManaged finds the request's group or project for those who manage its labels.
func (c *call) labelManaged() (labelled, error) {
	in, err := c.labelled()
	if err != nil {
		return nil, err
	}
	if err := c.require(in, Planner); err != nil {
		return nil, err
	}
	return in, in.open()
}

func (c *call) listLabels() (any, error) {
	in, err := c.labelled()
	if err != nil {
		return nil, err
	}
	found := in.ownLabels().sorted()
	if c.bool("include_ancestor_groups", true) {
		for g := in.above(); g != nil; g = g.parent {
			found = append(found, g.labels.sorted()...)
		}
	}
	if search := strings.ToLower(c.str("search")); search != "" {
		found = slices.DeleteFunc(found, func(l *Label) bool { return !contains(search, l.Name, l.Description) })
	}
	return paged(c, found, func(l *Label) any { return c.labelJSON(in, l) })
}

func checkLabel(l Label) error {
	v := invalid{}
	switch {
	case l.Name == "":
		v.add("title", "can't be blank")
	case strings.Contains(l.Name, ","):
		v.add("title", "is invalid")
	case len([]rune(l.Name)) > 255:
		v.add("title", "is too long (maximum is 255 characters)")
	}
	if !labelColor.MatchString(l.Color) {
		v.add("color", "must be a valid color code")
	}
	return v.record()
}

func (c *call) postLabel() (any, error) {
	in, err := c.labelManaged()
	if err != nil {
		return nil, err
	}
	var absent []string
	for _, name := range []string{"name", "color"} {
		if !c.has(name) {
			absent = append(absent, name)
		}
	}
	if absent != nil {
		return nil, missing(absent...)
	}
	l := Label{Name: strings.TrimSpace(c.str("name")), Color: c.str("color"), Description: c.str("description")}
	if err := c.err(); err != nil {
		return nil, err
	}
	if findLabel(in, l.Name) != nil {
		return nil, conflict("Label already exists")
	}
	if err := checkLabel(l); err != nil {
		return nil, err
	}
	return c.labelJSON(in, c.server.addLabel(in, l)), nil
}

// label finds the label that a request names, by number or by name.
func (c *call) label(in labelled, own bool) (*Label, error) {
	reference := c.value("label_id")
	if reference == "" {
		reference = c.str("name")
	}
	found := findLabel(in, reference)
	if id, err := strconv.Atoi(reference); err == nil && found == nil {
		found = labelNumbered(in, id)
	}
	if found == nil || own && in.ownLabels()[found.Name] != found {
		return nil, notFound("Label")
	}
	return found, nil
}

func (c *call) getLabel() (any, error) {
	in, err := c.labelled()
	if err != nil {
		return nil, err
	}
	l, err := c.label(in, false)
	if err != nil {
		return nil, err
	}
	return c.labelJSON(in, l), nil
}

func (c *call) putLabel() (any, error) {
	in, err := c.labelManaged()
	if err != nil {
		return nil, err
	}
	l, err := c.label(in, true)
	if err != nil {
		return nil, err
	}
	if !c.has("new_name") && !c.has("color") && !c.has("description") {
		return nil, noneGiven("new_name", "color", "description", "priority")
	}
	changed := *l
	for name, field := range map[string]*string{"new_name": &changed.Name, "color": &changed.Color, "description": &changed.Description} {
		if c.has(name) {
			*field = c.str(name)
		}
	}
	if err := checkLabel(changed); err != nil {
		return nil, err
	}
	if other := findLabel(in, changed.Name); other != nil && other != l {
		return nil, badRequest(obj{"title": []string{"has already been taken"}})
	}
	if changed.Name != l.Name {
		delete(in.ownLabels(), l.Name)
		in.ownLabels()[changed.Name] = l
		c.server.relabel(in, l.Name, changed.Name)
	}
	*l = changed
	return c.labelJSON(in, l), nil
}

func (c *call) deleteLabel() (any, error) {
	in, err := c.labelManaged()
	if err != nil {
		return nil, err
	}
	l, err := c.label(in, true)
	if err != nil {
		return nil, err
	}
	delete(in.ownLabels(), l.Name)
	c.server.relabel(in, l.Name, "")
	c.status = http.StatusNoContent
	return nil, nil
}

// relabel renames a label on the issues that carry it, or takes it off.
func (s *Server) relabel(in labelled, from, to string) {
	switch in := in.(type) {
	case *project:
		for _, i := range in.issues {
			if at := slices.Index(i.Labels, from); at >= 0 {
				i.Labels = slices.Clone(i.Labels)
				if to == "" {
					i.Labels = slices.Delete(i.Labels, at, at+1)
				} else {
					i.Labels[at] = to
				}
			}
		}
	case *group:
		for _, p := range in.projects {
			s.relabel(p, from, to)
		}
		for _, child := range in.children {
			s.relabel(child, from, to)
		}
	}
}
