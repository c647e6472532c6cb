package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/web"
)

// trackingHook posts a webhook of the tracking project's.
func (r *rig) trackingHook(body string) answer {
	r.t.Helper()
	return r.call(http.MethodPost, "/webhooks/gitlab", body, "Content-Type", "application/json", "X-Gitlab-Token", gitlabToken)
}

func issueHook(iid int) string {
	return fmt.Sprintf(`{"object_kind":"issue","project":{"path_with_namespace":%q},
		"user":{"username":"camille.roy"},"object_attributes":{"iid":%d,"title":"secret de famille","action":"update"}}`, tracking, iid)
}

func noteHook(iid int) string {
	return fmt.Sprintf(`{"object_kind":"note","project":{"path_with_namespace":%q},
		"object_attributes":{"note":"secret de famille","noteable_type":"Issue"},"issue":{"iid":%d}}`, tracking, iid)
}

// track has the hub know that an issue tracks a dossier.
func (r *rig) track(dossier, issue int) {
	r.t.Helper()
	r.exec("insert into resources (dossier, system, kind, key, external_id) values ($1, 'gitlab', 'issue', 'tracking', $2)",
		dossier, fmt.Sprint(issue))
}

func TestGitLabWebhook_IsStoredWithItsJob(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.track(42, 7)
	for _, body := range []string{issueHook(7), noteHook(7), issueHook(7), strings.ReplaceAll(issueHook(7), tracking, "Programme/Suivi")} {
		got := r.trackingHook(body)
		require.Equal(t, http.StatusNoContent, got.status)
		require.Empty(t, got.body)
	}
	require.Equal(t, 4, r.count(`select count(*) from deliveries d join river_job j on (j.args->>'delivery')::bigint = d.id
		where d.source = 'gitlab' and d.demarche = 0 and d.dossier = 42 and d.settled_at is null and d.remark is null
		and j.kind = 'sync_tracking_issue' and j.state = 'available' and j.queue = 'gitlab' and j.args->>'issue' = '7'`),
		"every delivery has its job, also the same one again")
	require.Equal(t, 4, r.countedOf("gitlab", "stored"))
	require.Zero(t, r.count("select count(*) from deliveries d, river_job j where d::text like '%secret%' or j.args::text like '%secret%'"),
		"nothing else of the body is kept")
	require.NotContains(t, r.log.String(), "secret de famille")
}

func TestGitLabWebhook_OfAnIssueThatTracksNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.track(42, 7)
	r.exec("insert into resources (dossier, system, kind, key, external_id) values (43, 'gitlab', 'project', 'sandbox', '8')")
	require.Equal(t, http.StatusNoContent, r.trackingHook(issueHook(8)).status)
	require.Equal(t, 1, r.count("select count(*) from deliveries where dossier = 0 and outcome = 'foreign' and settled_at is not null"))
	require.Zero(t, r.count("select count(*) from river_job"))
	require.Equal(t, 1, r.countedOf("gitlab", "foreign"))
}

func TestGitLabWebhook_OfNoUse(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.track(42, 7)
	for _, body := range []string{
		strings.ReplaceAll(issueHook(7), tracking, "programme/autre"),
		strings.ReplaceAll(noteHook(7), `"Issue"`, `"MergeRequest"`),
		`{"object_kind":"push","project":{"path_with_namespace":"programme/suivi"}}`,
	} {
		require.Equal(t, http.StatusNoContent, r.trackingHook(body).status, "GitLab would switch the hook off")
	}
	require.Zero(t, r.count("select count(*) from deliveries"))
	require.Equal(t, 3, r.countedOf("gitlab", "ignored"))
}

// What the hub itself wrote is no news to it.
func TestGitLabWebhook_OfItsOwn(t *testing.T) {
	t.Parallel()
	r := setup(t, func(o *web.Options) { o.IsSelf = func(user int64) bool { return user == 12 } })
	r.track(42, 7)
	own := strings.ReplaceAll(issueHook(7), `"user":{`, `"user":{"id":12,`)
	require.Equal(t, http.StatusNoContent, r.trackingHook(own).status)
	require.Zero(t, r.count("select count(*) from deliveries"))
	require.Equal(t, 1, r.countedOf("gitlab", "own"))
	require.Equal(t, http.StatusNoContent, r.trackingHook(strings.ReplaceAll(own, `"id":12`, `"id":13`)).status)
	require.Equal(t, 1, r.count("select count(*) from deliveries"))
}

func TestGitLabWebhook_WrongToken(t *testing.T) {
	t.Parallel()
	send := func(r *rig, token string) {
		t.Helper()
		unknown := r.call(http.MethodPost, "/webhooks/nowhere", issueHook(7), "Content-Type", "application/json")
		got := r.call(http.MethodPost, "/webhooks/gitlab", issueHook(7), "Content-Type", "application/json", "X-Gitlab-Token", token)
		require.Equal(t, http.StatusNotFound, got.status)
		require.Equal(t, strings.ReplaceAll(unknown.body, unknown.header.Get("X-Request-Id"), got.header.Get("X-Request-Id")), got.body)
	}
	r := setup(t)
	for _, wrong := range []string{"", "x", gitlabToken + "x", gitlabToken[1:], secret} {
		send(r, wrong)
	}
	require.Equal(t, 5, r.countedOf("gitlab", "wrong_secret"))
	require.Zero(t, r.count("select count(*) from deliveries"))
	require.NotContains(t, r.log.String(), gitlabToken)

	without := setup(t, func(o *web.Options) { o.GitLabWebhookToken = "" })
	send(without, "")
	send(without, gitlabToken)
}

func TestGitLabWebhook_Refused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for name, tt := range map[string]struct {
		body, kind string
		status     int
		field      string
	}{
		"Form":           {"object_kind=issue", form, 415, "Content-Type"},
		"NoType":         {issueHook(7), "", 415, "Content-Type"},
		"TooLarge":       {`"` + strings.Repeat("x", 8<<20) + `"`, "application/json", 413, "body"},
		"NotJSON":        {"issue", "application/json", 400, "body"},
		"AList":          {"[]", "application/json", 400, "body"},
		"Null":           {"null", "application/json", 400, "body"},
		"NoKind":         {"{}", "application/json; charset=utf-8", 400, "object_kind"},
		"NoProject":      {`{"object_kind":"issue","object_attributes":{"iid":7}}`, "application/json", 400, "project"},
		"NoPath":         {`{"object_kind":"issue","project":{},"object_attributes":{"iid":7}}`, "application/json", 400, "project.path_with_namespace"},
		"NoIssue":        {`{"object_kind":"note","project":{"path_with_namespace":"a/b"},"object_attributes":{"noteable_type":"Issue"}}`, "application/json", 400, "issue"},
		"NoNumber":       {`{"object_kind":"issue","project":{"path_with_namespace":"a/b"},"object_attributes":{}}`, "application/json", 400, "object_attributes.iid"},
		"ZeroAsNumber":   {issueHook(0), "application/json", 400, "object_attributes.iid"},
		"ATextAsNumber":  {strings.Replace(issueHook(7), `"iid":7`, `"iid":"7"`, 1), "application/json", 400, "object_attributes.iid"},
		"NegativeNumber": {issueHook(-7), "application/json", 400, "object_attributes.iid"},
	} {
		got := r.call(http.MethodPost, "/webhooks/gitlab", tt.body, "Content-Type", tt.kind, "X-Gitlab-Token", gitlabToken)
		require.Equal(t, tt.status, got.status, name)
		document := got.problem(t)
		require.Equal(t, tt.field, document["field"], name)
		require.NotEmpty(t, document["detail"], name)
	}
	require.Equal(t, 14, r.countedOf("gitlab", "bad_request"))
	require.Zero(t, r.count("select count(*) from deliveries"))
	require.Equal(t, http.StatusMethodNotAllowed, r.call(http.MethodGet, "/webhooks/gitlab", "").status)
}

func TestGitLabWebhook_DatabaseAway(t *testing.T) {
	t.Parallel()
	unavailable := func(r *rig) {
		t.Helper()
		got := r.trackingHook(issueHook(7))
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.Equal(t, "5", got.header.Get("Retry-After"))
		got.problem(t)
		require.Positive(t, r.countedOf("gitlab", "unavailable"))
		require.Contains(t, r.log.String(), "issue=7", "the log says what polling has to find")
	}
	// The table is locked until after the answer: who answers gave up by itself.
	t.Run("Hanging", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		tx, err := r.pool.Begin(r.ctx)
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback(r.ctx) })
		_, err = tx.Exec(r.ctx, "lock table deliveries")
		require.NoError(t, err)
		unavailable(r)
		require.NoError(t, tx.Rollback(r.ctx))
		require.Zero(t, r.count("select count(*) from deliveries"))
	})
	t.Run("TheJobCannotBeEnqueued", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.track(42, 7)
		r.exec("alter table river_job rename to gone")
		unavailable(r)
		require.Zero(t, r.count("select count(*) from deliveries"))
	})
}
