package gitlab_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// receiver takes webhooks.
type receiver struct {
	url      string
	status   chan int // what to answer next; 200 when empty
	received chan received
}

type received struct {
	header http.Header
	body   map[string]any
	raw    []byte
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: make(chan int, 100), received: make(chan received, 100)}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, _ := io.ReadAll(req.Body)
		var body map[string]any
		_ = json.Unmarshal(raw, &body)
		select {
		case status := <-r.status:
			w.WriteHeader(status)
		default:
		}
		r.received <- received{req.Header, body, raw}
	}))
	t.Cleanup(web.Close)
	r.url = web.URL
	return r
}

func (b *testBundle) hook(t *testing.T, p *client.Project, r *receiver) int {
	t.Helper()
	h, _, err := b.client.Projects.AddProjectHook(p.ID, &client.AddProjectHookOptions{
		URL: &r.url, Token: new("s3cret"), IssuesEvents: new(true), NoteEvents: new(true),
		ConfidentialIssuesEvents: new(true), PushEvents: new(false),
	})
	require.NoError(t, err)
	return h.ID
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	r, other := newReceiver(t), newReceiver(t)
	b.hook(t, p, r)
	b.hook(t, p, other)
	b.issue(t, p, "Un", "")

	open := <-r.received
	require.Equal(t, "Issue Hook", open.header.Get("X-Gitlab-Event"))
	require.Equal(t, "s3cret", open.header.Get("X-Gitlab-Token"))
	require.Contains(t, b.url, open.header.Get("X-Gitlab-Instance"))
	require.NotEmpty(t, open.header.Get("X-Gitlab-Webhook-UUID"))
	twin := <-other.received
	require.Equal(t, open.header.Get("X-Gitlab-Event-UUID"), twin.header.Get("X-Gitlab-Event-UUID"))
	require.NotEqual(t, open.header.Get("X-Gitlab-Webhook-UUID"), twin.header.Get("X-Gitlab-Webhook-UUID"))
	require.NotEqual(t, open.header.Get("Idempotency-Key"), twin.header.Get("Idempotency-Key"))
	event, err := client.ParseWebhook(client.EventTypeIssue, open.raw)
	require.NoError(t, err)
	issue := event.(*client.IssueEvent)
	require.Equal(t, "open", issue.ObjectAttributes.Action)
	require.Equal(t, "programme/suivi", issue.Project.PathWithNamespace)
	require.Equal(t, "passerelle", issue.User.Username)

	b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember("programme/suivi", "agent", gitlab.Developer))
	require.NoError(t, b.server.SetLabels("programme/suivi", 1, "agent", "étape::2"))
	update := <-r.received
	require.Equal(t, "update", update.body["object_attributes"].(obj)["action"])
	require.Equal(t, "agent", update.body["user"].(obj)["username"])
	labels := update.body["changes"].(obj)["labels"].(obj)
	require.Empty(t, labels["previous"])
	require.Equal(t, "étape::2", labels["current"].([]any)[0].(obj)["title"])

	require.NoError(t, b.server.Comment("programme/suivi", 1, "agent", "Bon.\n/close"))
	note := <-r.received
	require.Equal(t, "Note Hook", note.header.Get("X-Gitlab-Event"))
	parsed, err := client.ParseWebhook(client.EventTypeNote, note.raw)
	require.NoError(t, err)
	require.Equal(t, "Bon.", parsed.(*client.IssueCommentEvent).ObjectAttributes.Note)
	require.Equal(t, 1, parsed.(*client.IssueCommentEvent).Issue.IID)
	closed := <-r.received
	require.Equal(t, "close", closed.body["object_attributes"].(obj)["action"])
	require.Equal(t, "closed", closed.body["object_attributes"].(obj)["state"])
	require.NoError(t, b.server.ReopenIssue("programme/suivi", 1, "agent"))
	require.Equal(t, "reopen", (<-r.received).body["object_attributes"].(obj)["action"])

	confidential := true
	_, _, err = b.client.Issues.UpdateIssue(p.ID, 1, &client.UpdateIssueOptions{Confidential: &confidential})
	require.NoError(t, err)
	require.Equal(t, "Confidential Issue Hook", (<-r.received).header.Get("X-Gitlab-Event"))
	require.NoError(t, b.server.Comment("programme/suivi", 1, "agent", "entre nous"))
	require.NoError(t, b.server.WaitDelivered(t.Context()))
	require.Empty(t, r.received, "not asked for")
}

func TestHooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	at := fmt.Sprintf("/projects/%d/hooks", p.ID)
	require.Equal(t, 400, b.call(t, http.MethodPost, at, obj{}).status)
	require.Equal(t, 422, b.call(t, http.MethodPost, at, obj{"url": "ftp://x"}).status)
	for range 2 { // not unique
		made := b.call(t, http.MethodPost, at, obj{"url": "http://127.0.0.1:1/", "token": "s3cret", "issues_events": true})
		require.Equal(t, 201, made.status)
		require.NotContains(t, made.body, "s3cret")
		require.Equal(t, true, made.json(t)["push_events"])
	}
	hooks, _, err := b.client.Projects.ListProjectHooks(p.ID, nil)
	require.NoError(t, err)
	require.Len(t, hooks, 2)
	_, err = b.client.Projects.DeleteProjectHook(p.ID, hooks[0].ID)
	require.NoError(t, err)
	require.Equal(t, 404, b.call(t, http.MethodGet, fmt.Sprintf("%s/%d", at, hooks[0].ID), nil).status)
	require.Equal(t, 404, b.call(t, http.MethodPost, "/groups/programme/hooks", obj{"url": "http://x"}).status, "Premium")
}

func TestFailingHookIsSwitchedOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	b.issue(t, p, "Un", "")
	r := newReceiver(t)
	id := b.hook(t, p, r)
	status := func() any {
		return b.call(t, http.MethodGet, fmt.Sprintf("/projects/%d/hooks/%d", p.ID, id), nil).json(t)["alert_status"]
	}
	for range 4 {
		require.Equal(t, "executable", status())
		r.status <- 500
		require.NoError(t, b.server.Comment("programme/suivi", 1, "", "x"))
		require.NoError(t, b.server.WaitDelivered(t.Context()))
		<-r.received
	}
	require.Equal(t, "temporarily_disabled", status())
	require.NoError(t, b.server.Comment("programme/suivi", 1, "", "perdu"))
	require.NoError(t, b.server.WaitDelivered(t.Context()))
	require.Empty(t, r.received)

	b.clock.advance(61 * time.Second)
	require.Equal(t, "executable", status())
	require.NoError(t, b.server.Comment("programme/suivi", 1, "", "de retour"))
	require.Equal(t, "de retour", (<-r.received).body["object_attributes"].(obj)["note"])
	require.NoError(t, b.server.WaitDelivered(t.Context()))

	for range 40 {
		r.status <- 500
		require.NoError(t, b.server.Comment("programme/suivi", 1, "", "x"))
		require.NoError(t, b.server.WaitDelivered(t.Context()))
		b.clock.advance(25 * time.Hour)
	}
	require.Equal(t, "disabled", status())
	require.Equal(t, 201, b.call(t, http.MethodPost, fmt.Sprintf("/projects/%d/hooks/%d/test/issues_events", p.ID, id), nil).status)
	require.NoError(t, b.server.WaitDelivered(t.Context()))
	require.Equal(t, "executable", status(), "a test that works switches it on")
}

func TestWebhookRetriesAndDispatch(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *gitlab.Options) { o.WebhookRetries = []time.Duration{time.Millisecond, time.Millisecond} })
	p := b.project(t, "suivi")
	r := newReceiver(t)
	b.hook(t, p, r)
	r.status <- 502
	b.issue(t, p, "Un", "")
	first, second := <-r.received, <-r.received
	require.Equal(t, first.header.Get("Idempotency-Key"), second.header.Get("Idempotency-Key"))
	require.NoError(t, b.server.WaitDelivered(t.Context()))
	require.Len(t, b.server.Deliveries(), 2)
	require.Equal(t, 502, b.server.Deliveries()[0].Status)

	fates := [][]time.Duration{nil, {0, 0}, {20 * time.Millisecond}, {0}}
	b.server.SetDispatch(func(gitlab.Delivery) []time.Duration {
		fate := fates[0]
		fates = fates[1:]
		return fate
	})
	for _, text := range []string{"perdu", "doublé", "tardif", "normal"} {
		require.NoError(t, b.server.Comment("programme/suivi", 1, "", text))
	}
	require.NoError(t, b.server.WaitDelivered(t.Context()))
	var texts []string
	for range 4 {
		texts = append(texts, (<-r.received).body["object_attributes"].(obj)["note"].(string))
	}
	require.Equal(t, []string{"doublé", "doublé", "normal", "tardif"}, texts)
	require.Empty(t, r.received)
}
