//go:build unix

package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// The oldest major version that the hub's SQL is held to.
const oldestMajor = 14

// programs is a folder with PostgreSQL's server programs.
type programs struct {
	dir   string
	major int
}

func (p programs) postgres() string { return filepath.Join(p.dir, "postgres") }
func (p programs) initdb() string   { return filepath.Join(p.dir, "initdb") }

// choosePrograms takes the first that are found, or, for data of an earlier
// run, those of the version that wrote it.
func (s *Server) choosePrograms(ctx context.Context) (programs, error) {
	found := installed(ctx, searchDirs(ctx))
	if err := ctx.Err(); err != nil { // and what was found is not all
		return programs{}, fmt.Errorf("localpg: %w", err)
	}
	wrote, err := dataMajor(s.folder.data())
	if err != nil {
		return programs{}, err
	}
	if wrote == 0 {
		return firstOrDownloaded(ctx, found, os.Geteuid() == 0, s.opts.Log, download)
	}
	for _, candidate := range found {
		if candidate.major == wrote {
			return candidate, nil
		}
	}
	if wrote == downloadMajor && os.Geteuid() != 0 {
		return download(ctx, s.opts.Log)
	}
	return programs{}, fmt.Errorf("localpg: the data in %s was written by PostgreSQL %d, whose server programs are not on this machine: install them, or give another folder", s.folder.dir, wrote)
}

func firstOrDownloaded(ctx context.Context, found []programs, root bool, log io.Writer,
	download func(context.Context, io.Writer) (programs, error),
) (programs, error) {
	const install = "install them: apt-get install postgresql (Debian, Ubuntu), dnf install postgresql-server (Fedora, RHEL), brew install postgresql@17 (macOS)"
	for _, candidate := range found {
		if candidate.major >= oldestMajor {
			return candidate, nil
		}
	}
	if root {
		return programs{}, fmt.Errorf("localpg: no PostgreSQL server programs (initdb, postgres) of version %d or later on this machine: %s", oldestMajor, install)
	}
	got, err := download(ctx, log)
	if err != nil {
		return programs{}, fmt.Errorf("localpg: no PostgreSQL server programs (initdb, postgres) of version %d or later on this machine, and none could be downloaded: %s: %w", oldestMajor, install, err)
	}
	return got, nil
}

// dataMajor is the version that wrote the data, 0 where there is none.
func dataMajor(data string) (int, error) {
	content, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("localpg: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, fmt.Errorf("localpg: %s holds no data of PostgreSQL: %w", data, err)
	}
	return major, nil
}

// searchDirs are the folders to look in: PATH, then where packages put what
// they do not put there (Debian, Fedora's of postgresql.org, Homebrew), the
// newest version first, then where pg_config says.
func searchDirs(ctx context.Context) []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		slices.SortFunc(matches, func(a, b string) int { return versionIn(b) - versionIn(a) })
		dirs = append(dirs, matches...)
	}
	if output, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(output)))
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

// versionIn is the first number in the path, 0 if it has none.
func versionIn(path string) int {
	version, err := strconv.Atoi(number.FindString(path))
	if err != nil {
		return 0
	}
	return version
}

// installed are those of the folders that hold the server programs, in order.
func installed(ctx context.Context, dirs []string) []programs {
	var found []programs
	for _, dir := range dirs {
		candidate := programs{dir: dir}
		if !filepath.IsAbs(dir) || !executable(candidate.postgres()) || !executable(candidate.initdb()) {
			continue
		}
		output, err := exec.CommandContext(ctx, candidate.postgres(), "--version").Output()
		if err != nil {
			continue
		}
		candidate.major = versionIn(string(output)) // postgres (PostgreSQL) 17.5
		found = append(found, candidate)
	}
	return found
}

// Program is the path of one of PostgreSQL's programs, such as pg_dump, of the newest
// version on this machine.
func Program(ctx context.Context, name string) (string, error) {
	path, newest := "", 0
	for _, dir := range searchDirs(ctx) {
		candidate := filepath.Join(dir, name)
		if !filepath.IsAbs(dir) || !executable(candidate) {
			continue
		}
		output, err := exec.CommandContext(ctx, candidate, "--version").Output()
		if version := versionIn(string(output)); err == nil && version > newest { // pg_dump (PostgreSQL) 17.5
			path, newest = candidate, version
		}
	}
	if path == "" {
		return "", fmt.Errorf("localpg: no %s on this machine: install PostgreSQL's client programs", name)
	}
	return path, nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

const (
	downloadVersion = embeddedpostgres.V17
	downloadMajor   = 17
)

// download fetches server programs, once, into the user's cache. The library
// only offers it as part of starting a server of its own, so that is done and
// undone here.
func download(ctx context.Context, log io.Writer) (_ programs, err error) {
	if log == nil {
		log = io.Discard
	}
	caches, err := os.UserCacheDir()
	if err != nil {
		return programs{}, err
	}
	cache := filepath.Join(caches, "passerelle", "postgresql-"+string(downloadVersion))
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return programs{}, err
	}
	lock, err := os.OpenFile(filepath.Join(cache, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return programs{}, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return programs{}, err
	}

	got := programs{dir: filepath.Join(cache, "programs", "bin"), major: downloadMajor}
	complete := filepath.Join(cache, "complete")
	if _, err := os.Stat(complete); err == nil {
		return got, nil
	}
	// What an interrupted download left.
	if err := os.RemoveAll(filepath.Join(cache, "programs")); err != nil {
		return programs{}, err
	}
	scratch, err := os.MkdirTemp("", "passerelle-download-")
	if err != nil {
		return programs{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return programs{}, err
	}
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // by net's contract
	if err := listener.Close(); err != nil {
		return programs{}, err
	}

	server := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(downloadVersion).
		Port(uint32(port)).
		CachePath(filepath.Join(scratch, "cache")).
		RuntimePath(filepath.Join(scratch, "runtime")).
		BinariesPath(filepath.Join(cache, "programs")).
		Logger(log))
	if err := server.Start(); err != nil {
		return programs{}, err
	}
	if err := server.Stop(); err != nil {
		return programs{}, err
	}
	return got, os.WriteFile(complete, nil, 0o600)
}
