package localpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// watch returns a function that waits for the end of a process that is not our
// child. It must be called while that process still runs.
func watch(t *testing.T, pid int) func(*testing.T) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Close(fd)) })

	return func(t *testing.T) {
		t.Helper()
		const patience = 30_000 // milliseconds
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, patience)
			if err == unix.EINTR {
				continue
			}
			require.NoError(t, err)
			require.Equal(t, 1, n, "process %d did not end", pid)
			return
		}
	}
}

// processesIn are the processes, command line and all, whose work folder is in
// the folder: the server, its children, initdb.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var found []string
	for _, folder := range folders {
		cwd, err := os.Readlink(filepath.Join(folder, "cwd"))
		if err != nil || !strings.HasPrefix(cwd, dir) {
			continue
		}
		line, err := os.ReadFile(filepath.Join(folder, "cmdline"))
		if err != nil || len(line) == 0 { // ended
			continue
		}
		found = append(found, folder+" "+strings.ReplaceAll(string(line), "\x00", " "))
	}
	return found
}
