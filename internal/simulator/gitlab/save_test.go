package gitlab_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// world is a GitLab that is called without a network.
type world struct {
	server *gitlab.Server
	tokens []string
}

func newWorld(now func() time.Time) *world {
	return &world{server: gitlab.New(gitlab.Options{
		Token: hubToken, Now: now, ExternalURL: "https://gitlab.example.org",
		Dispatch: func(gitlab.Delivery) []time.Duration { return nil },
	})}
}

func (w *world) call(token, method, path string, body any) (status int, header http.Header, answer string) {
	content := []byte{}
	if body != nil {
		content, _ = json.Marshal(body)
	}
	r := httptest.NewRequest(method, "https://gitlab.example.org/api/v4"+path, bytes.NewReader(content))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("PRIVATE-TOKEN", token)
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, r)
	return recorder.Code, recorder.Header(), recorder.Body.String()
}

// everything asks the API for all that it tells, to the administrator and to the hub.
func (w *world) everything() map[string]string {
	told := map[string]string{}
	for _, token := range []string{hubToken, w.tokens[0]} { // each sees other things
		ask := func(path string) {
			status, header, body := w.call(token, http.MethodGet, path, nil)
			told[token+path] = fmt.Sprintln(status, header, body)
		}
		for _, path := range []string{"/user", "/users", "/groups", "/projects", "/issues?scope=all", "/namespaces", "/personal_access_tokens/self"} {
			ask(path)
		}
		for _, g := range w.server.Groups() {
			at := fmt.Sprintf("/groups/%d", g.ID)
			for _, rest := range []string{"", "/subgroups", "/projects?include_subgroups=true", "/members/all", "/invitations", "/labels", "/issues"} {
				ask(at + rest)
			}
		}
		for _, p := range w.server.Projects() {
			at := fmt.Sprintf("/projects/%d", p.ID)
			for _, rest := range []string{
				"", "/members", "/members/all", "/invitations", "/labels", "/hooks", "/issues?with_labels_details=true",
				"/repository/tree?recursive=true", "/repository/branches", "/repository/commits",
			} {
				ask(at + rest)
			}
			ask("/projects/" + strings.ReplaceAll(p.FullPath, "/", "%2F"))
			for file := range w.server.Files(p.FullPath) {
				ask(at + "/repository/files/" + strings.ReplaceAll(file, "/", "%2F"))
			}
			for _, i := range w.server.Issues(p.FullPath) {
				ask(fmt.Sprintf("%s/issues/%d", at, i.IID))
				for _, rest := range []string{"notes", "discussions", "resource_label_events", "resource_state_events"} {
					ask(fmt.Sprintf("%s/issues/%d/%s", at, i.IID, rest))
				}
			}
		}
		for _, old := range []string{"un", "deux", "trois"} {
			for _, project := range []string{"un", "deux", "trois"} {
				ask("/projects/" + old + "%2F" + project)
				ask("/projects/" + old + "%2F" + project + "/issues/1")
			}
		}
	}
	return told
}

// do does one thing of many, which may well be refused, and tells what came of it.
func (w *world) do(kind, a, b, c int, text string) string {
	names := []string{"un", "deux", "trois"}
	group, project := names[a%3], names[a%3]+"/"+names[b%3]
	token := w.tokens[c%len(w.tokens)]
	ref := names[a%3] + "%2F" + names[b%3]
	api := func(method, path string, body obj) string {
		status, header, answer := w.call(token, method, path, body)
		return fmt.Sprintln(status, header, answer)
	}
	said := func(err error) string { return fmt.Sprint(err) }
	switch kind {
	case 0:
		_, err := w.server.CreateGroup(group, "passerelle")
		return said(err)
	case 1:
		return api(http.MethodPost, "/projects", obj{"path": names[b%3], "name": text, "namespace_id": w.namespace(group), "initialize_with_readme": c%2 == 0})
	case 2:
		return api(http.MethodPost, "/projects/"+ref+"/issues", obj{"title": text, "description": "- [ ] " + text + "\n/label ~x\n@root", "labels": "a, b::" + text, "confidential": c%3 == 0})
	case 3:
		return said(w.server.Comment(project, c+1, "", text+"\n/close"))
	case 4:
		return said(w.server.TickBox(project, c+1, "", ""))
	case 5:
		return said(w.server.CommitFiles(project, "", text, map[string]string{"f" + strconv.Itoa(c) + "/" + names[b%3]: text, names[c%3]: "\x00\xff"}))
	case 6:
		return said(w.server.MoveProject(project, "", names[c%3]))
	case 7:
		return said(w.server.MoveGroup(group, "", names[c%3]))
	case 8:
		return said(w.server.ArchiveProject(project, "", c%2 == 0))
	case 9:
		return said(w.server.DeleteProject(project, ""))
	case 10:
		return api(http.MethodPost, "/groups/"+group+"/invitations", obj{"email": fmt.Sprintf("p%d@example.org", c), "access_level": 30})
	case 11:
		return said(w.server.AddProjectMember(project, "agent", 30))
	case 12:
		return api(http.MethodPost, "/projects/"+ref+"/hooks", obj{"url": "https://hub.example.org/", "issues_events": true, "token": text})
	case 13:
		return api(http.MethodPost, "/groups/"+group+"/labels", obj{"name": text, "color": "#ff0000"})
	case 14:
		return api(http.MethodDelete, "/projects/"+ref+"/issues/"+strconv.Itoa(c+1), nil)
	case 15:
		return api(http.MethodPut, "/projects/"+ref+"/transfer", obj{"namespace": names[c%3]})
	case 16:
		return said(w.server.DeleteGroup(group, ""))
	case 17:
		w.server.RevokeToken(w.tokens[len(w.tokens)-1])
		return ""
	case 19:
		for _, n := range w.server.Notes(project, c+1) {
			if !n.System {
				return said(w.server.Reply(project, c+1, n.ID, "", text))
			}
		}
		return ""
	case 20:
		return said(w.server.ChangeLabels(project, c+1, "", []string{text}, []string{"a"}))
	default:
		return api(http.MethodPost, "/projects/"+ref+"/repository/branches", obj{"branch": text, "ref": "main"})
	}
}

func (w *world) namespace(path string) (id int) {
	w.server.Read(func(v gitlab.View) {
		g, _ := v.Group(path)
		id = g.ID
	})
	return id
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &clock{now: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)}
		first := newWorld(c.Now)
		defer first.server.Close()
		first.tokens = []string{
			first.server.AddUser("root", true), first.server.AddUser("agent", false),
			first.server.AddToken("agent", gitlab.Token{Scopes: []string{"read_api"}, ExpiresAt: c.Now().Add(time.Hour)}).Value, hubToken,
		}
		type step struct {
			kind, a, b, c int
			text          string
		}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			n := rapid.IntRange(0, 5)
			return step{rapid.IntRange(0, 20).Draw(t, "kind"), n.Draw(t, "a"), n.Draw(t, "b"), n.Draw(t, "c"), rapid.StringMatching(`[a-zé"<&]{1,4}`).Draw(t, "text")}
		}), 0, 24)
		for _, name := range []string{"un", "deux"} {
			_, err := first.server.CreateGroup(name, "passerelle")
			require.NoError(t, err)
			_, err = first.server.CreateProject(name + "/un")
			require.NoError(t, err)
		}
		for _, s := range steps.Draw(t, "before") {
			c.advance(time.Second)
			first.do(s.kind, s.a, s.b, s.c, s.text)
		}

		var file bytes.Buffer
		require.NoError(t, first.server.Save(&file))
		second := newWorld(c.Now)
		defer second.server.Close()
		second.tokens = first.tokens
		second.server.AddUser("nobody", false)
		require.NoError(t, second.server.Load(bytes.NewReader(file.Bytes())))
		same(t, first.everything(), second.everything())
		require.Equal(t, first.server.Mentions(), second.server.Mentions())
		require.Equal(t, first.server.QuickActions(), second.server.QuickActions())

		for _, s := range steps.Draw(t, "after") {
			c.advance(time.Second)
			require.Equal(t, first.do(s.kind, s.a, s.b, s.c, s.text), second.do(s.kind, s.a, s.b, s.c, s.text))
		}
		same(t, first.everything(), second.everything())
		var one, two bytes.Buffer
		require.NoError(t, first.server.Save(&one))
		require.NoError(t, second.server.Save(&two))
		require.Equal(t, one.String(), two.String())
	})
}

func same(t *rapid.T, first, second map[string]string) {
	for _, path := range slices.Sorted(maps.Keys(first)) {
		require.Equal(t, first[path], second[path], path)
	}
	require.Len(t, second, len(first))
}

func TestLoadRefusesWhatIsBad(t *testing.T) {
	t.Parallel()
	saved := func(t *testing.T) string {
		t.Helper()
		b := setup(t)
		p := b.project(t, "un")
		b.issue(t, p, "Premier", "- [ ] a")
		require.NoError(t, b.server.CommitFiles("programme/un", "", "m", map[string]string{"a": "contenu"}))
		require.NoError(t, b.server.Comment("programme/un", 1, "", "bonjour"))
		var file bytes.Buffer
		require.NoError(t, b.server.Save(&file))
		return file.String()
	}
	good := saved(t)
	for name, tt := range map[string]struct{ file, message string }{
		"empty":            {"", "cut off"},
		"cut off":          {good[:len(good)/2], "cut off"},
		"followed":         {good + "{}", "follows"},
		"no JSON":          {"PK\x03\x04", "no saved GitLab"},
		"another file":     {`{"Kind":"dossiers","Version":1}`, "no saved GitLab"},
		"a list":           {`[]`, "no saved GitLab"},
		"newer":            {strings.Replace(good, `"Version":1`, `"Version":2`, 1), "version 2, and this program reads version 1"},
		"unknown field":    {strings.Replace(good, `"Tokens":`, `"Jetons":`, 1), "Jetons"},
		"wrong type":       {strings.Replace(good, `"LastIID":1`, `"LastIID":"un"`, 1), "LastIID"},
		"content changed":  {strings.Replace(good, `"Y29udGVudQ=="`, `"AAAA"`, 1), "has lost its content"},
		"nobody's":         {strings.Replace(good, `"AuthorID":2`, `"AuthorID":77`, 1), "is nobody's"},
		"number too large": {strings.Replace(good, `"IID":1,"ProjectID"`, `"IID":9,"ProjectID"`, 1), "out of order"},
		"elsewhere":        {strings.Replace(good, `"FullPath":"programme/un"`, `"FullPath":"ailleurs"`, 1), "has the path"},
		"counters back":    {strings.Replace(good, `"project":1000001`, `"project":7`, 1), "project cannot be number 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEqual(t, good, tt.file)
			b := setup(t)
			b.project(t, "autre")
			var before, after bytes.Buffer
			require.NoError(t, b.server.Save(&before))
			err := b.server.Load(strings.NewReader(tt.file))
			require.ErrorContains(t, err, "gitlab: load: ")
			require.ErrorContains(t, err, tt.message)
			require.NoError(t, b.server.Save(&after))
			require.Equal(t, before.String(), after.String(), "nothing is half loaded")
		})
	}

	t.Run("the program's own token still works", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *gitlab.Options) { o.Token = "glpat-another" })
		require.NoError(t, b.server.Load(strings.NewReader(good)))
		require.Equal(t, 200, b.callAs(t, "glpat-another", http.MethodGet, "/projects/programme%2Fun", nil).status)
		require.Equal(t, 200, b.callAs(t, hubToken, http.MethodGet, "/projects/programme%2Fun", nil).status)
	})
}
