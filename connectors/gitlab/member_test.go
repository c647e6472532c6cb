package gitlab_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
)

func TestInviteToGroup(t *testing.T) {
	t.Parallel()
	emails := []string{"a@x.fr", " B@x.fr", "b@x.fr", "c@x.fr", "d@x.fr"}
	for name, tt := range map[string]struct {
		body string
		want gitlab.Invited
	}{
		"all": {`{"status":"success"}`, gitlab.Invited{Invited: 4}},
		"some there": {
			`{"status":"error","message":{"a@x.fr":"Invite email has already been taken","b@x.fr":"User already exists in source"}}`,
			gitlab.Invited{Invited: 2, Already: 2},
		},
		"some there, other versions": {
			`{"status":"error","message":{"a@x.fr":"Already a member","b@x.fr":"Member already invited","c@x.fr":"The member's email address has already been taken",
			"un.nom":"Access level should be greater than or equal to Developer inherited membership from group Programme"}}`,
			gitlab.Invited{Already: 4},
		},
		"some refused": {
			`{"status":"error","message":{"a@x.fr":"Invite email email 'a@x.fr' does not match the allowed domains: gouv.fr","b@x.fr":"Invite email email 'b@x.fr' does not match the allowed domains: gouv.fr",
			"c@x.fr":"Access level is not included in the list"}}`,
			gitlab.Invited{Invited: 1, Refused: []string{"Access level is not included in the list", "Invite email email '…@…' does not match the allowed domains: gouv.fr"}},
		},
		"lists of reasons": {
			`{"status":"error","message":{"a@x.fr":["Invite email is invalid"]}}`,
			gitlab.Invited{Invited: 3, Refused: []string{"Invite email is invalid"}},
		},
		"all at once": {
			`{"status":"error","message":"Too many users specified (limit is 100)"}`,
			gitlab.Invited{Refused: []string{"Too many users specified (limit is 100)"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(http.StatusCreated, tt.body))
			got, err := b.client.InviteToGroup(t.Context(), 12, emails, gitlab.Developer)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Len(t, b.requests, 1)
			require.Equal(t, "/forge/api/v4/groups/12/invitations", b.requests[0].path)
			require.Equal(t, map[string]any{"email": "a@x.fr,b@x.fr,c@x.fr,d@x.fr", "access_level": 30.0}, b.requests[0].body)
		})
	}
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		got, err := b.client.InviteToGroup(t.Context(), 12, nil, gitlab.Developer)
		require.NoError(t, err)
		require.Zero(t, got)
		require.Empty(t, b.requests)
	})
	t.Run("not addresses", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusCreated, `{"status":"success"}`))
		got, err := b.client.InviteToGroup(t.Context(), 12, []string{"a@x.fr,b@x.fr", "Chef", "@x.fr", "a@", "a@b@c", "z@x.fr", "a b@x.fr"}, gitlab.Guest)
		require.NoError(t, err)
		require.Equal(t, gitlab.Invited{Invited: 1, Refused: []string{"not an e-mail address"}}, got)
		require.Equal(t, "z@x.fr", b.requests[0].body["email"])
	})
	for name, body := range map[string]string{
		"no status":  `{}`,
		"no message": `{"status":"error"}`,
		"not JSON":   `created`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(http.StatusCreated, body))
			_, err := b.client.InviteToGroup(t.Context(), 12, emails, gitlab.Developer)
			f := failureOf(t, err)
			require.Equal(t, connectors.Transient, f.Class)
			require.False(t, f.NoEffect)
		})
	}
}

func TestParseAccessLevel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]gitlab.AccessLevel{
		"guest": 10, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50,
	} {
		got, err := gitlab.ParseAccessLevel(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"", "Owner", "admin"} {
		_, err := gitlab.ParseAccessLevel(name)
		require.ErrorContains(t, err, "maintainer")
	}
}
