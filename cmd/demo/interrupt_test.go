package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
)

// asProgram has the test's binary be the program, for signals.
const asProgram = "PASSERELLE_DEMO_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestInterrupted starts the program and sends it signals: no file and no process is
// left, whenever that is.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args    []string
		when    string // in the output
		signals []os.Signal
		code    int
		says    string
	}{
		"AtOnce":          {when: "starting PostgreSQL", signals: []os.Signal{os.Interrupt}, code: 1, says: "demo: interrupted before"},
		"WhileFiling":     {args: []string{"-dossiers", "500"}, when: "GitLab  group made", signals: []os.Signal{syscall.SIGTERM}, code: 1, says: "demo: interrupted before"},
		"Twice":           {args: []string{"-dossiers", "500"}, when: "GitLab  group made", signals: []os.Signal{os.Interrupt, os.Interrupt}, code: 1, says: "demo: interrupted before"},
		"OnceInterrupted": {args: []string{"-once", "-dossiers", "500"}, when: "1001  DS", signals: []os.Signal{syscall.SIGTERM}, code: 1, says: "demo: interrupted before"},
		"AfterTheTable":   {args: []string{"-dossiers", "2"}, when: "everything goes on", signals: []os.Signal{os.Interrupt}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temp, home := localpgtest.Dir(t), t.TempDir()
			command := exec.CommandContext(t.Context(), os.Args[0], test.args...)
			command.Env = []string{asProgram + "=1", "TMPDIR=" + temp, "HOME=" + home, "PATH=" + os.Getenv("PATH")}
			var stderr bytes.Buffer
			command.Stderr = &stderr
			stdout, err := command.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, command.Start())

			lines, sent := bufio.NewScanner(stdout), false
			for lines.Scan() {
				if !sent && strings.Contains(lines.Text(), test.when) {
					sent = true
					for _, signal := range test.signals {
						require.NoError(t, command.Process.Signal(signal))
						if len(test.signals) > 1 {
							// Two at once may arrive as one.
							awaitLine(lines, "stopping")
						}
					}
				}
			}
			err = command.Wait()
			require.True(t, sent, stderr.String())
			require.Equal(t, test.code, command.ProcessState.ExitCode(), "%v %s", err, stderr.String())
			require.Contains(t, stderr.String(), test.says)
			nothingLeft(t, temp, home)
		})
	}

	t.Run("Killed", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(localpgtest.Dir(t), "data")
		command := exec.CommandContext(t.Context(), os.Args[0], "-dossiers", "100", "-data", dir)
		command.Env = []string{asProgram + "=1", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
		stdout, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		awaitLine(bufio.NewScanner(stdout), "GitLab  group made")
		require.NoError(t, command.Process.Kill())
		require.Error(t, command.Wait())

		r := runDemo(t, demo{}, nil, "-once", "-json", "-data", dir)
		require.Equal(t, 0, r.code, r.stderr)
		require.True(t, r.scene.resumed() || r.scene.earlier.dossiers > 0)
	})

	t.Run("NobodyReads", func(t *testing.T) {
		t.Parallel()
		temp, home := localpgtest.Dir(t), t.TempDir()
		command := exec.CommandContext(t.Context(), os.Args[0], "-dossiers", "100")
		command.Env = []string{asProgram + "=1", "TMPDIR=" + temp, "HOME=" + home, "PATH=" + os.Getenv("PATH")}
		var stderr bytes.Buffer
		command.Stderr = &stderr
		stdout, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		_, err = io.ReadFull(stdout, make([]byte, 10))
		require.NoError(t, err)
		require.NoError(t, stdout.Close())
		require.Error(t, command.Wait())
		require.Contains(t, stderr.String(), "demo: nobody reads the output any more")
		nothingLeft(t, temp, home)
	})
}

func awaitLine(lines *bufio.Scanner, part string) {
	for lines.Scan() && !strings.Contains(lines.Text(), part) { //nolint:revive // reads on
	}
}

// nothingLeft finds files below the folders, and processes that were started there.
func nothingLeft(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
	running, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, path := range running {
		line, _ := os.ReadFile(path) // gone by now, perhaps
		require.NotContains(t, string(line), dirs[0])
	}
}
