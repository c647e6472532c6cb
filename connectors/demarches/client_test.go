package demarches_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
)

const (
	testToken = "S3cr3t-t0k3n"
	agentMail = "agent@ministere.gouv.fr"
	agentID   = "SW5zdHJ1Y3RldXItMQ=="
)

// request is a GraphQL request as DS receives it.
type request struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	header        http.Header
}

type testBundle struct {
	client *demarches.Client
	server *httptest.Server

	mu       sync.Mutex
	requests []request
	calls    []string // what OnCall was told
}

// setup starts a DS that answers with what answer writes.
func setup(t *testing.T, answer func(w http.ResponseWriter, r request), options ...func(*demarches.Options)) *testBundle {
	t.Helper()
	b := &testBundle{}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got request
		if r.URL.Path != "/api/v2/graphql" || r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&got) != nil {
			http.NotFound(w, r)
			return
		}
		got.header = r.Header
		b.mu.Lock()
		b.requests = append(b.requests, got)
		b.mu.Unlock()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		answer(w, got)
	}))
	t.Cleanup(b.server.Close)
	o := demarches.Options{
		URL:         b.server.URL,
		Token:       testToken,
		Instructeur: agentID,
		Timeout:     5 * time.Second,
		UserAgent:   "passerelle-test",
		OnCall: func(call string, status int, _ time.Duration) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.calls = append(b.calls, fmt.Sprintf("%s %d", call, status))
		},
	}
	for _, option := range options {
		option(&o)
	}
	var err error
	b.client, err = demarches.New(o)
	require.NoError(t, err)
	return b
}

// says answers every request with one status and body.
func says(status int, body string) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, _ request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// failureOf is the failure in err, which must tell no secret.
func failureOf(t *testing.T, err error) *connectors.Failure {
	t.Helper()
	require.Error(t, err)
	failure := connectors.AsFailure(err)
	require.NotNil(t, failure, "%T: %v", err, err)
	require.Equal(t, "Démarches Simplifiées", failure.Service)
	require.NotContains(t, err.Error(), testToken)
	require.NotContains(t, err.Error(), agentMail)
	require.NotContains(t, err.Error(), "<html")
	return failure
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]demarches.Options{
		"no address":       {Token: "x"},
		"no scheme":        {URL: "demarche.numerique.gouv.fr", Token: "x"},
		"another scheme":   {URL: "ftp://demarche.numerique.gouv.fr", Token: "x"},
		"user in address":  {URL: "https://a:b@ds.fr", Token: "x"},
		"query in address": {URL: "https://ds.fr/?a=b", Token: "x"},
		"no token":         {URL: "https://ds.fr"},
		"split token":      {URL: "https://ds.fr", Token: "a\nb"},
		"negative timeout": {URL: "https://ds.fr", Token: "x", Timeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := demarches.New(o)
			require.Error(t, err)
		})
	}
	_, err := demarches.New(demarches.Options{URL: "https://ds.fr/", Token: " x\n"})
	require.NoError(t, err)
}

func TestRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"data":{"dossier":{"messages":[]}}}`))
	_, found, err := b.client.FindMessage(t.Context(), 42, "REF")
	require.NoError(t, err)
	require.False(t, found)
	require.Len(t, b.requests, 1)
	r := b.requests[0]
	require.Equal(t, "Bearer "+testToken, r.header.Get("Authorization"))
	require.Equal(t, "passerelle-test", r.header.Get("User-Agent"))
	require.Equal(t, "FindMessage", r.OperationName)
	require.Equal(t, map[string]any{"number": 42.0}, r.Variables)
	require.Equal(t, []string{"FindMessage 200"}, b.calls)
}

func TestFailures(t *testing.T) {
	t.Parallel()

	const html = `<html><body>502 Bad Gateway agent@ministere.gouv.fr</body></html>`
	rootError := func(code, message, path string) string {
		return fmt.Sprintf(`{"data":null,"errors":[{"message":%q,"path":%s,"extensions":{"code":%q}}]}`, message, path, code)
	}
	type want struct {
		class    connectors.Class
		noEffect bool // of a mutation
		notFound bool
		advice   string
		detail   string
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		want   want
	}{
		"not found": {
			200, rootError("not_found", "Dossier not found", "[]"),
			want{connectors.Permanent, true, true, "", "dossier 42: Dossier not found"},
		},
		"unauthorized": {
			200, rootError("unauthorized", "An object of type Dossier was hidden due to permissions", `["dossier"]`),
			want{connectors.Permanent, true, false, "PASSERELLE_DS_TOKEN", "hidden due to permissions"},
		},
		"unauthorized below the mutation": {
			200, rootError("unauthorized", "An object of type Message was hidden due to permissions", `["dossierEnvoyerMessage","message"]`),
			want{connectors.Permanent, false, false, "PASSERELLE_DS_TOKEN", "hidden"},
		},
		"timeout beside data": {
			200, `{"data":{"dossier":{"messages":[{"id":"1","body":"REF"}]}},"errors":[{"message":"Timeout","extensions":{"code":"timeout"}}]}`,
			want{connectors.Transient, false, false, "", "Timeout"},
		},
		"invalid null": {
			200, rootError("invalid_null", "Cannot return null for non-nullable field", `["dossier","champs"]`),
			want{connectors.Permanent, false, false, "support", "null"},
		},
		"bad request": {
			200, rootError("bad_request", "Query has depth of 16, which exceeds max depth of 15", "[]"),
			want{connectors.Permanent, true, false, "", "depth"},
		},
		"unknown code": {
			200, rootError("undefinedField", "Field 'x' doesn't exist", "[]"),
			want{connectors.Permanent, false, false, "", "doesn't exist"},
		},
		"no code": {
			200, `{"errors":[{"message":"oops agent@ministere.gouv.fr S3cr3t-t0k3n\n\nmore"}]}`,
			want{connectors.Permanent, false, false, "", "oops …@… … more"},
		},
		"internal error": {
			500, rootError("internal_server_error", "Internal Server Error", "[]"),
			want{connectors.Transient, false, false, "", "Internal Server Error"},
		},
		"parse failed": {
			400, rootError("graphql_parse_failed", "Parse error", "[]"),
			want{connectors.Permanent, true, false, "", "Parse error"},
		},
		"expired": {
			401, rootError("unauthorized", "Token expired", "[]"),
			want{connectors.Denied, true, false, "PASSERELLE_DS_TOKEN", "Token expired"},
		},
		"unknown token": {
			403, `{"errors":[{"message":"Without a token, only persisted queries are allowed","extensions":{"code":"forbidden"}}]}`,
			want{connectors.Denied, true, false, "PASSERELLE_DS_TOKEN", "persisted queries"},
		},
		"firewall":              {403, html, want{connectors.Transient, true, false, "PASSERELLE_DS_TOKEN", "forbidden"}},
		"wrong address":         {404, html, want{connectors.Transient, true, false, "PASSERELLE_DS_URL", "not found"}},
		"load balancer":         {502, html, want{connectors.Transient, false, false, "", "bad gateway"}},
		"maintenance page":      {200, html, want{connectors.Transient, false, false, "", "not one that DS gives"}},
		"empty object":          {200, `{}`, want{connectors.Transient, false, false, "", "not one that DS gives"}},
		"null without a word":   {200, `{"data":{"dossier":null}}`, want{connectors.Transient, false, false, "", "not one that DS gives"}},
		"list for an object":    {200, `{"data":{"dossier":[],"dossierEnvoyerMessage":[]}}`, want{connectors.Transient, false, false, "", "not one that DS gives"}},
		"number for an object":  {200, `{"data":{"dossier":1,"dossierEnvoyerMessage":1}}`, want{connectors.Transient, false, false, "", "not one that DS gives"}},
		"cut off":               {200, `{"data":{"dossier":{"mess`, want{connectors.Transient, false, false, "", "not one that DS gives"}},
		"too large":             {200, strings.Repeat(" ", 16<<20) + "{}", want{connectors.Permanent, false, false, "", "larger than 16 MiB"}},
		"too large and failing": {503, strings.Repeat(" ", 16<<20) + "{}", want{connectors.Transient, false, false, "", "larger than 16 MiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(tt.status, tt.body))

			_, _, err := b.client.FindMessage(t.Context(), 42, "REF")
			f := failureOf(t, err)
			require.Equal(t, tt.want.class, f.Class)
			require.Equal(t, tt.want.class == connectors.Transient && (tt.status >= 400 || tt.want.detail == "not one that DS gives"), f.Down)
			require.True(t, f.NoEffect, "reading changes nothing")
			require.Equal(t, tt.want.notFound, f.NotFound)
			require.Equal(t, tt.status, f.Status)
			require.Contains(t, f.Advice, tt.want.advice)
			require.Contains(t, f.Detail, tt.want.detail)

			_, err = b.client.SendMessage(t.Context(), 7, 42, "RG9zc2llci00Mg==", demarches.Message{Body: "Bonjour"})
			f = failureOf(t, err)
			require.Equal(t, tt.want.class, f.Class)
			require.Equal(t, tt.want.noEffect, f.NoEffect)
			require.Len(t, b.requests, 2, "nothing is repeated")
		})
	}
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	for name, tt := range map[string]struct {
		header, value string
		want          time.Time
	}{
		"reset":              {"RateLimit-Reset", fmt.Sprint(now.Add(40 * time.Second).Unix()), now.Add(40 * time.Second)},
		"seconds":            {"Retry-After", "30", now.Add(30 * time.Second)},
		"date":               {"Retry-After", now.Add(time.Minute).UTC().Format(http.TimeFormat), now.Add(time.Minute)},
		"unreadable":         {"Retry-After", "soon", time.Time{}},
		"none":               {"X-Other", "1", time.Time{}},
		"past":               {"RateLimit-Reset", fmt.Sprint(now.Add(-time.Minute).Unix()), time.Time{}},
		"absurdly far":       {"RateLimit-Reset", "99999999999", now.Add(time.Hour)},
		"farther than int64": {"RateLimit-Reset", "99999999999999999999999", time.Time{}},
		"beyond time":        {"RateLimit-Reset", "9223372036854775807", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(w http.ResponseWriter, _ request) {
				w.Header().Set(tt.header, tt.value)
				w.Header().Set("RateLimit-Remaining", "0")
				says(http.StatusTooManyRequests, "Throttled")(w, request{})
			})
			_, err := b.client.SendMessage(t.Context(), 7, 42, "id", demarches.Message{Body: "Bonjour"})
			f := failureOf(t, err)
			require.Equal(t, connectors.Throttled, f.Class)
			require.True(t, f.NoEffect)
			if tt.want.IsZero() {
				require.Zero(t, f.RetryAt)
			} else {
				require.WithinDuration(t, tt.want, f.RetryAt, 20*time.Second, "of a minute, on a busy machine")
			}
			require.Len(t, b.requests, 1, "the library must not repeat by itself")
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.server.Close()
		_, err := b.client.SendMessage(t.Context(), 7, 42, "id", demarches.Message{Body: "Bonjour"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Transient, f.Class)
		require.True(t, f.NoEffect, "what could not connect sent nothing")
		require.Zero(t, f.Status)
		require.Equal(t, []string{"SendMessage 0"}, b.calls)
	})
	t.Run("hung up", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(http.ResponseWriter, request) { panic(http.ErrAbortHandler) })
		_, err := b.client.SendMessage(t.Context(), 7, 42, "id", demarches.Message{Body: "Bonjour"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Transient, f.Class)
		require.False(t, f.NoEffect, "it may have arrived")
		require.Len(t, b.requests, 1)
	})
	t.Run("cut off", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(w http.ResponseWriter, _ request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"data":`)
			panic(http.ErrAbortHandler)
		})
		_, err := b.client.SendMessage(t.Context(), 7, 42, "id", demarches.Message{Body: "Bonjour"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Transient, f.Class)
		require.False(t, f.NoEffect)
	})
	t.Run("too slow", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		b := setup(t, func(http.ResponseWriter, request) { <-release }, func(o *demarches.Options) { o.Timeout = 20 * time.Millisecond })
		defer close(release)
		_, err := b.client.SendMessage(t.Context(), 7, 42, "id", demarches.Message{Body: "Bonjour"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Transient, f.Class)
		require.False(t, f.NoEffect)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := setup(t, says(200, `{}`))
		_, err := b.client.Dossier(ctx, 42)
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				t.Error("the redirection was followed")
			}))
			t.Cleanup(elsewhere.Close)
			b := setup(t, func(w http.ResponseWriter, _ request) {
				w.Header().Set("Location", elsewhere.URL+"/api/v2/graphql")
				w.WriteHeader(status)
			})
			_, err := b.client.SendMessage(t.Context(), 7, 42, "id", demarches.Message{Body: "Bonjour"})
			f := failureOf(t, err)
			require.Equal(t, connectors.Transient, f.Class)
			require.True(t, f.NoEffect)
			require.Contains(t, f.Advice, "PASSERELLE_DS_URL")
		})
	}
}
