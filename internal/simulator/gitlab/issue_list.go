package gitlab

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// issueFilter is what a list of issues is asked for.
type issueFilter struct {
	iids                        []int
	state                       string
	labels                      []string
	terms                       []string
	inTitle, inDescription      bool
	authorID                    int
	author, assignee            string
	createdAfter, createdBefore time.Time
	updatedAfter, updatedBefore time.Time
	confidential                *bool
	order                       string
	descending                  bool
}

func (c *call) issueFilter() (issueFilter, error) {
	f := issueFilter{
		iids: c.ints("iids"), state: c.str("state"), labels: c.list("labels"), terms: searchTerms(c.str("search")),
		authorID: c.int("author_id"), author: c.str("author_username"), assignee: c.str("assignee_id"),
		createdAfter: c.time("created_after"), createdBefore: c.time("created_before"),
		updatedAfter: c.time("updated_after"), updatedBefore: c.time("updated_before"),
		confidential: c.boolPtr("confidential"), order: c.str("order_by"), descending: c.str("sort") != "asc",
	}
	if len(f.iids) == 0 && c.has("iid") {
		f.iids = c.ints("iid")
	}
	in := c.str("in")
	f.inTitle, f.inDescription = in == "" || strings.Contains(in, "title"), in == "" || strings.Contains(in, "description")
	c.bool("with_labels_details", false)
	return f, c.err()
}

// searchTerms are the words of a search, of which each must be found; those in
// quotation marks stay together.
func searchTerms(search string) []string {
	var terms []string
	for at, part := range strings.Split(strings.ToLower(search), `"`) {
		if at%2 == 1 {
			terms = append(terms, part)
		} else {
			terms = append(terms, strings.Fields(part)...)
		}
	}
	return terms
}

func (f issueFilter) found(s *Server, i *issue) bool {
	if len(f.terms) == 0 {
		return true
	}
	if i.textAt.Add(s.options.SearchLag).After(s.now()) {
		return false
	}
	var where []string
	if f.inTitle {
		where = append(where, i.Title)
	}
	if f.inDescription {
		where = append(where, i.Description)
	}
	return !slices.ContainsFunc(f.terms, func(term string) bool { return !contains(term, where...) })
}

func (f issueFilter) matches(s *Server, i *issue) bool {
	switch {
	case f.state != "" && f.state != "all" && f.state != i.State,
		f.authorID != 0 && f.authorID != i.AuthorID,
		f.author != "" && !strings.EqualFold(f.author, i.Author),
		f.confidential != nil && *f.confidential != i.Confidential,
		!f.createdAfter.IsZero() && i.CreatedAt.Before(f.createdAfter),
		!f.createdBefore.IsZero() && i.CreatedAt.After(f.createdBefore),
		!f.updatedAfter.IsZero() && i.UpdatedAt.Before(f.updatedAfter),
		!f.updatedBefore.IsZero() && i.UpdatedAt.After(f.updatedBefore):
		return false
	}
	switch strings.ToLower(f.assignee) {
	case "":
	case "none":
		if len(i.AssigneeIDs) > 0 {
			return false
		}
	case "any":
		if len(i.AssigneeIDs) == 0 {
			return false
		}
	default:
		if id, _ := strconv.Atoi(f.assignee); !slices.Contains(i.AssigneeIDs, id) {
			return false
		}
	}
	for _, label := range f.labels {
		switch strings.ToLower(label) {
		case "none":
			if len(i.Labels) > 0 {
				return false
			}
		case "any":
			if len(i.Labels) == 0 {
				return false
			}
		default:
			if !slices.Contains(i.Labels, label) {
				return false
			}
		}
	}
	return f.found(s, i)
}

// candidates are the issues of a project that are worth a look: few when asked
// for by number, or by date of creation.
func (f issueFilter) candidates(p *project) []*issue {
	if len(f.iids) > 0 {
		var list []*issue
		for _, iid := range f.iids {
			if i := p.byIID[iid]; i != nil && !slices.Contains(list, i) {
				list = append(list, i)
			}
		}
		return list
	}
	if !f.createdAfter.IsZero() && !p.unordered {
		return p.issues[sort.Search(len(p.issues), func(at int) bool { return !p.issues[at].CreatedAt.Before(f.createdAfter) }):]
	}
	return p.issues
}

// placed is an issue with the project that it is in.
type placed struct {
	*issue
	project *project
}

func (c *call) answerIssues(in []*project) (any, error) {
	f, err := c.issueFilter()
	if err != nil {
		return nil, err
	}
	var found []placed
	for _, p := range in {
		for _, i := range f.candidates(p) {
			if f.matches(c.server, i) && i.visibleTo(c.user, p) {
				found = append(found, placed{i, p})
			}
		}
	}
	byID := func(a, b placed) int { return cmp.Compare(a.ID, b.ID) }
	orders := map[string]func(a, b placed) int{
		"created_at": func(a, b placed) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updated_at": func(a, b placed) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
		"title":      func(a, b placed) int { return strings.Compare(a.Title, b.Title) },
		"due_date":   func(a, b placed) int { return strings.Compare(a.DueDate, b.DueDate) },
	}
	order := orders[f.order]
	if order == nil {
		order = orders["created_at"]
	}
	sortBy(found, order, byID, f.descending)
	return paged(c, found, func(i placed) any { return c.issueJSON(i.project, i.issue) })
}

func (c *call) listIssues() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	return c.answerIssues([]*project{p})
}

func (c *call) listGroupIssues() (any, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	var in []*project
	var collect func(*group)
	collect = func(g *group) {
		for _, p := range g.projects {
			if p.visibleTo(c.user) {
				in = append(in, p)
			}
		}
		for _, child := range g.children {
			collect(child)
		}
	}
	collect(g)
	return c.answerIssues(in)
}

// listOwnIssues lists the issues that the user wrote, or all that may be seen.
func (c *call) listOwnIssues() (any, error) {
	switch scope := c.str("scope"); scope {
	case "", "created_by_me", "created-by-me":
		c.values["author_id"] = strconv.Itoa(c.user.ID)
	case "assigned_to_me", "assigned-to-me":
		c.values["assignee_id"] = strconv.Itoa(c.user.ID)
	}
	var in []*project
	for _, p := range c.server.projectList {
		if p.visibleTo(c.user) {
			in = append(in, p)
		}
	}
	return c.answerIssues(in)
}
