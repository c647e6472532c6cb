//go:build unix

package localpg

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// envHold makes the test program a process that runs a server with these
// options (JSON) until it is killed, or until its standard input ends.
const envHold = "LOCALPG_TEST_HOLD"

// envOrdinary tells the tests that they run again as an ordinary user.
const envOrdinary = "LOCALPG_TEST_ORDINARY"

func TestMain(m *testing.M) {
	if options := os.Getenv(envHold); options != "" {
		if err := hold(options); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// held is what a holding process says of its server.
type held struct {
	PID int
	Dir string
	URL string
}

func hold(options string) error {
	var opts Options
	if err := json.Unmarshal([]byte(options), &opts); err != nil {
		return err
	}
	server, err := Start(context.Background(), opts)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(held{server.PID(), server.Dir(), server.URL()}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Stop()
}

// holder is a process of its own that runs a server.
type holder struct {
	held

	cmd   *exec.Cmd
	stdin io.Closer
}

func startHolder(t *testing.T, opts Options) *holder {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	options, err := json.Marshal(opts)
	require.NoError(t, err)

	h := &holder{cmd: exec.Command(program)}
	h.cmd.Env = append(os.Environ(), envHold+"="+string(options))
	h.cmd.Stderr = os.Stderr
	h.stdin, err = h.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := h.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, h.cmd.Start())
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(line, &h.held))
	return h
}

func (h *holder) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, h.cmd.Process.Kill())
	require.ErrorContains(t, h.cmd.Wait(), "killed")
}

// reachableDir is a folder that the server's user can reach, which t.TempDir()
// is not when root runs the tests.
func reachableDir(t *testing.T) string {
	t.Helper()
	root := os.TempDir()
	if os.Geteuid() == 0 {
		root = sharedTempDir
	}
	dir, err := os.MkdirTemp(root, "localpg-test-") //nolint:usetesting // see above
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func start(t *testing.T, opts Options) *Server {
	t.Helper()
	opts.FastUnsafe = true
	server, err := Start(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func execute(t *testing.T, address string, statements ...string) {
	t.Helper()
	conn := connect(t, address)
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
}

func query[T any](t *testing.T, address, statement string) T {
	t.Helper()
	var value T
	require.NoError(t, connect(t, address).QueryRow(t.Context(), statement).Scan(&value))
	return value
}

func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("LeavesNoProcessAndNoFolder", func(t *testing.T) {
		t.Parallel()

		server := start(t, Options{})
		pid := server.PID()
		require.NoError(t, syscall.Kill(pid, 0))
		require.Equal(t, "UTF8", query[string](t, server.URL(), "SHOW server_encoding"))
		require.Equal(t, "300", query[string](t, server.URL(), "SHOW max_connections"))
		require.Equal(t, "UTC", query[string](t, server.URL(), "SHOW timezone"))

		require.NoError(t, server.Stop())
		requireGone(t, pid)
		require.NoDirExists(t, server.Dir())
		require.Empty(t, processesIn(t, server.Dir()))
		require.NoError(t, server.Stop(), "a second time")
		require.ErrorContains(t, server.Resume(t.Context()), "stopped for good")
	})

	t.Run("SortsAndFoldsFrenchAsUnicode", func(t *testing.T) {
		t.Parallel()

		server := start(t, Options{})
		require.Equal(t, 6, query[int](t, server.URL(), "SELECT length('équipe')"))
	})

	t.Run("DirKeepsItsData", func(t *testing.T) {
		t.Parallel()

		dir := filepath.Join(reachableDir(t), "data of the demo") // a blank, which no socket's folder may have
		server := start(t, Options{Dir: dir})
		address, err := server.CreateDatabase(t.Context(), "kept")
		require.NoError(t, err)
		execute(t, address, "CREATE TABLE things (name text)", "INSERT INTO things VALUES ('one')")
		require.NoError(t, server.Stop())
		require.Empty(t, processesIn(t, dir))

		server = start(t, Options{Dir: dir})
		address, err = server.CreateDatabase(t.Context(), "kept")
		require.NoError(t, err)
		require.Equal(t, "one", query[string](t, address, "SELECT name FROM things"))
	})

	t.Run("DirTakesOneServer", func(t *testing.T) {
		t.Parallel()

		dir := filepath.Join(reachableDir(t), "data")
		server := start(t, Options{Dir: dir})
		_, err := Start(t.Context(), Options{Dir: dir})
		require.EqualError(t, err, fmt.Sprintf(
			"localpg: %s is in use by process %d: stop that one first, or give another folder", dir, os.Getpid()))
		require.Equal(t, 1, query[int](t, server.URL(), "SELECT 1"), "the first one is unharmed")
	})

	t.Run("DirOfSomethingElseIsLeftAlone", func(t *testing.T) {
		t.Parallel()

		dir := reachableDir(t)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("years"), 0o600))
		_, err := Start(t.Context(), Options{Dir: dir})
		require.ErrorContains(t, err, "give an empty folder")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1)
	})

	t.Run("DirOfAnotherVersionIsLeftAlone", func(t *testing.T) {
		t.Parallel()

		dir := filepath.Join(reachableDir(t), "data")
		server := start(t, Options{Dir: dir})
		require.NoError(t, server.Stop())
		version := filepath.Join(dir, "data", "PG_VERSION")
		require.NoError(t, os.WriteFile(version, []byte("9\n"), 0o600))

		_, err := Start(t.Context(), Options{Dir: dir})
		require.ErrorContains(t, err, "was written by PostgreSQL 9, whose server programs are not on this machine")
	})

	t.Run("DeepDirHasItsSocketElsewhere", func(t *testing.T) {
		t.Parallel()

		dir := filepath.Join(reachableDir(t), strings.Repeat("deep/", 30))
		server := start(t, Options{Dir: dir})
		require.Equal(t, 1, query[int](t, server.URL(), "SELECT 1"))
		sockets := server.folder.socketDir()
		require.NotContains(t, sockets, "deep")
		require.NoError(t, server.Stop())
		require.NoDirExists(t, filepath.Dir(sockets))
	})

	t.Run("UnreachableDirIsExplained", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() != 0 {
			t.Skip("an ordinary user's server runs as that user")
		}

		above := reachableDir(t)
		require.NoError(t, os.Chmod(above, 0o700))
		_, err := Start(t.Context(), Options{Dir: filepath.Join(above, "data")})
		require.ErrorContains(t, err, "PostgreSQL does not run as root")
		require.ErrorContains(t, err, above)
	})

	t.Run("TCPAsksForThePassword", func(t *testing.T) {
		t.Parallel()

		server := start(t, Options{TCP: true})
		require.Equal(t, 1, query[int](t, server.URL(), "SELECT 1"))

		address, err := url.Parse(server.URL())
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1", address.Hostname())
		address.User = url.UserPassword("postgres", "guessed")
		_, err = pgx.Connect(t.Context(), address.String())
		require.ErrorContains(t, err, "password authentication failed")

		created, err := server.CreateDatabase(t.Context(), "through tcp")
		require.NoError(t, err)
		require.Equal(t, "through tcp", query[string](t, created, "SELECT current_database()"))
	})

	t.Run("ParametersWin", func(t *testing.T) {
		t.Parallel()

		server := start(t, Options{Parameters: map[string]string{"max_connections": "7"}})
		require.Equal(t, "7", query[string](t, server.URL(), "SHOW max_connections"))
	})

	t.Run("BadParameterIsQuoted", func(t *testing.T) {
		t.Parallel()

		_, err := Start(t.Context(), Options{Parameters: map[string]string{"max_connections": "many"}})
		require.ErrorContains(t, err, `invalid value for parameter "max_connections": "many"`)
	})

	t.Run("CancelledLeavesNothing", func(t *testing.T) {
		t.Parallel()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		dir := filepath.Join(reachableDir(t), "data")
		_, err := Start(ctx, Options{Dir: dir})
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, processesIn(t, dir))
		start(t, Options{Dir: dir})
	})

	t.Run("ManyAtOnce", func(t *testing.T) {
		t.Parallel()

		const many = 4
		type started struct {
			server *Server
			err    error
		}
		results := make(chan started)
		for range many {
			go func() {
				server, err := Start(t.Context(), Options{TCP: true, FastUnsafe: true})
				results <- started{server, err}
			}()
		}
		for range many {
			got := <-results
			require.NoError(t, got.err)
			t.Cleanup(func() { require.NoError(t, got.server.Stop()) })
			require.Equal(t, 1, query[int](t, got.server.URL(), "SELECT 1"))
		}
	})
}

func TestServer_CreateDatabase(t *testing.T) {
	t.Parallel()

	server := start(t, Options{})
	for _, name := range []string{"plain", `of "quotes" and /?&=`} {
		address, err := server.CreateDatabase(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, name, query[string](t, address, "SELECT current_database()"))

		again, err := server.CreateDatabase(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, address, again)
	}
}

func TestServer_Restart(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name string
		opts Options
		mode Mode
	}{
		{"FastThroughTheSocket", Options{}, Fast},
		{"ImmediateThroughTheSocket", Options{}, Immediate},
		{"ImmediateThroughTCP", Options{TCP: true}, Immediate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			server := start(t, tt.opts)
			before, pid := server.URL(), server.PID()
			execute(t, before, "CREATE TABLE things (name text)", "INSERT INTO things VALUES ('one')")
			lost := connect(t, before)

			require.NoError(t, server.Restart(t.Context(), tt.mode))
			require.Equal(t, before, server.URL())
			require.NotEqual(t, pid, server.PID())
			requireGone(t, pid)
			require.Error(t, lost.Ping(t.Context()))
			require.Equal(t, "one", query[string](t, before, "SELECT name FROM things"))
		})
	}
}

func TestServer_HaltAndResume(t *testing.T) {
	t.Parallel()

	server := start(t, Options{TCP: true})
	require.NoError(t, server.Resume(t.Context()), "it runs already")

	require.NoError(t, server.Halt(t.Context(), Fast))
	require.Zero(t, server.PID())
	_, err := pgx.Connect(t.Context(), server.URL())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, server.Halt(t.Context(), Fast), "it is halted already")

	require.NoError(t, server.Resume(t.Context()))
	require.Equal(t, 1, query[int](t, server.URL(), "SELECT 1"))
}

func TestServer_ResumeKeepsItsPort(t *testing.T) {
	t.Parallel()

	server := start(t, Options{TCP: true})
	require.NoError(t, server.Halt(t.Context(), Fast))
	address, err := url.Parse(server.URL())
	require.NoError(t, err)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", address.Host)
	require.NoError(t, err)

	require.ErrorContains(t, server.Resume(t.Context()), "Address already in use")
	require.NoError(t, taken.Close())
	require.NoError(t, server.Resume(t.Context()))
	require.Equal(t, 1, query[int](t, server.URL(), "SELECT 1"))
}

func TestServer_ThatDiedCanBeResumed(t *testing.T) {
	t.Parallel()

	server := start(t, Options{})
	execute(t, server.URL(), "CREATE TABLE things (name text)")
	process := server.process
	require.NoError(t, syscall.Kill(server.PID(), syscall.SIGQUIT))
	<-process.done

	require.NoError(t, server.Resume(t.Context()))
	require.Equal(t, 0, query[int](t, server.URL(), "SELECT count(*) FROM things"))
}

func TestHolder(t *testing.T) {
	t.Parallel()

	t.Run("EndsInOrder", func(t *testing.T) {
		t.Parallel()

		h := startHolder(t, Options{})
		require.NoError(t, h.stdin.Close())
		require.NoError(t, h.cmd.Wait())
		requireGone(t, h.PID)
		require.NoDirExists(t, h.Dir)
	})

	t.Run("KilledTakesItsServerAlong", func(t *testing.T) {
		t.Parallel()

		h := startHolder(t, Options{})
		gone := watch(t, h.PID)
		h.kill(t)
		gone(t)

		start(t, Options{}) // sweeps what was left
		require.NoDirExists(t, h.Dir)
	})

	t.Run("KilledLeavesADirThatIsTakenUp", func(t *testing.T) {
		t.Parallel()

		dir := filepath.Join(reachableDir(t), "data")
		h := startHolder(t, Options{Dir: dir})
		execute(t, h.URL, "CREATE TABLE things (name text)", "INSERT INTO things VALUES ('one')")
		_, err := Start(t.Context(), Options{Dir: dir})
		require.ErrorContains(t, err, "is in use by process "+strconv.Itoa(h.cmd.Process.Pid))

		h.kill(t) // its server may still be ending
		server := start(t, Options{Dir: dir})
		require.Equal(t, "one", query[string](t, server.URL(), "SELECT name FROM things"))
		require.NotEqual(t, h.PID, server.PID())
	})
}

// The programs above again, as a user to whom no other is at hand.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		if os.Getenv(envOrdinary) == "" {
			t.Skip("these tests run as one already")
		}
		return
	}

	// The test program lies where only root can go.
	dir := reachableDir(t)
	require.NoError(t, os.Chmod(dir, 0o777))
	self, err := os.Executable()
	require.NoError(t, err)
	content, err := os.ReadFile(self)
	require.NoError(t, err)
	program := filepath.Join(dir, "localpg.test")
	require.NoError(t, os.WriteFile(program, content, 0o755))

	cmd := exec.CommandContext(t.Context(), program, "-test.run", "^Test(Start|Server_|Holder|OrdinaryUser)", "-test.v", "-test.parallel", "2")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, envOrdinary + "=1"}
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: TestStart/LeavesNoProcessAndNoFolder")
	require.Contains(t, string(output), "--- PASS: TestHolder/KilledTakesItsServerAlong")
	require.Contains(t, string(output), "--- PASS: TestOrdinaryUser")
}
