package gitlab_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Empty(t, b.call(t, http.MethodGet, "/groups", nil).header.Get("RateLimit-Limit"), "none by default")
	b.server.SetLimits(map[string]int{"GET /groups": 2})
	for left := 1; left >= 0; left-- {
		a := b.call(t, http.MethodGet, "/groups", nil)
		require.Equal(t, 200, a.status)
		require.Equal(t, fmt.Sprint(left), a.header.Get("RateLimit-Remaining"))
	}
	b.clock.advance(20 * time.Second)
	a := b.call(t, http.MethodGet, "/groups", nil)
	require.Equal(t, 429, a.status)
	require.Equal(t, "Retry later\n", a.body)
	require.Equal(t, "text/plain", a.header.Get("Content-Type"))
	require.Equal(t, "40", a.header.Get("Retry-After"))
	require.Equal(t, "2", a.header.Get("RateLimit-Limit"))
	require.Equal(t, fmt.Sprint(time.Date(2026, 3, 2, 9, 31, 0, 0, time.UTC).Unix()), a.header.Get("RateLimit-Reset"))
	require.Equal(t, 200, b.callAs(t, b.server.AddUser("other", false), http.MethodGet, "/groups", nil).status, "each user has their own")
	b.clock.advance(40 * time.Second)
	require.Equal(t, 200, b.call(t, http.MethodGet, "/groups", nil).status)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project(t, "un")
	b.server.Faults().ResetCalls()
	for _, c := range [][2]string{
		{http.MethodPost, "/groups"},
		{http.MethodPost, "/projects/programme%2Fun/issues"},
		{http.MethodPut, "/projects/1/issues/1"},
		{http.MethodPost, "/projects/1/repository/commits"},
		{http.MethodPost, "/groups/1/invitations"},
		{http.MethodGet, "/rien"},
	} {
		b.call(t, c[0], c[1], nil)
	}
	require.Equal(t, map[string]int{
		"POST /groups": 1, "POST /projects/:id/issues": 1, "PUT /projects/:id/issues/:iid": 1,
		"POST /projects/:id/repository/commits": 1, "POST /groups/:id/invitations": 1, "GET *": 1,
	}, b.server.Faults().Calls())

	b.server.Faults().Add(fault.Rule{Operation: "POST /projects/:id/issues", Kind: fault.StatusAfter, Times: 1})
	lost := b.call(t, http.MethodPost, "/projects/programme%2Fun/issues", obj{"title": "x"})
	require.Equal(t, 503, lost.status)
	require.Len(t, b.server.Issues("programme/un"), 1, "carried out all the same")
	b.server.Faults().Add(fault.Rule{Kind: fault.Throttle, Times: 1})
	throttled := b.call(t, http.MethodGet, "/groups", nil)
	require.Equal(t, 429, throttled.status)
	require.Equal(t, "Retry later\n", throttled.body)
	require.NotEmpty(t, throttled.header.Get("Retry-After"))
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	r := newReceiver(t)
	b.hook(t, p, r)
	const workers, each = 8, 5
	failures := make(chan error, workers*each*3)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for n := range each {
				name := fmt.Sprintf("g-%d-%d", w, n)
				_, _, err := b.client.Groups.CreateGroup(&client.CreateGroupOptions{Name: &name, Path: &name, ParentID: &b.root.ID})
				failures <- err
				_, _, err = b.client.Issues.CreateIssue(p.ID, &client.CreateIssueOptions{Title: &name})
				failures <- err
				_, _, err = b.client.Issues.ListProjectIssues(p.ID, nil)
				failures <- err
			}
		})
	}
	require.NoError(t, b.server.WaitFor(t.Context(), func(v gitlab.View) bool {
		return v.IssueCount("programme/suivi") == workers*each
	}))
	wait.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	seen := map[int]bool{}
	for _, i := range b.server.Issues("programme/suivi") {
		seen[i.IID] = true
	}
	require.Len(t, seen, workers*each)
	require.NoError(t, b.server.WaitDelivered(t.Context()))
	require.Len(t, r.received, workers*each)
}

func BenchmarkOnboarding(b *testing.B) {
	s := gitlab.New(gitlab.Options{})
	defer s.Close()
	_, err := s.CreateGroup("programme")
	require.NoError(b, err)
	_, err = s.CreateProject("programme/suivi")
	require.NoError(b, err)
	for n := 0; b.Loop(); n++ {
		path := fmt.Sprintf("programme/equipe-%d", n)
		_, err := s.CreateGroup(path)
		require.NoError(b, err)
		_, err = s.CreateProject(path + "/bac")
		require.NoError(b, err)
		_, err = s.OpenIssue("programme/suivi", "", path, "- [ ] un", "étape::1")
		require.NoError(b, err)
	}
}
