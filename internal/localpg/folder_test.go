//go:build unix

package localpg

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSweep(t *testing.T) {
	t.Parallel()

	t.Run("RemovesWhatNobodyHolds", func(t *testing.T) {
		t.Parallel()

		root := t.TempDir()
		abandoned, err := temporaryFolder(root, nil)
		require.NoError(t, err)
		require.NoError(t, os.Mkdir(abandoned.data(), 0o700))
		require.NoError(t, abandoned.unlock())
		empty := filepath.Join(root, temporaryPrefix+"empty") // killed before it was locked
		require.NoError(t, os.Mkdir(empty, 0o700))

		sweep(root)
		require.NoDirExists(t, abandoned.dir)
		require.NoDirExists(t, empty)
	})

	t.Run("LeavesTheRest", func(t *testing.T) {
		t.Parallel()

		root := t.TempDir()
		inUse, err := temporaryFolder(root, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, inUse.close()) })
		foreign := filepath.Join(root, temporaryPrefix+"notes", "x")
		require.NoError(t, os.MkdirAll(foreign, 0o700))
		elsewhere := t.TempDir()
		link := filepath.Join(root, temporaryPrefix+"link")
		require.NoError(t, os.Symlink(elsewhere, link))
		require.NoError(t, os.WriteFile(filepath.Join(elsewhere, lockName), nil, 0o600))

		sweep(root)
		require.DirExists(t, inUse.dir)
		require.DirExists(t, foreign)
		require.FileExists(t, filepath.Join(elsewhere, lockName))
	})
}

func TestTemporaryFolder_AmongSweepers(t *testing.T) {
	t.Parallel()

	root := t.TempDir()
	stop, swept := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swept)
		for {
			select {
			case <-stop:
				return
			default:
				sweep(root)
			}
		}
	}()
	for range 200 {
		made, err := temporaryFolder(root, nil)
		require.NoError(t, err)
		require.DirExists(t, made.dir)
		require.NoError(t, made.close())
	}
	close(stop)
	<-swept
	left, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestEvict(t *testing.T) {
	t.Parallel()

	writePID := func(t *testing.T, content string) (data, path string) {
		t.Helper()
		data = t.TempDir()
		path = filepath.Join(data, "postmaster.pid")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return data, path
	}

	t.Run("RemovesTheLockOfOneWhoseNumberIsSomebodyElses", func(t *testing.T) {
		t.Parallel()

		data, path := writePID(t, strconv.Itoa(os.Getpid())+"\n/some/where\n")
		require.NoError(t, evict(data))
		require.NoFileExists(t, path)
	})

	t.Run("LeavesAServerThatIsNotOurs", func(t *testing.T) {
		t.Parallel()

		server := start(t, Options{})
		data, path := writePID(t, strconv.Itoa(server.PID())+"\n/some/where\n")
		require.ErrorContains(t, evict(data), "was not started from here")
		require.FileExists(t, path)
		require.Equal(t, 1, query[int](t, server.URL(), "SELECT 1"))
	})

	t.Run("EndsAnOrphan", func(t *testing.T) {
		t.Parallel()

		server := start(t, Options{})
		process := server.process
		require.NoError(t, evict(server.folder.data()))
		<-process.done
	})

	t.Run("RefusesWhatItCannotRead", func(t *testing.T) {
		t.Parallel()

		data, path := writePID(t, "nonsense\n")
		require.ErrorContains(t, evict(data), "names no process")
		require.FileExists(t, path)
	})
}

func TestTemporaryRoot(t *testing.T) {
	unreachable := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.Mkdir(unreachable, 0o700))
	t.Setenv("TMPDIR", unreachable)

	resolved, err := filepath.EvalSymlinks(unreachable)
	require.NoError(t, err)
	require.Equal(t, resolved, temporaryRoot(nil))
	require.Equal(t, sharedTempDir, temporaryRoot(&user{name: "somebody", uid: 65534, gid: 65534}))
}
