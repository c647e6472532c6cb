package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/telemetry"
	"github.com/cloud-pi-native/passerelle/internal/web"
	"github.com/cloud-pi-native/passerelle/jobs"
)

func TestMain(m *testing.M) { localpgtest.Main(m) }

const (
	secret = "a-secret-of-more-than-32-characters"
	// gitlabToken is the secret of the tracking project's webhook.
	gitlabToken = "another-secret-of-more-than-32-characters"
	tracking    = "programme/suivi"
	// The tokens, by the role that each has.
	viewer, operator, admin = "token-of-the-viewer", "token-of-the-operator", "token-of-the-admin"
)

// rig is the HTTP side on a database of its own, with nobody to work the jobs.
type rig struct {
	t       testing.TB
	ctx     context.Context
	url     string
	pool    *pgxpool.Pool
	river   *jobs.Client
	metrics *telemetry.Metrics
	log     *log
}

func setup(tb testing.TB, options ...func(*web.Options)) *rig {
	tb.Helper()
	return setupOn(tb, localpgtest.Migrated(tb), options...)
}

func setupOn(tb testing.TB, database string, options ...func(*web.Options)) *rig {
	tb.Helper()
	r := &rig{t: tb, ctx: context.WithoutCancel(tb.Context()), metrics: telemetry.NewMetrics(), log: &log{}}
	logger := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	r.pool, err = pgxpool.New(r.ctx, database)
	require.NoError(tb, err)
	tb.Cleanup(r.pool.Close)
	r.river, err = jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: logger})
	require.NoError(tb, err)
	journey, err := config.ParseJourney("journey.example.yaml", deploy.ExampleJourney)
	require.NoError(tb, err)
	o := web.Options{
		Pool: r.pool, River: r.river, Journey: journey, WebhookSecret: secret, Logger: logger, Metrics: r.metrics,
		GitLabWebhookToken: gitlabToken, TrackingProject: tracking,
		AdminTokens: []config.AdminToken{
			config.NewAdminToken("anne", config.Viewer, viewer), config.NewAdminToken("jean", config.Operator, operator),
			config.NewAdminToken("zoé", config.Admin, admin),
		},
	}
	for _, option := range options {
		option(&o)
	}
	server := httptest.NewServer(web.New(o))
	tb.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// log is what was logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// problem is the answer as a problem document.
func (a answer) problem(tb testing.TB) map[string]any {
	tb.Helper()
	require.Equal(tb, "application/problem+json", a.header.Get("Content-Type"))
	var document map[string]any
	require.NoError(tb, json.Unmarshal([]byte(a.body), &document), a.body)
	require.Equal(tb, "about:blank", document["type"])
	require.Equal(tb, http.StatusText(a.status), document["title"])
	require.InDelta(tb, a.status, document["status"], 0)
	require.Equal(tb, a.header.Get("X-Request-Id"), document["request"])
	require.NotEmpty(tb, document["request"])
	return document
}

// call makes a request; headers are names and values in turn.
func (r *rig) call(method, path, body string, headers ...string) answer {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.ctx, method, r.url+path, strings.NewReader(body))
	require.NoError(r.t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	return answer{response.StatusCode, response.Header, string(text)}
}

const form = "application/x-www-form-urlencoded"

// hook posts a webhook's body.
func (r *rig) hook(body string) answer {
	r.t.Helper()
	return r.call(http.MethodPost, "/webhooks/demarches/"+secret, body, "Content-Type", form)
}

func hookBody(changes ...string) string {
	values := url.Values{
		"procedure_id": {"12345"}, "dossier_id": {"42"}, "state": {"en_construction"}, "updated_at": {"2026-11-23 10:15:30 +0100"},
	}
	for i := 0; i < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
	}
	return values.Encode()
}

// count is the number that a query returns.
func (r *rig) count(sql string, args ...any) int {
	r.t.Helper()
	var n int
	require.NoError(r.t, r.pool.QueryRow(r.ctx, sql, args...).Scan(&n))
	return n
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	_, err := r.pool.Exec(r.ctx, sql, args...)
	require.NoError(r.t, err)
}

// requireStored checks how many deliveries are stored, each with its job.
func (r *rig) requireStored(n int) {
	r.t.Helper()
	require.Equal(r.t, n, r.count("select count(*) from deliveries"))
	require.Equal(r.t, n, r.count("select count(*) from river_job"))
	require.Equal(r.t, n, r.count(`select count(*) from deliveries d join river_job j
		on (j.args->>'delivery')::bigint = d.id and (j.args->>'dossier')::bigint = d.dossier
		where j.kind = 'sync_dossier' and j.state = 'available' and j.queue = 'demarches'`))
}

// counted is how many webhooks of DS had that outcome, by the metrics.
func (r *rig) counted(outcome string) int {
	r.t.Helper()
	return r.countedOf("demarches", outcome)
}

func (r *rig) countedOf(source, outcome string) int {
	r.t.Helper()
	line := fmt.Sprintf(`passerelle_deliveries_total{outcome=%q,source=%q} `, outcome, source)
	_, rest, found := strings.Cut(r.call(http.MethodGet, "/metrics", "").body, line)
	if !found {
		return 0
	}
	number, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(number)
	require.NoError(r.t, err)
	return n
}
