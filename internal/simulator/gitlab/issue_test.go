package gitlab_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestCreateIssue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	i, _, err := b.client.Issues.CreateIssue(p.ID, &client.CreateIssueOptions{
		Title: new("Bienvenue"), Description: new("- [x] un\n- [ ] deux"), Labels: &client.LabelOptions{"étape::2", "à voir"},
		Confidential: new(true),
	})
	require.NoError(t, err)
	require.Equal(t, 1, i.IID)
	require.Equal(t, "passerelle", i.Author.Username)
	require.Equal(t, "opened", i.State)
	require.Equal(t, client.Labels{"à voir", "étape::2"}, i.Labels)
	require.True(t, i.Confidential)
	require.Equal(t, 1, i.TaskCompletionStatus.CompletedCount)
	require.Equal(t, "programme/suivi#1", i.References.Full)
	require.Equal(t, b.clock.Now(), *i.CreatedAt)
	require.Len(t, b.server.Labels("programme/suivi"), 2, "labels come to be")

	again := b.issue(t, p, "Bienvenue", "") // titles are not unique
	require.Equal(t, 2, again.IID)

	at := fmt.Sprintf("/projects/%d/issues", p.ID)
	require.JSONEq(t, `{"error":"title is missing"}`, b.call(t, http.MethodPost, at, obj{}).body)
	require.JSONEq(t, `{"message":{"title":["can't be blank"]}}`, b.call(t, http.MethodPost, at, obj{"title": " "}).body)
	require.JSONEq(t, `{"message":{"title":["is too long (maximum is 255 characters)"]}}`, b.call(t, http.MethodPost, at, obj{"title": strings.Repeat("é", 256)}).body)
	require.Equal(t, 404, b.call(t, http.MethodGet, at+"/99", nil).status)
}

func TestIssueNumbersAreForOwners(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	at := fmt.Sprintf("/projects/%d/issues", p.ID)
	past := "2020-01-02T03:04:05Z"

	made := b.call(t, http.MethodPost, at, obj{"title": "x", "iid": 42, "created_at": past}).json(t)
	require.EqualValues(t, 42, made["iid"])
	require.Equal(t, "2020-01-02T03:04:05.000Z", made["created_at"])
	require.Equal(t, 409, b.call(t, http.MethodPost, at, obj{"title": "x", "iid": 42}).status)

	agent := b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember("programme/suivi", "agent", gitlab.Maintainer))
	made = b.callAs(t, agent, http.MethodPost, at, obj{"title": "x", "iid": 70, "created_at": past}).json(t)
	require.EqualValues(t, 43, made["iid"], "silently dropped")
	require.Equal(t, "2026-03-02T09:30:00.000Z", made["created_at"])
}

func TestForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project(t, "suivi")
	form := "title=Un+titre&labels=a,b&description=x&assignee_ids[]=2"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/projects/programme%2Fsuivi/issues?confidential=true", strings.NewReader(form))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("PRIVATE-TOKEN", hubToken)
	a := do(t, r)
	require.Equal(t, 201, a.status, a.body)
	i := b.server.Issues("programme/suivi")[0]
	require.Equal(t, "Un titre", i.Title)
	require.Equal(t, []string{"a", "b"}, i.Labels)
	require.Equal(t, []int{2}, i.AssigneeIDs)
	require.True(t, i.Confidential)
}

func TestEditIssue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	i := b.issue(t, p, "un", "d")
	update := func(o client.UpdateIssueOptions) *client.Issue {
		t.Helper()
		got, _, err := b.client.Issues.UpdateIssue(p.ID, i.IID, &o)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, client.Labels{"a", "b"}, update(client.UpdateIssueOptions{AddLabels: &client.LabelOptions{"b", "a"}}).Labels)
	require.Equal(t, client.Labels{"b", "c"}, update(client.UpdateIssueOptions{AddLabels: &client.LabelOptions{"c"}, RemoveLabels: &client.LabelOptions{"a"}}).Labels)
	b.clock.advance(time.Minute)
	closed := update(client.UpdateIssueOptions{StateEvent: new("close")})
	require.Equal(t, "closed", closed.State)
	require.Equal(t, "passerelle", closed.ClosedBy.Username)
	require.Equal(t, b.clock.Now(), *closed.ClosedAt)
	before := *update(client.UpdateIssueOptions{StateEvent: new("close")}).UpdatedAt // again: nothing happens
	b.clock.advance(time.Minute)
	require.Equal(t, before, *update(client.UpdateIssueOptions{Title: new("un")}).UpdatedAt)
	reopened := update(client.UpdateIssueOptions{StateEvent: new("reopen"), Title: new("deux"), Description: new("e"), Confidential: new(true)})
	require.Equal(t, "opened", reopened.State)
	require.Equal(t, "deux", reopened.Title)
	require.Nil(t, reopened.ClosedAt)

	var told []string
	for _, n := range b.server.Notes("programme/suivi", 1) {
		require.True(t, n.System)
		told = append(told, n.Body)
	}
	require.Equal(t, []string{
		`added ~"a" ~"b" labels`, `added ~"c" label and removed ~"a" label`, "closed", "changed title from **un** to **deux**",
		"changed the description", "made the issue confidential", "reopened",
	}, told)
	require.Equal(t, 400, b.call(t, http.MethodPut, "/projects/programme%2Fsuivi/issues/1", obj{}).status)
	require.Equal(t, 400, b.call(t, http.MethodPut, "/projects/programme%2Fsuivi/issues/1", obj{"state_event": "explode"}).status)
}

func TestListIssues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember("programme/suivi", "agent", gitlab.Developer))
	for n := 1; n <= 30; n++ {
		author := "passerelle"
		if n%10 == 0 {
			author = "agent"
		}
		_, err := b.server.OpenIssue("programme/suivi", author, fmt.Sprintf("Dossier %d", n), fmt.Sprintf("marque m%02d", n), fmt.Sprintf("l%d", n%2))
		require.NoError(t, err)
		b.clock.advance(time.Second)
	}
	require.NoError(t, b.server.CloseIssue("programme/suivi", 3, "agent"))
	list := func(query string) []int {
		t.Helper()
		issues, _, err := b.client.Issues.ListProjectIssues(p.ID, nil, client.WithContext(t.Context()), withQuery(query))
		require.NoError(t, err)
		var iids []int
		for _, i := range issues {
			iids = append(iids, i.IID)
		}
		return iids
	}
	require.Equal(t, []int{30, 29, 28}, list("per_page=3"))
	require.Equal(t, []int{1, 2}, list("per_page=2&sort=asc"))
	require.Equal(t, []int{7, 4}, list("iids[]=4&iids[]=7&iids[]=999"))
	require.Equal(t, []int{3}, list("state=closed"))
	require.Equal(t, []int{30, 20, 10}, list("author_username=agent"))
	require.Equal(t, []int{30, 20, 10}, list(fmt.Sprintf("author_id=%d", 3)))
	require.Equal(t, []int{30, 28}, list("labels=l0&per_page=2"))
	require.Nil(t, list("labels=l0,l1"))
	require.Equal(t, []int{12}, list("search=m12&in=description"))
	require.Nil(t, list("search=m12&in=title"))
	require.Equal(t, []int{12}, list("search="+url.QueryEscape("12 dossier")))
	require.Equal(t, []int{30, 29}, list("created_after=2026-03-02T09:30:28Z"), "including")
	require.Equal(t, []int{2, 1}, list("created_before=2026-03-02T09:30:01Z"))
	require.Equal(t, []int{3}, list("updated_after=2026-03-02T09:30:30Z&order_by=updated_at"))
	require.Equal(t, 400, b.call(t, http.MethodGet, "/projects/programme%2Fsuivi/issues?created_after=hier", nil).status)

	var all []int
	options := &client.ListProjectIssuesOptions{ListOptions: client.ListOptions{PerPage: 7}, OrderBy: new("created_at"), Sort: new("asc")}
	for {
		page, res, err := b.client.Issues.ListProjectIssues(p.ID, options)
		require.NoError(t, err)
		for _, i := range page {
			all = append(all, i.IID)
		}
		if options.Page = res.NextPage; options.Page == 0 {
			break
		}
	}
	require.Len(t, all, 30)
	require.IsIncreasing(t, all)

	in, _, err := b.client.Issues.ListGroupIssues("programme", &client.ListGroupIssuesOptions{ListOptions: client.ListOptions{PerPage: 100}})
	require.NoError(t, err)
	require.Len(t, in, 30)
	own, _, err := b.client.Issues.ListIssues(&client.ListIssuesOptions{ListOptions: client.ListOptions{PerPage: 100}})
	require.NoError(t, err)
	require.Len(t, own, 27)
}

func withQuery(query string) client.RequestOptionFunc {
	return func(r *retryablehttp.Request) error {
		r.URL.RawQuery = query
		return nil
	}
}

func TestSearchLags(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *gitlab.Options) { o.SearchLag = time.Minute })
	p := b.project(t, "suivi")
	b.issue(t, p, "Un", "marque")
	const search, list = "/projects/programme%2Fsuivi/issues?search=marque", "/projects/programme%2Fsuivi/issues"
	require.Equal(t, "[]", b.call(t, http.MethodGet, search, nil).body)
	require.NotEqual(t, "[]", b.call(t, http.MethodGet, list, nil).body)
	b.clock.advance(time.Minute)
	require.NotEqual(t, "[]", b.call(t, http.MethodGet, search, nil).body)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	i := b.issue(t, p, "Un", "")
	n, _, err := b.client.Notes.CreateIssueNote(p.ID, i.IID, &client.CreateIssueNoteOptions{Body: new("premier")})
	require.NoError(t, err)
	require.Equal(t, "passerelle", n.Author.Username)
	b.clock.advance(time.Second)
	_, _, err = b.client.Notes.CreateIssueNote(p.ID, i.IID, &client.CreateIssueNoteOptions{Body: new("second")})
	require.NoError(t, err)
	b.clock.advance(time.Second)
	_, _, err = b.client.Notes.UpdateIssueNote(p.ID, i.IID, n.ID, &client.UpdateIssueNoteOptions{Body: new("changé")})
	require.NoError(t, err)
	require.NoError(t, b.server.CloseIssue("programme/suivi", 1, ""))

	bodies := func(options client.ListIssueNotesOptions) []string {
		notes, _, err := b.client.Notes.ListIssueNotes(p.ID, i.IID, &options)
		require.NoError(t, err)
		var list []string
		for _, n := range notes {
			list = append(list, n.Body)
		}
		return list
	}
	require.Equal(t, []string{"closed", "second", "changé"}, bodies(client.ListIssueNotesOptions{}))
	require.Equal(t, []string{"changé", "second", "closed"}, bodies(client.ListIssueNotesOptions{Sort: new("asc")}))
	require.Equal(t, "changé", bodies(client.ListIssueNotesOptions{Sort: new("desc"), OrderBy: new("updated_at")})[1])
	require.Equal(t, []string{"second"}, bodies(client.ListIssueNotesOptions{ListOptions: client.ListOptions{PerPage: 1, Page: 2}}))

	at := fmt.Sprintf("/projects/%d/issues/1", p.ID)
	require.EqualValues(t, 2, b.call(t, http.MethodGet, at, nil).json(t)["user_notes_count"], "GitLab's own do not count")
	require.JSONEq(t, `{"error":"body is missing"}`, b.call(t, http.MethodPost, at+"/notes", obj{}).body)
	require.Contains(t, b.call(t, http.MethodPost, at+"/notes", obj{"body": " "}).body, "can't be blank")

	agent := b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember("programme/suivi", "agent", gitlab.Developer))
	require.Equal(t, 403, b.callAs(t, agent, http.MethodPut, fmt.Sprintf("%s/notes/%d", at, n.ID), obj{"body": "x"}).status)
	_, err = b.client.Notes.DeleteIssueNote(p.ID, i.IID, n.ID)
	require.NoError(t, err)
	require.Equal(t, 404, b.call(t, http.MethodGet, fmt.Sprintf("%s/notes/%d", at, n.ID), nil).status)
}

func TestTickBox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	i := b.issue(t, p, "Un", "- [ ] un\n* [x] deux\n1. [ ] trois")
	require.NoError(t, b.server.TickBox("programme/suivi", i.IID, "", "trois"))
	require.NoError(t, b.server.UntickBox("programme/suivi", i.IID, "", "deux"))
	require.ErrorContains(t, b.server.TickBox("programme/suivi", i.IID, "", "quatre"), "no such box")
	require.Equal(t, "- [ ] un\n* [ ] deux\n1. [x] trois", b.server.Issues("programme/suivi")[0].Description)
	require.ErrorContains(t, b.server.Comment("programme/suivi", 1, "nobody", "x"), "404 User Not Found")
}
