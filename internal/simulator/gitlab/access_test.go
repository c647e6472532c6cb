package gitlab_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)

	a := b.callAs(t, "", http.MethodGet, "/user", nil)
	require.Equal(t, 401, a.status)
	require.JSONEq(t, `{"message":"401 Unauthorized"}`, a.body)
	require.Equal(t, 401, b.callAs(t, "wrong", http.MethodGet, "/version", nil).status)

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/user", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+hubToken)
	require.Equal(t, "passerelle", do(t, r).json(t)["username"])

	reader := b.server.AddToken("passerelle", gitlab.Token{Scopes: []string{"read_api"}})
	require.Equal(t, 200, b.callAs(t, reader.Value, http.MethodGet, "/groups", nil).status)
	a = b.callAs(t, reader.Value, http.MethodPost, "/groups", obj{"name": "a", "path": "a"})
	require.Equal(t, 403, a.status)
	require.JSONEq(t, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`, a.body)

	expiring := b.server.AddToken("passerelle", gitlab.Token{ExpiresAt: b.clock.Now().Add(time.Hour)})
	self := b.callAs(t, expiring.Value, http.MethodGet, "/personal_access_tokens/self", nil).json(t)
	require.Equal(t, []any{"api"}, self["scopes"])
	require.Equal(t, "2026-03-02", self["expires_at"])
	b.clock.advance(2 * time.Hour)
	a = b.callAs(t, expiring.Value, http.MethodGet, "/user", nil)
	require.Equal(t, 401, a.status)
	require.Contains(t, a.body, "Token is expired")

	b.server.RevokeToken(hubToken)
	a = b.call(t, http.MethodGet, "/user", nil)
	require.Equal(t, 401, a.status)
	require.Contains(t, a.body, "invalid_token")
}

func TestWhatMayNotBeSeenIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger := b.server.AddUser("stranger", false)
	p := b.project(t, "secret")
	b.issue(t, p, "one", "")

	a := b.callAs(t, stranger, http.MethodGet, "/groups/programme", nil)
	require.Equal(t, 404, a.status)
	require.JSONEq(t, `{"message":"404 Group Not Found"}`, a.body)
	a = b.callAs(t, stranger, http.MethodGet, "/projects/programme%2Fsecret", nil)
	require.Equal(t, 404, a.status)
	require.JSONEq(t, `{"message":"404 Project Not Found"}`, a.body)
	require.Equal(t, 404, b.callAs(t, stranger, http.MethodPost, "/projects/programme%2Fsecret/issues", obj{"title": "x"}).status)
	require.Equal(t, "[]", b.callAs(t, stranger, http.MethodGet, "/projects", nil).body)
	require.Equal(t, "[]", b.callAs(t, stranger, http.MethodGet, "/groups", nil).body)

	// A level too low is 403, once there is something to see.
	require.NoError(t, b.server.AddProjectMember(p.PathWithNamespace, "stranger", gitlab.Guest))
	a = b.callAs(t, stranger, http.MethodPut, "/projects/programme%2Fsecret", obj{"description": "x"})
	require.Equal(t, 403, a.status)
	require.JSONEq(t, `{"message":"403 Forbidden"}`, a.body)
	require.Equal(t, 403, b.callAs(t, stranger, http.MethodPut, "/projects/programme%2Fsecret/issues/1", obj{"state_event": "close"}).status)
	require.Equal(t, 200, b.callAs(t, stranger, http.MethodGet, "/projects/programme%2Fsecret/issues/1", nil).status)
	require.Equal(t, 200, b.callAs(t, stranger, http.MethodGet, "/groups/programme", nil).status, "the way there shows")

	confidential := b.call(t, http.MethodPost, "/projects/programme%2Fsecret/issues", obj{"title": "two", "confidential": true})
	require.Equal(t, 201, confidential.status)
	require.Equal(t, 404, b.callAs(t, stranger, http.MethodGet, "/projects/programme%2Fsecret/issues/2", nil).status)
}

func TestPreflightAndUsers(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *gitlab.Options) { o.Version = "17.11.7" })
	b.server.AddUser("marie.dupont", false)

	require.Equal(t, "17.11.7", b.call(t, http.MethodGet, "/version", nil).json(t)["version"])
	require.Equal(t, false, b.call(t, http.MethodGet, "/metadata", nil).json(t)["enterprise"])
	require.Equal(t, 404, b.call(t, http.MethodGet, "/nothing", nil).status)

	user, _, err := b.client.Users.CurrentUser()
	require.NoError(t, err)
	require.Equal(t, "passerelle", user.Username)
	found := b.call(t, http.MethodGet, "/users?username=Marie.Dupont", nil)
	require.Contains(t, found.body, `"username":"marie.dupont"`)
	require.NotContains(t, found.body, "marie.dupont@example.org", "addresses are private")
	require.Equal(t, "[]", b.call(t, http.MethodGet, "/users?username=nobody", nil).body)
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *gitlab.Options) { o.BasePath = "/gitlab" })
	p := b.project(t, "prefixed")
	require.Contains(t, p.WebURL, "/gitlab/programme/prefixed")
	got, _, err := b.client.Projects.GetProject("programme/prefixed", nil)
	require.NoError(t, err)
	require.Equal(t, p.ID, got.ID)
}
