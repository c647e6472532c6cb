package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// ran is what one run of the demo in this process did.
type ran struct {
	code           int
	stdout, stderr string
	scene          *scene // as it was once it ran; nil if it never did
}

// runDemo runs the demo until it ends. ready is called before anything is filed.
func runDemo(t *testing.T, d demo, ready func(*scene), args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return runDemoIn(ctx, d, ready, args...)
}

func runDemoIn(ctx context.Context, d demo, ready func(*scene), args ...string) ran {
	var (
		stdout, stderr bytes.Buffer
		r              ran
	)
	d.stdout, d.stderr = &stdout, &stderr
	d.ready = func(s *scene) {
		r.scene = s
		if ready != nil {
			ready(s)
		}
	}
	r.code = d.run(ctx, args)
	r.stdout, r.stderr = stdout.String(), stderr.String()
	return r
}

// document reads stdout, which holds one document and nothing else.
func (r ran) document(t *testing.T) document {
	t.Helper()
	require.Equal(t, 1, strings.Count(r.stdout, "\n"), r.stdout)
	decoder := json.NewDecoder(strings.NewReader(r.stdout))
	decoder.DisallowUnknownFields()
	var d document
	require.NoError(t, decoder.Decode(&d))
	return d
}

func TestOnce(t *testing.T) {
	t.Parallel()
	r := runDemo(t, demo{}, nil, "-once", "-json")
	require.Equal(t, 0, r.code, r.stderr)

	d := r.document(t)
	require.Equal(t, counts{Groups: 4, Projects: 4, Issues: 8, Messages: 15}, d.Counts)
	require.Equal(t, "intact", d.Ledger)
	var states []string
	issues := map[int]bool{}
	for i, dossier := range d.Dossiers {
		require.Equal(t, 1001+i, dossier.Number)
		require.Positive(t, dossier.Seconds)
		states = append(states, dossier.State)
		issues[dossier.Issue] = true
	}
	require.Equal(t, []string{
		"accepte", "refuse", "accepte", "accepte", "en_instruction", "refuse", "sans_suite", "en_construction",
	}, states)
	require.Len(t, issues, 8)
	require.NotContains(t, issues, 0)
	require.Equal(t, row{Number: 1002, State: "refuse", Step: 2, Issue: d.Dossiers[1].Issue, Seconds: d.Dossiers[1].Seconds}, d.Dossiers[1])
	require.Equal(t, "embarquement/service-des-cartes-atlas-des-territoires-1003", d.Dossiers[2].Group)
	require.Equal(t, d.Dossiers[2].Group+"/bac-a-sable", d.Dossiers[2].Project)
	require.Equal(t, 3, d.Dossiers[2].Step)

	require.Contains(t, r.stderr, "1003  GitLab  group made: "+d.Dossiers[2].Group+"\n")
	require.NotContains(t, r.stderr, "demo:")
	for _, private := range append(secretsOf(r.scene), "@", "Durand", "Moreau", "<script") {
		require.NotContains(t, r.stdout+r.stderr, private)
	}
	require.NoDirExists(t, r.scene.postgres.Dir())
	require.Zero(t, r.scene.postgres.PID())
}

func secretsOf(s *scene) []string {
	return []string{s.settings.MarkKey, s.settings.GitLabToken, s.settings.DSToken, s.settings.DSWebhookSecret, s.Admin, s.settings.DatabaseURL}
}

func TestDossiers(t *testing.T) {
	t.Parallel()

	t.Run("One", func(t *testing.T) {
		t.Parallel()
		r := runDemo(t, demo{}, nil, "--once", "--dossiers", "1")
		require.Equal(t, 0, r.code, r.stderr)
		require.Empty(t, r.stderr)
		require.Regexp(t, `(?m)^1001 +accepte +3 +[0-9.]+ s +2 +accepted$`, r.stdout)
		require.Contains(t, r.stdout, "BELOW "+r.scene.GitLabURL+"/api/v4\n")
		require.Contains(t, r.stdout, "1 groups, 1 projects, 1 issues, 2 messages to applicants; the ledger is intact.")
	})

	t.Run("MoreThanVarieties", func(t *testing.T) {
		t.Parallel()
		r := runDemo(t, demo{}, nil, "-once", "-dossiers=20", "-json")
		require.Equal(t, 0, r.code, r.stderr)
		d := r.document(t)
		require.Len(t, d.Dossiers, 20)
		require.Equal(t, "embarquement/service-des-cartes-atlas-des-territoires-lot-3-1019", d.Dossiers[18].Group)
	})
}

// TestDataAgain starts a second time on what an interrupted run left: jobs among it
// that would act on dossiers and groups of the second run.
func TestDataAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(localpgtest.Dir(t), "données, du démonstrateur")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hurry := make(chan struct{})
	var watching sync.WaitGroup
	first := runDemoIn(ctx, demo{hurry: hurry}, func(s *scene) {
		s.GitLab.Faults().Add(fault.Rule{Operation: "POST /projects", Kind: fault.Hang})
		watching.Go(func() {
			if s.GitLab.Faults().WaitFired(ctx, fault.Hang, 3) == nil {
				cancel()
				close(hurry)
			}
		})
	}, "-once", "-json", "-data", dir)
	watching.Wait()
	require.Equal(t, exitFailed, first.code)
	require.Empty(t, first.stdout)
	require.Contains(t, first.stderr, "demo: interrupted before every sample was settled\nstopped at once, with work under way\n")
	require.NoDirExists(t, filepath.Join(dir, "run"), "the socket's folder")

	// Everything is taken up where it was, twice.
	for range 2 {
		r := runDemo(t, demo{}, nil, "-once", "-json", "-data", dir)
		require.Equal(t, 0, r.code, r.stderr)
		d := r.document(t)
		require.Equal(t, 1001, d.Dossiers[0].Number)
		require.Equal(t, counts{Groups: 4, Projects: 4, Issues: 8, Messages: 15}, d.Counts)
		require.Equal(t, "intact", d.Ledger)
		require.True(t, r.scene.resumed())
	}

	// Without its state, or with one older than the ledger, there is room for a new run.
	d, err := openDrawer(dir)
	require.NoError(t, err)
	kept := &keptState{}
	_, err = d.read(stateFile, kept)
	require.NoError(t, err)
	kept.Sealed = false
	require.NoError(t, d.write(stateFile, kept))
	for _, from := range []int{1009, 1017} {
		r := runDemo(t, demo{}, nil, "-once", "-json", "-data", dir)
		require.Equal(t, 0, r.code, r.stderr)
		require.Equal(t, from, r.document(t).Dossiers[0].Number)
		require.Equal(t, from-1001, r.scene.earlier.dossiers)
		require.NoError(t, os.Remove(filepath.Join(dir, "simulators", stateFile)))
	}
	info, err := os.Stat(filepath.Join(dir, "simulators", keysFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestNotAsItShould makes something go wrong: the demo says which dossier, and why.
func TestNotAsItShould(t *testing.T) {
	t.Parallel()

	t.Run("NeverSettled", func(t *testing.T) {
		t.Parallel()
		r := runDemo(t, demo{}, func(s *scene) {
			s.GitLab.Faults().Add(fault.Rule{Operation: "POST /projects/:id/repository/commits", Kind: fault.Status, Status: 400})
		}, "-once", "-json", "-timeout", "3s", "-dossiers", "2")
		require.Equal(t, exitFailed, r.code)
		require.Contains(t, r.stderr, "demo: dossier 1001 (accepted) did not end as it should: not settled in time, it was to become accepte; ")
		require.Contains(t, r.stderr, "files in the project: [], not [.dockerignore ")
		require.NotContains(t, r.stderr, "dossier 1002 (")
		require.Contains(t, r.stderr, "FAILED commit_files: ")
		d := r.document(t)
		require.Zero(t, d.Dossiers[0].Seconds)
		require.Equal(t, counts{Groups: 1, Projects: 1, Issues: 2, Messages: 3}, d.Counts)
	})

	t.Run("TooMuch", func(t *testing.T) {
		t.Parallel()
		r := runDemo(t, demo{}, func(s *scene) {
			_, err := s.GitLab.CreateGroup(stage.RootGroup+"/intrus", stage.User)
			require.NoError(t, err)
		}, "-once", "-dossiers", "1")
		require.Equal(t, exitFailed, r.code)
		require.Equal(t, "demo: the group embarquement/intrus belongs to no dossier\n", r.stderr)
	})

	t.Run("LedgerBroken", func(t *testing.T) {
		t.Parallel()
		r := runDemo(t, demo{}, func(s *scene) {
			_, err := s.pool.Exec(t.Context(), "insert into ledger_heads (chain, seq, hash) values (7, 1, '')")
			require.NoError(t, err)
		}, "-once", "-dossiers", "1", "-json")
		require.Equal(t, exitFailed, r.code)
		require.Contains(t, r.document(t).Ledger, "7")
		require.Contains(t, r.stderr, "demo: the ledger is broken: ")
	})
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"-nothing":      "flag provided but not defined: -nothing",
		"-dossiers x":   `invalid value "x" for flag -dossiers`,
		"-dossiers 0":   "write a number from 1 to 1000",
		"-dossiers -1":  "write a number from 1 to 1000",
		"-dossiers 1e3": "invalid value",
		"-timeout 5":    `invalid value "5" for flag -timeout`,
		"-timeout -5s":  "write a duration such as 90s",
		"-data=":        "needs the path of a folder",
		"-once=maybe":   `invalid boolean value "maybe"`,
		"-once twice":   `"twice" is no flag`,

		"-trouble flood":               "write [ds:|gitlab:]KIND",
		"-trouble gitlab:":             "write [ds:|gitlab:]KIND",
		"-trouble slow:0":              "write how many calls",
		"-trouble slow:101%":           "write how many calls",
		"-trouble gitlab:webhooks":     "write webhooks",
		"-once -trouble refuse":        "-trouble refuse never ends with -once",
		"-listen 127.0.0.1:80":         "a port goes with -only alone",
		"-webhook http://x.example":    "-webhook goes with -only ds",
		"-only n8n":                    "write ds or gitlab",
		"-pace 1s":                     "-pace goes with -tour",
		"-tour -pace -1s":              "-pace -1s: write a duration such as 2s, or 0",
		"-tour -lang de":               `-lang "de": write fr or en`,
		"-tour -json":                  "-json does not go with -tour",
		"-tour -data d":                "-data does not go with -tour",
		"-tour -once -trouble refuse":  "-trouble refuse never ends with -once",
		"-only ds -tour":               "-tour does not go with -only",
		"-only ds -once":               "-once does not go with -only",
		"-only ds -webhook there":      "write a whole address",
		"-only gitlab -webhook http:x": "-webhook goes with -only ds",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), strings.Fields(line), &stdout, &stderr))
			require.Empty(t, stdout.String())
			require.Contains(t, stderr.String(), want)
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
		})
	}

	t.Run("Help", func(t *testing.T) {
		t.Parallel()
		var stdout, stderr bytes.Buffer
		require.Equal(t, 0, run(t.Context(), []string{"-help"}, &stdout, &stderr))
		require.Equal(t, usage, stdout.String())
		require.Empty(t, stderr.String())
	})
}

func TestDataFolder(t *testing.T) {
	t.Parallel()
	dir := localpgtest.Dir(t)
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	closed := filepath.Join(dir, "closed")
	require.NoError(t, os.Mkdir(closed, 0o500))
	if os.Geteuid() == 0 {
		closed = filepath.Join(t.TempDir(), "closed") // below a folder that is root's alone
	}
	for data, want := range map[string]string{
		file:                         "is not a folder",
		dir:                          "holds something else than the data of an earlier run",
		filepath.Join(closed, "new"): "give a folder that ",
		"/proc/passerelle":           "give a folder that can be made",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			r := runDemo(t, demo{}, nil, "-once", "-json", "-data", data)
			require.Equal(t, exitFailed, r.code)
			require.Empty(t, r.stdout)
			require.Contains(t, r.stderr, "demo: ")
			require.Contains(t, r.stderr, want)
			require.Equal(t, 2, strings.Count(r.stderr, "\n"), r.stderr)
		})
	}

	t.Run("Alone", func(t *testing.T) {
		t.Parallel()
		for data, want := range map[string]string{
			file:               "give a folder that ",
			dir:                "holds something else than the data of an earlier run",
			"/proc/passerelle": "give a folder that ",
		} {
			r := runDemo(t, demo{}, nil, "-only", "ds", "-data", data)
			require.Equal(t, exitFailed, r.code)
			require.Contains(t, r.stderr, want)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
		}
		require.NoDirExists(t, filepath.Join(dir, "simulators"))
	})
}

// TestKeptPort has another program listen where a kept demo was served: no other port
// is taken, and the one that is kept stays.
func TestKeptPort(t *testing.T) {
	t.Parallel()
	var settings net.ListenConfig
	taken, err := settings.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	port := portOf("http://" + taken.Addr().String())
	for name, ports := range map[string][3]int{"DS": {port, 1, 1}, "Control": {0, 0, port}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := localpgtest.Dir(t)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600))
			d, err := openDrawer(dir)
			require.NoError(t, err)
			keys := &keptKeys{Keys: stage.NewKeys(), DSPort: ports[0], GitLabPort: ports[1], Port: ports[2]}
			require.NoError(t, d.write(keysFile, keys))
			r := runDemo(t, demo{}, nil, "-dossiers", "1", "-data", dir)
			require.Equal(t, exitFailed, r.code)
			require.Equal(t, "demo: another program listens on "+taken.Addr().String()+
				", where the links that this demo wrote lead: stop that program, or give another folder as -data\n", r.stderr)
			kept, err := d.keys()
			require.NoError(t, err)
			require.Equal(t, keys, kept)
		})
	}
}

// TestResumedTable acts on a sample before a kept demo starts again: its table is of
// how things are, and of every dossier.
func TestResumedTable(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(localpgtest.Dir(t), "data")
	r := runDemo(t, demo{}, nil, "-once", "-dossiers", "1", "-data", dir)
	require.Equal(t, 0, r.code, r.stderr)
	require.Contains(t, r.stdout, "SETTLED")
	r = runDemo(t, demo{}, func(s *scene) {
		_, err := s.DS.File(stage.Form, cast(1)[0].application(firstNumber+1))
		require.NoError(t, err)
	}, "-once", "-dossiers", "1", "-data", dir)
	require.NotContains(t, r.stdout, "SETTLED")
	require.Regexp(t, `(?m)^1001 +accepte +1 +1 +1 +2 +yes$`, r.stdout)
	require.Regexp(t, `(?m)^1002 +en_construction `, r.stdout)
	require.Regexp(t, `(?m)^2 dossiers: 1 groups, 1 projects, \d issues, \d messages to applicants; the ledger is intact\.$`, r.stdout)
}
