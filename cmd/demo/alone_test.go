package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// alone runs one simulator by itself, and look while it runs.
func alone(t *testing.T, look func(*stage.Stage), args ...string) (stdout string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs bytes.Buffer
	d := demo{stdout: &out, stderr: &errs, aloneAt: func(s *stage.Stage) {
		defer stop()
		look(s)
	}}
	require.Equal(t, 0, d.run(ctx, args), errs.String())
	return out.String()
}

func get(t *testing.T, url, header, value string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Header.Set(header, value)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

func TestAlone(t *testing.T) {
	t.Parallel()

	t.Run("GitLab", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "data")
		var tokens []string
		for _, there := range []bool{false, true} {
			out := alone(t, func(s *stage.Stage) {
				_, page := get(t, s.GitLabURL+"/"+stage.TrackingProject, "Accept", "text/html")
				require.Contains(t, page, "suivi")
				require.Equal(t, there, len(s.GitLab.Issues(stage.TrackingProject)) == 1)
				if !there {
					_, err := s.GitLab.OpenIssue(stage.TrackingProject, stage.User, "Premier ticket", "")
					require.NoError(t, err)
				}
			}, "-only", "gitlab", "-data", dir)
			token := regexp.MustCompile(`PASSERELLE_GITLAB_TOKEN=(\S+)`).FindStringSubmatch(out)
			require.NotNil(t, token, out)
			tokens = append(tokens, token[1])
		}
		require.Equal(t, tokens[0], tokens[1])
	})

	t.Run("DS", func(t *testing.T) {
		t.Parallel()
		out := alone(t, func(s *stage.Stage) {
			_, page := get(t, s.DSURL+"/", "Accept", "text/html")
			require.Contains(t, page, "Accès à la console")
			status, _ := get(t, s.DSURL+"/api/v2/graphql", "Accept", "application/json")
			require.Equal(t, http.StatusMethodNotAllowed, status)
		}, "-only=ds", "-webhook", "http://127.0.0.1:9/hook", "-listen", "127.0.0.1:0")
		require.Contains(t, out, "webhooks go to http://127.0.0.1:9/hook")
		require.Contains(t, out, "PASSERELLE_DS_TOKEN=")
	})

	t.Run("PortInUse", func(t *testing.T) {
		t.Parallel()
		var settings net.ListenConfig
		taken, err := settings.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer taken.Close()
		for address, want := range map[string]string{
			taken.Addr().String(): "another program listens on " + taken.Addr().String() + " already: stop it, or give another port",
			"192.0.2.1:0":         "is no address of this machine",
			"127.0.0.1:99999":     "write HOST:PORT",
		} {
			var out, errs bytes.Buffer
			require.Equal(t, exitFailed, run(t.Context(), []string{"-only", "ds", "-listen", address}, &out, &errs))
			require.Contains(t, errs.String(), want)
			require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
		}
	})
}
