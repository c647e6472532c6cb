package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg"
	"github.com/cloud-pi-native/passerelle/migrations"
)

func TestWebhook_IsStoredWithItsJob(t *testing.T) {
	t.Parallel()
	r := setup(t)
	// As DS sends it, byte by byte.
	got := r.hook("procedure_id=12345&dossier_id=42&state=accepte&updated_at=2026-11-23+10%3A15%3A30+%2B0100")
	require.Equal(t, http.StatusNoContent, got.status)
	require.Empty(t, got.body)
	r.requireStored(1)
	require.Equal(t, 1, r.counted("stored"))

	var (
		state  string
		hinted time.Time
		remark *string
	)
	require.NoError(t, r.pool.QueryRow(r.ctx, "select state, hinted_at, remark from deliveries where source = 'demarches' and demarche = 12345").
		Scan(&state, &hinted, &remark))
	require.Equal(t, "accepte", state)
	require.True(t, hinted.Equal(time.Date(2026, 11, 23, 9, 15, 30, 0, time.UTC)))
	require.Nil(t, remark)

	// Every delivery has its job, also the same one again.
	for range 3 {
		require.Equal(t, http.StatusNoContent, r.hook(hookBody("state", "accepte")).status)
	}
	r.requireStored(4)
}

func TestWebhook_TwoNumbersSuffice(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, body := range []string{
		"procedure_id=12345&dossier_id=42",
		hookBody("state", "perdu"), hookBody("updated_at", "hier"), hookBody("state", "<script>", "updated_at", "%"),
		hookBody("state", strings.Repeat("x", 5000), "another", "field"),
	} {
		require.Equal(t, http.StatusNoContent, r.hook(body).status, body)
	}
	r.requireStored(5)
	require.Equal(t, 5, r.count("select count(*) from deliveries where remark <> ''"))
	require.Zero(t, r.count("select count(*) from deliveries where state not in ('en_construction')"))

	r.call(http.MethodPost, "/webhooks/demarches/"+secret, hookBody(), "Content-Type", form+"; charset=UTF-8")
	r.requireStored(6)
}

func TestWebhook_WrongSecret(t *testing.T) {
	t.Parallel()
	r := setup(t)
	unknown := r.call(http.MethodPost, "/webhooks/nowhere/x", hookBody(), "Content-Type", form)
	require.Equal(t, http.StatusNotFound, unknown.status)
	for _, wrong := range []string{"x", secret[1:], secret + "x", strings.ToUpper(secret), "%2e%2e", secret + "/x", "%00"} {
		got := r.call(http.MethodPost, "/webhooks/demarches/"+wrong, hookBody(), "Content-Type", form)
		require.Equal(t, http.StatusNotFound, got.status, wrong)
		// But for the request's own id it is the answer of a route that does not exist.
		expected := strings.ReplaceAll(unknown.body, unknown.header.Get("X-Request-Id"), got.header.Get("X-Request-Id"))
		require.Equal(t, expected, got.body)
		for name := range unknown.header {
			require.Contains(t, got.header, name)
		}
		require.Len(t, got.header, len(unknown.header))
	}
	r.requireStored(0)
	require.Equal(t, 7, r.counted("wrong_secret"))
}

func TestWebhook_Refused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for name, tt := range map[string]struct {
		body, kind string
		status     int
		field      string
	}{
		"JSON":             {`{"procedure_id":12345,"dossier_id":42}`, "application/json", 415, "Content-Type"},
		"NoType":           {hookBody(), "", 415, "Content-Type"},
		"NonsenseAsType":   {hookBody(), ";;", 415, "Content-Type"},
		"Multipart":        {hookBody(), "multipart/form-data; boundary=x", 415, "Content-Type"},
		"TooLarge":         {hookBody("x", strings.Repeat("x", 16<<10)), form, 413, "body"},
		"NoDemarche":       {"dossier_id=42", form, 400, "procedure_id"},
		"NoDossier":        {"procedure_id=12345", form, 400, "dossier_id"},
		"ANegativeNumber":  {hookBody("dossier_id", "-42"), form, 400, "dossier_id"},
		"Zero":             {hookBody("dossier_id", "0"), form, 400, "dossier_id"},
		"ATextAsNumber":    {hookBody("procedure_id", "un"), form, 400, "procedure_id"},
		"BeyondAnInt":      {hookBody("dossier_id", "99999999999"), form, 400, "dossier_id"},
		"Empty":            {"", form, 400, "procedure_id"},
		"JSONAsForm":       {`{"procedure_id":12345,"dossier_id":42}`, form, 400, "procedure_id"},
		"TwoDossiers":      {hookBody() + "&dossier_id=43", form, 400, "dossier_id"},
		"NotConfigured":    {hookBody("procedure_id", "777"), form, 422, "procedure_id"},
		"TooManyFields":    {hookBody() + strings.Repeat("&x=1", 100), form, 400, ""},
		"AlmostTooLarge":   {strings.Repeat("x", 16<<10), form, 400, "procedure_id"},
		"LargeAndNotOurs":  {strings.Repeat("x", 1<<20), form, 413, "body"},
		"TypeBeforeNumber": {"", "text/plain", 415, "Content-Type"},
	} {
		got := r.call(http.MethodPost, "/webhooks/demarches/"+secret, tt.body, "Content-Type", tt.kind)
		require.Equal(t, tt.status, got.status, name)
		document := got.problem(t)
		if tt.field != "" {
			require.Equal(t, tt.field, document["field"], name)
		}
		require.NotEmpty(t, document["detail"], name)
	}
	r.requireStored(0)
	require.Equal(t, 1, r.counted("unknown_demarche"))
	require.Equal(t, 18, r.counted("bad_request"))
	require.Contains(t, r.log.String(), "demarche=777")

	require.Equal(t, http.StatusMethodNotAllowed, r.call(http.MethodGet, "/webhooks/demarches/"+secret, "").status)
}

func TestWebhook_NothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.hook(hookBody())
	r.hook(hookBody("procedure_id", "777"))
	r.hook("")
	r.call(http.MethodPost, "/webhooks/demarches/"+secret+"x", hookBody(), "Content-Type", form)
	r.call(http.MethodGet, "/webhooks/demarches/"+secret, "")
	r.call(http.MethodGet, "/admin/api/v1/jobs", "", "Authorization", "Bearer "+viewer)
	r.pool.Close()
	require.Equal(t, http.StatusServiceUnavailable, r.hook(hookBody()).status)
	require.Contains(t, r.log.String(), "/webhooks/demarches/:secret")
	require.NotContains(t, r.log.String(), secret)
	require.NotContains(t, r.log.String(), viewer)
}

// requireUnavailable checks an answer for a delivery that could not be stored.
func (r *rig) requireUnavailable(got answer) {
	r.t.Helper()
	require.Equal(r.t, http.StatusServiceUnavailable, got.status)
	require.Equal(r.t, "5", got.header.Get("Retry-After"))
	got.problem(r.t)
	require.Positive(r.t, r.counted("unavailable"))
	require.Zero(r.t, r.counted("stored"))
	require.Contains(r.t, r.log.String(), "dossier=42", "the log says what polling has to find")
}

func TestWebhook_DatabaseAway(t *testing.T) {
	t.Parallel()

	t.Run("Stopped", func(t *testing.T) {
		t.Parallel()
		server, err := localpg.Start(t.Context(), localpg.Options{FastUnsafe: true})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, server.Stop()) })
		r := setupOn(t, server.URL())
		_, err = migrations.Up(r.ctx, r.pool)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.call(http.MethodGet, "/readyz", "").status)

		require.NoError(t, server.Halt(r.ctx, localpg.Immediate))
		r.requireUnavailable(r.hook(hookBody()))
		require.Equal(t, http.StatusServiceUnavailable, r.call(http.MethodGet, "/readyz", "").status)
		require.Equal(t, http.StatusOK, r.call(http.MethodGet, "/healthz", "").status)
		// What goes wrong inside is not shown.
		got := r.call(http.MethodGet, "/admin/api/v1/jobs", "", "Authorization", "Bearer "+viewer)
		require.Equal(t, http.StatusServiceUnavailable, got.status)
		require.NotContains(t, fmt.Sprint(got.problem(t)), "connect")

		require.NoError(t, server.Resume(r.ctx))
		require.Equal(t, http.StatusNoContent, r.hook(hookBody()).status)
		r.requireStored(1)
	})

	// The table is locked until after the answer: who answers gave up by itself.
	t.Run("Hanging", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		tx, err := r.pool.Begin(r.ctx)
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback(r.ctx) })
		_, err = tx.Exec(r.ctx, "lock table deliveries")
		require.NoError(t, err)
		r.requireUnavailable(r.hook(hookBody()))
		require.NoError(t, tx.Rollback(r.ctx))
		r.requireStored(0)
	})

	t.Run("NoConnectionLeft", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		for range r.pool.Config().MaxConns {
			conn, err := r.pool.Acquire(r.ctx)
			require.NoError(t, err)
			t.Cleanup(conn.Release)
		}
		r.requireUnavailable(r.hook(hookBody()))
	})

	for name, table := range map[string]string{"TheDeliveryFailsAtTheCommit": "deliveries", "TheJobFailsAtTheCommit": "river_job"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.exec("create function no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$")
			r.exec("create constraint trigger no after insert on " + table + " deferrable initially deferred for each row execute function no()")
			r.requireUnavailable(r.hook(hookBody()))
			r.requireStored(0)
		})
	}

	t.Run("TheJobCannotBeEnqueued", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.exec("alter table river_job rename to gone")
		r.requireUnavailable(r.hook(hookBody()))
		require.Zero(t, r.count("select count(*) from deliveries"))
	})
}

// Whatever is posted, the answer is none of a broken hub, and 2xx means stored.
func FuzzWebhook(f *testing.F) {
	for _, body := range []string{hookBody(), "", "procedure_id=12345&dossier_id=42&state=%zz", "procedure_id=12345&dossier_id=1;x", "\x00=\xff", "procedure_id=777&dossier_id=1"} {
		f.Add(body, form)
	}
	f.Add(hookBody(), "application/json")
	f.Add(hookBody(), form+"; charset=\"")
	shared := setup(f)
	f.Fuzz(func(t *testing.T, body, kind string) {
		r := *shared
		r.t = t
		before := r.count("select count(*) from deliveries")
		kind = strings.Map(func(c rune) rune {
			if c < ' ' || c == 0x7f {
				return -1 // Go's client sends none of these
			}
			return c
		}, kind)
		got := r.call(http.MethodPost, "/webhooks/demarches/"+secret, body, "Content-Type", kind)
		require.Less(t, got.status, 500)
		if got.status < 300 {
			before++
		} else {
			got.problem(t)
		}
		r.requireStored(before)
	})
}
