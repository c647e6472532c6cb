//go:build unix

// Package localpgtest gives each test a database of its own, on one private
// PostgreSQL server for the whole test process.
//
// A package whose tests use it says so in its TestMain, which then also removes
// the server's folder (without, the next start of any server does):
//
//	func TestMain(m *testing.M) { localpgtest.Main(m) }
package localpgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx" for database/sql
	"github.com/peterldowns/pgtestdb"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg"
)

// EnvURL names the variable that holds the address of a server to use instead
// of a private one: as a superuser, or another who may create roles and databases.
const EnvURL = "PASSERELLE_TEST_DATABASE_URL"

// One server per process.
var shared struct {
	mu     sync.Mutex
	server *localpg.Server
	err    error // of the one attempt: the next test need not wait for it again
}

// Main runs a package's tests, stops the server if one was started, and exits.
func Main(m *testing.M) {
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func stop() error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		return nil
	}
	return shared.server.Stop()
}

// Database is the address of a fresh database, owned by a role that may do
// nothing else. The migrator fills a template once, of which each test gets a
// copy; nil leaves it empty. A test that passes has its database removed, with
// whatever is still connected to it; that of one that fails stays as long as
// the server: set EnvURL to look into it.
func Database(tb testing.TB, migrator pgtestdb.Migrator) string {
	tb.Helper()
	if migrator == nil {
		migrator = pgtestdb.NoopMigrator{}
	}
	config, err := templateConfig(URL(tb))
	require.NoError(tb, err)

	made := pgtestdb.Custom(tb, config, migrator)
	return made.URL()
}

// URL is the address of the server's maintenance database, as a superuser.
func URL(tb testing.TB) string {
	tb.Helper()
	if given := os.Getenv(EnvURL); given != "" {
		return given
	}

	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.err == nil {
		// Not the test's own context: the server serves the others, too.
		shared.server, shared.err = localpg.Start(context.Background(), localpg.Options{FastUnsafe: true})
	}
	require.NoError(tb, shared.err)
	return shared.server.URL()
}

// Dir is a temporary folder that PostgreSQL's own user can reach when root runs
// the tests, which tb.TempDir() is not.
func Dir(tb testing.TB) string {
	tb.Helper()
	root := os.TempDir()
	if os.Geteuid() == 0 {
		root = "/tmp"
	}
	dir, err := os.MkdirTemp(root, "passerelle-test-") //nolint:usetesting // see above
	require.NoError(tb, err)
	require.NoError(tb, os.Chmod(dir, 0o711))
	tb.Cleanup(func() { require.NoError(tb, os.RemoveAll(dir)) })
	return dir
}

// templateConfig says the server's address in pgtestdb's words.
func templateConfig(address string) (pgtestdb.Config, error) {
	parsed, err := pgx.ParseConfig(address)
	if err != nil {
		return pgtestdb.Config{}, fmt.Errorf("%s: %w", EnvURL, err)
	}
	given, err := url.Parse(address)
	if err != nil {
		return pgtestdb.Config{}, fmt.Errorf("%s: not an address that begins with postgres://", EnvURL)
	}

	options := given.Query()
	for _, known := range []string{"host", "port", "user", "password", "dbname", "database"} {
		options.Del(known)
	}
	host := parsed.Host
	if strings.HasPrefix(host, "/") { // a socket's folder, which has no place in an address but here
		options.Set("host", host)
		host = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return pgtestdb.Config{
		DriverName: "pgx",
		Host:       host,
		Port:       strconv.Itoa(int(parsed.Port)),
		User:       escape(parsed.User),
		Password:   escape(parsed.Password),
		Database:   escape(parsed.Database),
		Options:    options.Encode(),
		// A pool that is still closing is no reason to fail.
		ForceTerminateConnections: true,
	}, nil
}

// escape is for every part of an address: url.PathEscape leaves @ and : alone.
func escape(part string) string {
	return strings.ReplaceAll(url.QueryEscape(part), "+", "%20")
}
