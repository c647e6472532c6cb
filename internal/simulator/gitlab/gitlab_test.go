package gitlab_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

const hubToken = "glpat-hub"

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// foreignClient is one that nobody here wrote.
type foreignClient = client.Client //nolint:staticcheck // archived, and what the connector uses

// testBundle is a GitLab with a root group that belongs to the user of hubToken.
type testBundle struct {
	server *gitlab.Server
	url    string // of the API
	clock  *clock
	root   gitlab.Group
	client *foreignClient // for the same user
}

func setup(t *testing.T, change ...func(*gitlab.Options)) *testBundle {
	t.Helper()
	b := &testBundle{clock: &clock{now: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)}}
	options := gitlab.Options{Token: hubToken, Now: b.clock.Now}
	for _, f := range change {
		f(&options)
	}
	b.server = gitlab.New(options)
	web := httptest.NewServer(b.server)
	t.Cleanup(func() {
		b.server.Close()
		web.Close()
	})
	b.url = web.URL + options.BasePath + "/api/v4"
	var err error
	b.root, err = b.server.CreateGroup("programme", "passerelle")
	require.NoError(t, err)
	b.client = b.clientFor(t, hubToken)
	return b
}

func (b *testBundle) clientFor(t *testing.T, token string) *foreignClient {
	t.Helper()
	c, err := client.NewClient(token, client.WithBaseURL(b.url), client.WithoutRetries()) //nolint:staticcheck // as above
	require.NoError(t, err)
	return c
}

// answer is what came back, for looking at exact bodies.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var values map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &values), a.body)
	return values
}

func (a answer) id(t *testing.T) int {
	t.Helper()
	id, ok := a.json(t)["id"].(float64)
	require.True(t, ok, a.body)
	return int(id)
}

// call makes a request as the hub; body is marshalled unless nil.
func (b *testBundle) call(t *testing.T, method, path string, body any) answer {
	t.Helper()
	return b.callAs(t, hubToken, method, path, body)
}

func (b *testBundle) callAs(t *testing.T, token, method, path string, body any) answer {
	t.Helper()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(t, err)
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, content)
	require.NoError(t, err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("PRIVATE-TOKEN", token)
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, string(body)}
}

// project makes a project with the API, in the root group.
func (b *testBundle) project(t *testing.T, path string) *client.Project {
	t.Helper()
	p, _, err := b.client.Projects.CreateProject(&client.CreateProjectOptions{
		Path: new(path), NamespaceID: new(b.root.ID),
	})
	require.NoError(t, err)
	return p
}

// issue makes an issue with the API.
func (b *testBundle) issue(t *testing.T, p *client.Project, title, description string) *client.Issue {
	t.Helper()
	i, _, err := b.client.Issues.CreateIssue(p.ID, &client.CreateIssueOptions{Title: &title, Description: &description})
	require.NoError(t, err)
	return i
}

type obj = map[string]any

func TestExampleOfUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "bac-a-sable")
	i := b.issue(t, p, "Bienvenue", "- [ ] lire\n- [ ] signer")

	b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember(p.PathWithNamespace, "agent", gitlab.Developer))
	done := make(chan error, 1)
	go func() {
		done <- b.server.WaitFor(t.Context(), func(v gitlab.View) bool {
			i, _ := v.Issue(p.PathWithNamespace, i.IID)
			return i.State == "closed"
		})
	}()
	require.NoError(t, b.server.TickBox(p.PathWithNamespace, i.IID, "agent", "lire"))
	require.NoError(t, b.server.Comment(p.PathWithNamespace, i.IID, "agent", "C'est fait.\n/close"))
	require.NoError(t, <-done)

	issues := b.server.Issues(p.PathWithNamespace)
	require.Len(t, issues, 1)
	require.Equal(t, "- [x] lire\n- [ ] signer", issues[0].Description)
	var texts []string
	for _, n := range b.server.Notes(p.PathWithNamespace, i.IID) {
		texts = append(texts, n.Body)
	}
	require.Equal(t, []string{"marked the checklist item **lire** as completed", "C'est fait.", "closed"}, texts)
}
