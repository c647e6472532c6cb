package gitlab_test

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
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
)

const testToken = "glpat-S3cr3tT0k3n"

// request is a request as GitLab receives it.
type request struct {
	method string
	path   string // as sent, escapes and all
	query  map[string][]string
	body   map[string]any
	header http.Header
}

type testBundle struct {
	client *gitlab.Client
	server *httptest.Server

	mu       sync.Mutex
	requests []request
	calls    []string // what OnCall was told
}

// setup starts a GitLab under the path prefix /forge that answers with what answer
// writes.
func setup(t *testing.T, answer func(w http.ResponseWriter, r request), options ...func(*gitlab.Options)) *testBundle {
	t.Helper()
	b := &testBundle{}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := request{method: r.Method, path: r.URL.EscapedPath(), query: r.URL.Query(), header: r.Header}
		if body, err := io.ReadAll(r.Body); err != nil || len(body) > 0 && json.Unmarshal(body, &got.body) != nil {
			http.Error(w, "unreadable", http.StatusTeapot)
			return
		}
		b.mu.Lock()
		b.requests = append(b.requests, got)
		b.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		answer(w, got)
	}))
	t.Cleanup(b.server.Close)
	o := gitlab.Options{
		URL:       b.server.URL + "/forge/",
		Token:     testToken,
		Timeout:   5 * time.Second,
		UserAgent: "passerelle-test",
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
	b.client, err = gitlab.New(o)
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
	require.Equal(t, "GitLab", failure.Service)
	require.NotContains(t, err.Error(), testToken)
	require.NotContains(t, err.Error(), "@x.fr")
	require.NotContains(t, err.Error(), "<html")
	return failure
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]gitlab.Options{
		"no address":       {Token: "x"},
		"no scheme":        {URL: "gitlab.fr", Token: "x"},
		"user in address":  {URL: "https://a:b@gitlab.fr", Token: "x"},
		"query in address": {URL: "https://gitlab.fr/?a=b", Token: "x"},
		"no token":         {URL: "https://gitlab.fr"},
		"split token":      {URL: "https://gitlab.fr", Token: "a\nb"},
		"negative timeout": {URL: "https://gitlab.fr", Token: "x", Timeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := gitlab.New(o)
			require.Error(t, err)
		})
	}
	_, err := gitlab.New(gitlab.Options{URL: "https://gitlab.fr", Token: " x\n"})
	require.NoError(t, err)
}

func TestRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, r request) {
		// The library would set its own limiter from this.
		w.Header().Set("RateLimit-Limit", "1")
		says(http.StatusOK, `{"id":5,"full_path":"programme/embarquement","web_url":"https://gitlab.fr/programme/embarquement","description":"marque","marked_for_deletion_on":null}`)(w, r)
	})
	want := gitlab.Group{ID: 5, Path: "programme/embarquement", URL: "https://gitlab.fr/programme/embarquement", Description: "marque"}
	for range 5 {
		got, err := b.client.Group(t.Context(), "programme/embarquement")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Len(t, b.requests, 5, "no request of the library's own")
	r := b.requests[0]
	require.Equal(t, "/forge/api/v4/groups/programme%2Fembarquement", r.path)
	require.Equal(t, testToken, r.header.Get("PRIVATE-TOKEN"))
	require.Equal(t, "passerelle-test", r.header.Get("User-Agent"))
	require.Equal(t, "read group 200", b.calls[0])
}

func TestFailures(t *testing.T) {
	t.Parallel()

	const html = `<html><body>503 b@x.fr</body></html>`
	type want struct {
		class    connectors.Class
		noEffect bool // of a change
		notFound bool
		advice   string
		detail   string
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		want   want
	}{
		"unauthorized": {
			401, `{"message":"401 Unauthorized"}`,
			want{connectors.Denied, true, false, "PASSERELLE_GITLAB_TOKEN", "Unauthorized"},
		},
		"expired": {
			401, `{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}`,
			want{connectors.Denied, true, false, "PASSERELLE_GITLAB_TOKEN", "invalid_token: Token is expired"},
		},
		"scope": {
			403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`,
			want{connectors.Permanent, true, false, "scope api", "insufficient_scope: The request"},
		},
		"forbidden": {
			403, `{"message":"403 Forbidden"}`,
			want{connectors.Permanent, true, false, "PASSERELLE_GITLAB_TOKEN", ": Forbidden"},
		},
		"not found": {
			404, `{"message":"404 Project Not Found"}`,
			want{connectors.Permanent, true, true, "", ": Project Not Found"},
		},
		"not a GitLab": {
			404, html,
			want{connectors.Transient, true, false, "PASSERELLE_GITLAB_URL", "not found"},
		},
		"validation": {
			400, `{"message":{"path":["can't start with dash","is too long"],"base":[{"limit":["reached"]}],"email":["b@x.fr is not allowed"]}}`,
			want{connectors.Permanent, true, false, "", "base: limit: reached; email: …@… is not allowed; path: can't start with dash, is too long"},
		},
		"missing parameter": {
			400, `{"error":"title is missing"}`,
			want{connectors.Permanent, true, false, "", "title is missing"},
		},
		"conflict": {
			409, `{"message":"409 Conflict: iid glpat-S3cr3tT0k3n"}`,
			want{connectors.Permanent, true, false, "", "Conflict: iid …"},
		},
		"unprocessable": {422, `{"message":["a","b"]}`, want{connectors.Permanent, true, false, "", "a, b"}},
		"being deleted": {
			400, `{"message":{"base":["The project is still being deleted. Please try again later."]}}`,
			want{connectors.Transient, true, false, "", "still being deleted"},
		},
		"firewall":           {403, html, want{connectors.Transient, true, false, "PASSERELLE_GITLAB_TOKEN", "forbidden"}},
		"internal error":     {500, `{"message":"500 Internal Server Error"}`, want{connectors.Transient, false, false, "", "Internal Server Error"}},
		"load balancer":      {503, html, want{connectors.Transient, false, false, "", "service unavailable"}},
		"unknown status":     {599, "", want{connectors.Transient, false, false, "", "error"}},
		"slow request":       {408, "", want{connectors.Transient, false, false, "", "request timeout"}},
		"sign-in page":       {200, html, want{connectors.Transient, false, false, "", "not one that GitLab gives"}},
		"empty object":       {200, `{}`, want{connectors.Transient, false, false, "", "not one that GitLab gives"}},
		"null":               {201, `null`, want{connectors.Transient, false, false, "", "not one that GitLab gives"}},
		"list":               {201, `[]`, want{connectors.Transient, false, false, "", "not one that GitLab gives"}},
		"nothing":            {204, ``, want{connectors.Transient, false, false, "", "not one that GitLab gives"}},
		"too large":          {200, strings.Repeat(" ", 16<<20) + "{}", want{connectors.Permanent, false, false, "", "larger than 16 MiB"}},
		"too large an error": {502, strings.Repeat(" ", 16<<20) + "{}", want{connectors.Transient, false, false, "", "larger than 16 MiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(tt.status, tt.body))

			_, err := b.client.Project(t.Context(), "a/b")
			f := failureOf(t, err)
			require.Equal(t, tt.want.class, f.Class)
			require.Equal(t, tt.want.class == connectors.Transient && name != "being deleted", f.Down)
			require.True(t, f.NoEffect, "reading changes nothing")
			require.Equal(t, tt.want.notFound, f.NotFound)
			require.Contains(t, f.Advice, tt.want.advice)
			require.Contains(t, f.Detail, tt.want.detail)
			require.Contains(t, f.Detail, "project a/b: ")
			require.NotZero(t, f.Status)
			require.False(t, gitlab.IsTaken(err))

			_, err = b.client.OpenIssue(t.Context(), "a/b", gitlab.NewIssue{Title: "t"})
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
		"seconds":      {"Retry-After", "30", now.Add(30 * time.Second)},
		"date":         {"Retry-After", now.Add(time.Minute).UTC().Format(http.TimeFormat), now.Add(time.Minute)},
		"reset":        {"RateLimit-Reset", fmt.Sprint(now.Add(40 * time.Second).Unix()), now.Add(40 * time.Second)},
		"past":         {"Retry-After", "-5", time.Time{}},
		"absurdly far": {"Retry-After", "999999", now.Add(time.Hour)},
		"none":         {"X-Other", "1", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(w http.ResponseWriter, r request) {
				w.Header().Set(tt.header, tt.value)
				says(http.StatusTooManyRequests, "Retry later")(w, r)
			})
			_, err := b.client.CreateGroup(t.Context(), gitlab.NewGroup{Path: "g"})
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
	create := func(ctx context.Context, b *testBundle) error {
		_, err := b.client.CreateGroup(ctx, gitlab.NewGroup{Path: "g"})
		return err
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		b.server.Close()
		f := failureOf(t, create(t.Context(), b))
		require.Equal(t, connectors.Transient, f.Class)
		require.True(t, f.NoEffect, "what could not connect sent nothing")
		require.Zero(t, f.Status)
		require.Equal(t, []string{"create group 0"}, b.calls)
	})
	t.Run("hung up", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(http.ResponseWriter, request) { panic(http.ErrAbortHandler) })
		f := failureOf(t, create(t.Context(), b))
		require.Equal(t, connectors.Transient, f.Class)
		require.False(t, f.NoEffect, "it may have arrived")
		require.Len(t, b.requests, 1)
	})
	t.Run("cut off", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(w http.ResponseWriter, _ request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"id":`)
			panic(http.ErrAbortHandler)
		})
		f := failureOf(t, create(t.Context(), b))
		require.Equal(t, connectors.Transient, f.Class)
		require.False(t, f.NoEffect)
	})
	t.Run("too slow", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		b := setup(t, func(http.ResponseWriter, request) { <-release }, func(o *gitlab.Options) { o.Timeout = 20 * time.Millisecond })
		defer close(release)
		err := create(t.Context(), b)
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
		err := create(ctx, b)
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := func(t *testing.T) string {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			t.Error("the redirection was followed")
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	to := func(status int, location string) func(http.ResponseWriter, request) {
		return func(w http.ResponseWriter, _ request) {
			w.Header().Set("Location", location)
			w.WriteHeader(status)
		}
	}
	refused := func(t *testing.T, err error) {
		t.Helper()
		f := failureOf(t, err)
		require.Equal(t, connectors.Transient, f.Class)
		require.True(t, f.NoEffect)
		require.Contains(t, f.Advice, "PASSERELLE_GITLAB_URL")
	}
	for _, status := range []int{301, 302, 307, 308} {
		t.Run(fmt.Sprintf("to another host, %d", status), func(t *testing.T) {
			t.Parallel()
			b := setup(t, to(status, elsewhere(t)+"/forge/api/v4/groups"))
			_, err := b.client.Group(t.Context(), "g")
			refused(t, err)
			_, err = b.client.CreateGroup(t.Context(), gitlab.NewGroup{Path: "g"})
			refused(t, err)
		})
	}
	t.Run("a change", func(t *testing.T) {
		t.Parallel()
		b := setup(t, to(307, "/forge/api/v4/elsewhere"))
		_, err := b.client.CreateGroup(t.Context(), gitlab.NewGroup{Path: "g"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Permanent, f.Class)
		require.True(t, f.NoEffect)
		require.Contains(t, f.Advice, "renamed or moved")
		require.Len(t, b.requests, 1)
	})
	t.Run("to the sign-in page", func(t *testing.T) {
		t.Parallel()
		b := setup(t, to(302, "/forge/users/sign_in"))
		_, err := b.client.Group(t.Context(), "g")
		refused(t, err)
	})
	t.Run("in a circle", func(t *testing.T) {
		t.Parallel()
		b := setup(t, to(301, "/forge/api/v4/projects/7"))
		_, err := b.client.Project(t.Context(), "a/b")
		require.Equal(t, connectors.Permanent, failureOf(t, err).Class)
		require.Len(t, b.requests, 4)
	})
	t.Run("from a project's former path", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(w http.ResponseWriter, r request) {
			if r.path == "/forge/api/v4/projects/7" {
				says(200, `{"id":7,"path_with_namespace":"new/path"}`)(w, r)
				return
			}
			to(301, "/forge/api/v4/projects/7")(w, r)
		})
		p, err := b.client.Project(t.Context(), "old/path")
		require.NoError(t, err)
		require.Equal(t, "new/path", p.Path)
		require.Equal(t, []string{"read project 200"}, b.calls)
	})
}
