package config_test

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
)

const (
	token  = "the-token-of-ds-that-nobody-may-read"
	secret = "0123456789abcdef0123456789abcdef"
	// sha256 is that of "s3cret".
	sha256 = "1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0"
)

// complete is an environment in which nothing is missing or wrong.
func complete() map[string]string {
	return map[string]string{
		"PASSERELLE_DATABASE_URL":            "postgres://passerelle:" + secret + "@127.0.0.1:5432/passerelle",
		"PASSERELLE_PUBLIC_URL":              "https://passerelle.example.org",
		"PASSERELLE_DS_URL":                  "https://ds.example.org/",
		"PASSERELLE_DS_TOKEN":                token,
		"PASSERELLE_DS_INSTRUCTEUR":          "agent@example.org",
		"PASSERELLE_DS_WEBHOOK_SECRET":       secret,
		"PASSERELLE_GITLAB_URL":              "https://example.org/gitlab",
		"PASSERELLE_GITLAB_TOKEN":            token,
		"PASSERELLE_GITLAB_ROOT_GROUP":       "programme/embarquement",
		"PASSERELLE_GITLAB_TRACKING_PROJECT": "programme/suivi",
		"PASSERELLE_MARK_KEY":                secret,
		"PASSERELLE_JOURNEY":                 "../../deploy/journey.example.yaml",
	}
}

func environ(variables map[string]string) []string {
	var pairs []string
	for name, value := range variables {
		pairs = append(pairs, name+"="+value)
	}
	return append(pairs, "PATH=/usr/bin", "HOME=/root", "PASSERELLEX=1")
}

// problems returns what is wrong with the complete environment, changed.
func problems(t *testing.T, changes map[string]string) []config.Problem {
	t.Helper()
	variables := complete()
	maps.Copy(variables, changes)
	_, err := config.FromEnvironment(environ(variables))
	var found *config.Problems
	require.ErrorAs(t, err, &found)
	requireNoSecret(t, err.Error())
	return found.List
}

func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, word := range []string{token, secret, sha256, "s3cret"} {
		require.NotContains(t, text, word)
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "value")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()

	t.Run("Complete", func(t *testing.T) {
		t.Parallel()
		c, err := config.FromEnvironment(environ(complete()))
		require.NoError(t, err)
		require.Equal(t, "https://ds.example.org", c.DSURL, "without a slash at its end")
		require.Equal(t, "https://example.org/gitlab", c.GitLabURL)
		require.Equal(t, token, c.DSToken)
		require.Equal(t, int64(12345), c.Journey.Demarches[0].Number)
	})

	t.Run("Defaults", func(t *testing.T) {
		t.Parallel()
		c, err := config.FromEnvironment(environ(complete()))
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1:8080", c.Listen)
		require.Equal(t, slog.LevelInfo, c.LogLevel)
		require.Equal(t, "text", c.LogFormat)
		require.Equal(t, 30*time.Second, c.CallTimeout)
		require.Equal(t, 2*time.Minute, c.PollInterval)
		require.Equal(t, 30*time.Minute, c.RetryCap)
		require.Equal(t, 20, c.Workers)
		require.Equal(t, int32(20), c.DatabaseConnections)
		require.Empty(t, c.AdminTokens)
		require.Empty(t, c.GitLabWebhookToken)
	})

	t.Run("WhatIsMissingIsToldAtOnce", func(t *testing.T) {
		t.Parallel()
		_, err := config.FromEnvironment([]string{"PASSERELLE_DS_TOKEN="})
		var found *config.Problems
		require.ErrorAs(t, err, &found)
		var missing []string
		for _, problem := range found.List {
			require.Equal(t, "is not set", problem.What)
			require.Contains(t, problem.Advice, problem.Where+"_FILE")
			missing = append(missing, problem.Where)
		}
		require.Equal(t, slices.Sorted(maps.Keys(complete())), slices.Sorted(slices.Values(missing)))
		require.Len(t, strings.Split(err.Error(), "\n"), 1+len(missing), "one line for each")
	})

	t.Run("EveryMistakeIsToldAtOnce", func(t *testing.T) {
		t.Parallel()
		changes := map[string]string{
			"PASSERELLE_DATABASE_URL":            "mysql://u:" + secret + "@db/passerelle",
			"PASSERELLE_LISTEN":                  "8080",
			"PASSERELLE_PUBLIC_URL":              "passerelle.example.org",
			"PASSERELLE_DS_URL":                  "https://ds.example.org/api/v2/graphql",
			"PASSERELLE_DS_TOKEN":                token + "\n",
			"PASSERELLE_DS_INSTRUCTEUR":          " agent@example.org",
			"PASSERELLE_DS_WEBHOOK_SECRET":       secret + "/",
			"PASSERELLE_GITLAB_URL":              "https://u:" + secret + "@gitlab.example.org",
			"PASSERELLE_GITLAB_TOKEN":            token + " é",
			"PASSERELLE_GITLAB_ROOT_GROUP":       "/embarquement/",
			"PASSERELLE_GITLAB_TRACKING_PROJECT": "suivi",
			"PASSERELLE_GITLAB_WEBHOOK_TOKEN":    "short",
			"PASSERELLE_MARK_KEY":                secret[1:],
			"PASSERELLE_ADMIN_TOKENS":            "anne:viewer:s3cret",
			"PASSERELLE_JOURNEY":                 "nowhere.yaml",
			"PASSERELLE_LOG_LEVEL":               "chatty",
			"PASSERELLE_LOG_FORMAT":              "xml",
			"PASSERELLE_CALL_TIMEOUT":            "5m",
			"PASSERELLE_POLL_INTERVAL":           "120",
			"PASSERELLE_RETRY_CAP":               "0s",
			"PASSERELLE_WORKERS":                 "20 or so",
			"PASSERELLE_DATABASE_CONNECTIONS":    "1",
		}
		wrong := map[string]bool{}
		for _, problem := range problems(t, changes) {
			require.NotEmpty(t, problem.What)
			require.NotEmpty(t, problem.Advice, problem.Where)
			wrong[problem.Where] = true
		}
		require.True(t, wrong["nowhere.yaml"], "a journey's problems name its file")
		delete(wrong, "nowhere.yaml")
		delete(changes, "PASSERELLE_JOURNEY")
		require.Equal(t, slices.Sorted(maps.Keys(changes)), slices.Sorted(maps.Keys(wrong)))
	})

	t.Run("InOneOrder", func(t *testing.T) {
		t.Parallel()
		changes := map[string]string{"PASSERELLE_A": "1", "PASSERELLE_B": "1", "PASSERELLE_C": "1", "PASSERELLE_WORKERS": "0"}
		want := problems(t, changes)
		for range 20 {
			require.Equal(t, want, problems(t, changes))
		}
	})
}

func TestFromEnvironment_WrongValues(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		"PASSERELLE_DATABASE_URL":            {"host=127.0.0.1 password=" + secret, "postgres://db:port/x", "postgres://db/x?sslmode=never", "postgres://db/x?pool_max_conns=many"},
		"PASSERELLE_LISTEN":                  {"127.0.0.1", "127.0.0.1:", ":65536", ":-1", "::1:8080", "http://127.0.0.1:8080"},
		"PASSERELLE_DS_URL":                  {"ftp://ds.example.org", "https://", "https:ds.example.org", "https://ds.example.org/?x=1", "https://ds.example.org/#x", "%"},
		"PASSERELLE_GITLAB_URL":              {"https://gitlab.example.org/api/v4", "https://gitlab.example.org/api/v4/"},
		"PASSERELLE_GITLAB_ROOT_GROUP":       {"a//b", "https://gitlab.example.org/a", "a b", "-a", "a\tb"},
		"PASSERELLE_GITLAB_TRACKING_PROJECT": {"a/", "/a", "a/b?c"},
		"PASSERELLE_DS_WEBHOOK_SECRET":       {secret[1:], secret + "é", secret + "%2f"},
		"PASSERELLE_MARK_KEY":                {secret + " ", secret + "\n" + secret, "é" + secret[2:]},
		"PASSERELLE_WORKERS":                 {"0", "201", "1e1", " 5", "0x10", "five"},
		"PASSERELLE_RETRY_CAP":               {"7h", "-1s", "1"},
		"PASSERELLE_JOURNEY":                 {t.TempDir(), "/dev/zero", "language: fr\nsteps: []"},
	} {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Parallel()
				require.Len(t, problems(t, map[string]string{name: value}), 1)
			})
		}
	}
}

func TestFromEnvironment_UnknownVariables(t *testing.T) {
	t.Parallel()
	for name, meant := range map[string]string{
		"PASSERELLE_DS_TOKKEN":         "PASSERELLE_DS_TOKEN",
		"PASSERELLE_DS_TOKKEN_FILE":    "PASSERELLE_DS_TOKEN_FILE",
		"PASSERELLE_GITLAB_ROOTGROUP":  "PASSERELLE_GITLAB_ROOT_GROUP",
		"PASSERELLE_LOGLEVEL":          "PASSERELLE_LOG_LEVEL",
		"PASSERELLE_SOMETHING_ELSE":    "",
		"PASSERELLE_LOG_FORMAT_FILE_":  "PASSERELLE_LOG_FORMAT_FILE",
		"PASSERELLE_DS_TOKEN_FILE_FIL": "PASSERELLE_DS_TOKEN_FILE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := problems(t, map[string]string{name: token})
			require.Len(t, found, 1)
			require.Equal(t, name, found[0].Where)
			if meant == "" {
				require.NotContains(t, found[0].Advice, "mean")
			} else {
				require.Contains(t, found[0].Advice, "did you mean "+meant+"?")
			}
		})
	}

	t.Run("KubernetesTellsOfServices", func(t *testing.T) {
		t.Parallel()
		variables := complete()
		for _, name := range []string{
			"PASSERELLE_SERVICE_HOST", "PASSERELLE_SERVICE_PORT", "PASSERELLE_SERVICE_PORT_HTTP", "PASSERELLE_PORT",
			"PASSERELLE_PORT_8080_TCP", "PASSERELLE_PORT_8080_TCP_ADDR", "PASSERELLE_DB_SERVICE_HOST", "PASSERELLE_DB_PORT_5432_TCP_PROTO",
		} {
			variables[name] = "tcp://10.0.0.1:8080"
		}
		_, err := config.FromEnvironment(environ(variables))
		require.NoError(t, err)
	})
}

func TestFromEnvironment_Files(t *testing.T) {
	t.Parallel()

	t.Run("EveryVariableCanComeFromOne", func(t *testing.T) {
		t.Parallel()
		variables := map[string]string{}
		for name, value := range complete() {
			variables[name+"_FILE"] = file(t, value+"\r\n")
		}
		variables["PASSERELLE_ADMIN_TOKENS_FILE"] = file(t, "anne:viewer:"+sha256+"\n\njean:operator:"+strings.Repeat("ab", 32)+"\n")
		c, err := config.FromEnvironment(environ(variables))
		require.NoError(t, err)
		require.Equal(t, token, c.DSToken)
		require.Len(t, c.AdminTokens, 2)
	})

	t.Run("BothGiven", func(t *testing.T) {
		t.Parallel()
		found := problems(t, map[string]string{"PASSERELLE_DS_TOKEN_FILE": file(t, token)})
		require.Equal(t, []config.Problem{{"PASSERELLE_DS_TOKEN_FILE", "says the same as PASSERELLE_DS_TOKEN", "keep one of the two"}}, found)
	})

	for name, path := range map[string]string{
		"Missing": "/nowhere/" + token, "Folder": t.TempDir(), "Endless": "/dev/zero", "Empty": file(t, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			variables := complete()
			delete(variables, "PASSERELLE_DS_TOKEN")
			variables["PASSERELLE_DS_TOKEN_FILE"] = path
			_, err := config.FromEnvironment(environ(variables))
			var found *config.Problems
			require.ErrorAs(t, err, &found)
			require.Len(t, found.List, 1)
			require.Equal(t, "PASSERELLE_DS_TOKEN_FILE", found.List[0].Where)
			requireNoSecret(t, err.Error())
		})
	}

	t.Run("AnEmptyOneLeavesOutWhatIsOptional", func(t *testing.T) {
		t.Parallel()
		variables := complete()
		variables["PASSERELLE_ADMIN_TOKENS_FILE"] = file(t, "")
		c, err := config.FromEnvironment(environ(variables))
		require.NoError(t, err)
		require.Empty(t, c.AdminTokens)
	})
}

func TestDatabaseFromEnvironment_NeedsNothingElse(t *testing.T) {
	t.Parallel()
	c, err := config.DatabaseFromEnvironment([]string{
		"PASSERELLE_DATABASE_URL=postgres://db/passerelle", "PASSERELLE_MARK_KEY_FILE=/nowhere", "PASSERELLE_WORKERS=none",
	})
	require.NoError(t, err)
	require.Equal(t, "postgres://db/passerelle", c.DatabaseURL)

	_, err = config.DatabaseFromEnvironment([]string{"PASSERELLE_DATABASEURL=postgres://db/passerelle"})
	require.ErrorContains(t, err, "did you mean PASSERELLE_DATABASE_URL?")
	require.ErrorContains(t, err, "PASSERELLE_DATABASE_URL is not set")
}
