package gitlab_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"
)

func TestMovedProject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "un")
	b.issue(t, p, "Premier", "")
	require.NoError(t, b.server.MoveProject("programme/un", "", "deux"))

	noFollow := *http.DefaultClient
	noFollow.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	get := func(method, path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, b.url+path, nil)
		require.NoError(t, err)
		r.Header.Set("PRIVATE-TOKEN", hubToken)
		res, err := noFollow.Do(r)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		return res.StatusCode, res.Header.Get("Location")
	}
	status, location := get(http.MethodGet, "/projects/programme%2Fun")
	require.Equal(t, http.StatusMovedPermanently, status)
	require.Equal(t, fmt.Sprintf("%s/projects/%d", b.url, p.ID), location)
	status, location = get(http.MethodGet, "/projects/programme%2Fun/issues?state=all&page=1")
	require.Equal(t, http.StatusMovedPermanently, status)
	require.Equal(t, fmt.Sprintf("%s/projects/%d/issues?state=all&page=1", b.url, p.ID), location)
	status, _ = get(http.MethodPost, "/projects/programme%2Fun/archive")
	require.Equal(t, http.StatusMethodNotAllowed, status)

	issues, _, err := b.client.Issues.ListProjectIssues("programme/un", nil)
	require.NoError(t, err)
	require.Len(t, issues, 1)

	_, _, err = b.client.Projects.EditProject(p.ID, &client.EditProjectOptions{Name: new("deux")})
	require.NoError(t, err)
	second, err := b.server.CreateProject("programme/un")
	require.NoError(t, err)
	require.NotEqual(t, p.ID, second.ID)
	found, _, err := b.client.Projects.GetProject("programme/un", nil)
	require.NoError(t, err)
	require.Equal(t, second.ID, found.ID, "who has the path now is found there")

	require.NoError(t, b.server.PurgeProject("programme/un"))
	require.Equal(t, 404, b.call(t, http.MethodGet, "/projects/programme%2Fun", nil).status)
	require.NoError(t, b.server.MoveProject("programme/deux", "", "trois"))
	require.NoError(t, b.server.PurgeProject("programme/trois"))
	require.Equal(t, 404, b.call(t, http.MethodGet, "/projects/programme%2Fdeux", nil).status, "what is gone is nowhere")
}

func TestDeletedProjectIsNotLedTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "un")
	_, err := b.client.Projects.DeleteProject(p.ID, nil)
	require.NoError(t, err)
	require.Equal(t, 404, b.call(t, http.MethodGet, "/projects/programme%2Fun", nil).status)
}
