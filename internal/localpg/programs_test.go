//go:build unix

package localpg

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func fakePrograms(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"postgres", "initdb"} {
		script := "#!/bin/sh\necho '" + name + " (PostgreSQL) " + version + "'\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700))
	}
	return dir
}

func TestInstalled(t *testing.T) {
	t.Parallel()

	clientOnly := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(clientOnly, "psql"), nil, 0o700))
	broken := t.TempDir()
	for _, name := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(broken, name), []byte("#!/bin/sh\nexit 1\n"), 0o700))
	}
	newer, older := fakePrograms(t, "17.5 (Debian 17.5-1)"), fakePrograms(t, "13.2")

	found := installed(t.Context(), []string{"", "relative", clientOnly, broken, older, newer})
	require.Equal(t, []programs{{older, 13}, {newer, 17}}, found)
}

func TestFirstOrDownloaded(t *testing.T) {
	t.Parallel()

	unreachable := errors.New("no route to host")
	succeed := func(context.Context, io.Writer) (programs, error) { return programs{"/cache", 17}, nil }
	fail := func(context.Context, io.Writer) (programs, error) { return programs{}, unreachable }

	got, err := firstOrDownloaded(t.Context(), []programs{{"/old", 13}, {"/a", 15}, {"/b", 17}}, false, nil, fail)
	require.NoError(t, err)
	require.Equal(t, programs{"/a", 15}, got)

	got, err = firstOrDownloaded(t.Context(), []programs{{"/old", 13}}, false, nil, succeed)
	require.NoError(t, err)
	require.Equal(t, programs{"/cache", 17}, got)

	_, err = firstOrDownloaded(t.Context(), nil, false, nil, fail)
	require.ErrorIs(t, err, unreachable)
	require.ErrorContains(t, err, "apt-get install postgresql")

	// What it would download does not run as root.
	_, err = firstOrDownloaded(t.Context(), nil, true, nil, succeed)
	require.ErrorContains(t, err, "apt-get install postgresql")
	require.ErrorContains(t, err, "brew install postgresql")
	require.ErrorContains(t, err, "dnf install postgresql-server")
}

func TestSearchDirs(t *testing.T) {
	t.Setenv("PATH", "/first"+string(os.PathListSeparator)+"/second")
	dirs := searchDirs(t.Context())
	require.Equal(t, []string{"/first", "/second"}, dirs[:2])
}

func TestVersionIn(t *testing.T) {
	t.Parallel()

	require.Equal(t, 17, versionIn("/usr/lib/postgresql/17/bin"))
	require.Equal(t, 15, versionIn("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"))
	require.Zero(t, versionIn("/opt/homebrew/opt/postgresql/bin"))
}
