//go:build unix

// Package localpg runs a private PostgreSQL server for the demo and the tests:
// its own folder, its own Unix socket, gone with the process that started it.
//
// The server programs are those found on the machine. PostgreSQL refuses to run
// as root, so root runs it as another user.
package localpg

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser           = "postgres"
	maintenanceDatabase = "postgres"

	// The port also names the socket's file. The socket lies in a folder of the
	// server's own, so without TCP one number serves every server.
	socketPort = 5432

	startTimeout = time.Minute
	// How long a stop may take before it is asked for more rudely.
	stopPatience = 15 * time.Second
	portAttempts = 10
)

// Options say how a private server is run. The zero value is a server with its
// data in a temporary folder, reached through a Unix socket.
type Options struct {
	// Dir holds the server's data. It is created if it is missing, reused if it
	// holds the data of an earlier run, and kept by Stop. Empty: a temporary
	// folder that Stop removes.
	Dir string

	// Log receives the output of the server programs. Nil: it is dropped, but
	// for the last lines that an error quotes.
	Log io.Writer

	// TCP also listens on a free port of 127.0.0.1, with a random password, and
	// makes URL name that port: for what cannot speak through a Unix socket.
	TCP bool

	// FastUnsafe gives up durability for speed (fsync and the like). The data
	// survives the server's death, not the machine's.
	FastUnsafe bool

	// Parameters are further settings of the server (postgresql.conf), which
	// win over the ones set here.
	Parameters map[string]string
}

// Mode says how a server is stopped.
type Mode int

const (
	// Fast disconnects everybody and shuts down in order.
	Fast Mode = iota
	// Immediate stops at once, as after a crash: the next start recovers.
	Immediate
)

func (m Mode) signal() syscall.Signal {
	if m == Immediate {
		return syscall.SIGQUIT
	}
	return syscall.SIGINT
}

// Server is a private PostgreSQL server. Its methods may be called concurrently.
type Server struct {
	opts     Options
	programs programs
	user     *user // nil: the present one
	folder   *folder
	password string // for TCP alone

	mu      sync.Mutex // one start or stop at a time
	process *process   // nil while halted
	port    int        // of TCP, kept across restarts; 0 before the first start
	stopped bool
}

// Start runs a private PostgreSQL server and returns when it accepts
// connections. The server ends with Stop, or with this process, however that
// ends (on Linux; elsewhere, a server that outlived its process is stopped when
// its folder is next used or swept).
func Start(ctx context.Context, opts Options) (_ *Server, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("localpg: %w", err)
	}
	runAs, err := serverUser()
	if err != nil {
		return nil, err
	}
	fld, err := openFolder(opts.Dir, runAs)
	if err != nil {
		return nil, err
	}
	server := &Server{opts: opts, user: runAs, folder: fld, password: rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Stop())
		}
	}()

	if server.programs, err = server.choosePrograms(ctx); err != nil {
		return nil, err
	}
	if err := server.checkReach(ctx); err != nil {
		return nil, err
	}
	if err := server.initialize(ctx); err != nil {
		return nil, err
	}
	if err := evict(fld.data()); err != nil {
		return nil, err
	}
	if err := server.Resume(ctx); err != nil {
		return nil, err
	}
	return server, nil
}

// URL is the address of the maintenance database, as a superuser.
func (s *Server) URL() string { return s.databaseURL(maintenanceDatabase) }

// Dir is the server's folder.
func (s *Server) Dir() string { return s.folder.dir }

// PID is the server's process id, 0 while it is halted.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.pid()
}

// CreateDatabase makes a database with that name, unless there is one already,
// and returns its address.
func (s *Server) CreateDatabase(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return "", fmt.Errorf("localpg: create database %q: %w", name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))

	const duplicateDatabase = "42P04"
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	var refused interface{ SQLState() string }
	if errors.As(err, &refused) && refused.SQLState() == duplicateDatabase {
		err = nil
	}
	if err != nil {
		return "", fmt.Errorf("localpg: create database %q: %w", name, err)
	}
	return s.databaseURL(name), nil
}

// Halt stops the server and keeps its data, addresses included, for Resume.
func (s *Server) Halt(ctx context.Context, mode Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.halt(ctx, mode)
}

// Resume starts a server that was halted. It does nothing to one that runs.
func (s *Server) Resume(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resume(ctx)
}

// Restart stops the server and starts it again at the same address.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.halt(ctx, mode); err != nil {
		return err
	}
	return s.resume(ctx)
}

// Stop shuts the server down, waits for its end and removes what was
// temporary. Further calls do nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true

	mode := Fast
	if s.folder.temporary {
		mode = Immediate // nothing to keep: no last checkpoint
	}
	// If it cannot be stopped its folder stays: the next start sweeps both.
	if err := s.halt(context.Background(), mode); err != nil {
		return errors.Join(err, s.folder.unlock())
	}
	return s.folder.close()
}

func (s *Server) halt(ctx context.Context, mode Mode) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.stop(ctx, mode.signal(), stopPatience); err != nil {
		return fmt.Errorf("localpg: stop the server in %s: %w", s.folder.dir, err)
	}
	s.process = nil
	return nil
}

func (s *Server) resume(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	if s.stopped {
		return errors.New("localpg: the server was stopped for good")
	}
	if s.process != nil {
		select {
		case <-s.process.done: // it died by itself
			s.process = nil
		default:
			return nil
		}
	}
	if err := s.writeAuthentication(); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := s.launch(ctx)
		if err == nil {
			return nil
		}
		// Between our look and the server's bind, somebody else may take the
		// port. The first start tries another; a restart must keep its own.
		taken := strings.Contains(err.Error(), "Address already in use")
		if taken && s.opts.TCP && s.port == 0 && attempt < portAttempts {
			continue
		}
		return err
	}
}

func (s *Server) launch(ctx context.Context) error {
	port, err := s.listenPort()
	if err != nil {
		return err
	}
	output := newServerLog(s.opts.Log)
	cmd := s.command(exec.Command(s.programs.postgres(), s.arguments(port)...)) //nolint:noctx // found by us; outlives the call
	cmd.Stdout, cmd.Stderr = output, output
	running, err := spawn(cmd)
	if err != nil {
		return fmt.Errorf("localpg: start %s: %w", s.programs.postgres(), err)
	}

	err = s.awaitReady(ctx, running, output, port)
	if err != nil {
		stopErr := running.stop(context.WithoutCancel(ctx), Immediate.signal(), stopPatience)
		return errors.Join(err, stopErr)
	}
	s.process, s.port = running, port
	return nil
}

func (s *Server) awaitReady(ctx context.Context, running *process, output *serverLog, port int) error {
	select {
	case <-output.ready:
	case <-running.done:
		return fmt.Errorf("localpg: the server in %s ended while starting:\n%s", s.folder.dir, output.tail())
	case <-ctx.Done():
		return fmt.Errorf("localpg: the server in %s did not become ready: %w\n%s", s.folder.dir, ctx.Err(), output.tail())
	}

	conn, err := pgx.Connect(ctx, s.socketURL(maintenanceDatabase, port))
	if err != nil {
		return fmt.Errorf("localpg: connect to the new server: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if s.opts.TCP {
		// The folder may come from an earlier run, which had another password.
		set := fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", pgx.Identifier{superuser}.Sanitize(), s.password)
		if _, err := conn.Exec(ctx, set); err != nil {
			return fmt.Errorf("localpg: set the password for port %d: %w", port, err)
		}
	}
	return nil
}

// listenPort is the port for TCP: the one of before if there was one.
func (s *Server) listenPort() (int, error) {
	if !s.opts.TCP {
		return socketPort, nil
	}
	if s.port != 0 {
		return s.port, nil
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // answers at once
	if err != nil {
		return 0, fmt.Errorf("localpg: find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil //nolint:forcetypeassert // by net's contract
}

func (s *Server) arguments(port int) []string {
	settings := map[string]string{
		"max_connections":         "300",
		"shared_buffers":          "64MB",
		"port":                    strconv.Itoa(port),
		"listen_addresses":        "",
		"hba_file":                s.folder.authentication(),
		"unix_socket_directories": s.folder.socketDir(),
		// What is said to be ready is read from the log: in English, unadorned.
		"lc_messages":       "C",
		"logging_collector": "off",
		"log_destination":   "stderr",
		"log_checkpoints":   "off",
		"log_line_prefix":   "%m [%p] ",
		"log_timezone":      "UTC",
		"timezone":          "UTC",
	}
	if s.opts.TCP {
		settings["listen_addresses"] = "127.0.0.1"
	}
	if s.opts.FastUnsafe {
		// synchronous_commit stays: without fsync it costs next to nothing, and
		// a commit that was answered must outlive the server's crash.
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
		settings["max_wal_size"] = "1GB"
	}
	maps.Copy(settings, s.opts.Parameters)

	args := make([]string, 0, 2+2*len(settings))
	args = append(args, "-D", s.folder.data())
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// writeAuthentication lets everybody in who reaches the socket, which lies in a
// folder that only the server's user may enter, and asks for the password on TCP.
func (s *Server) writeAuthentication() error {
	const rules = `
local all all              trust
host  all all 127.0.0.1/32 scram-sha-256
`
	// Not in the data folder: that belongs to the server's user, and root
	// writes nothing where another user may have laid a link.
	if err := os.WriteFile(s.folder.authentication(), []byte(rules), 0o644); err != nil {
		return fmt.Errorf("localpg: %w", err)
	}
	return nil
}

// initialize makes the data folder unless it is there.
func (s *Server) initialize(ctx context.Context) error {
	if _, err := os.Stat(s.folder.data()); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// Made beside and then renamed: what an interrupted initdb leaves is not
	// taken for a database.
	fresh := s.folder.data() + ".new"
	var failure error
	// Older systems know no C.UTF-8; plain C with UTF-8 data sorts the same.
	for _, locale := range []string{"C.UTF-8", "C"} {
		if err := os.RemoveAll(fresh); err != nil {
			return fmt.Errorf("localpg: %w", err)
		}
		if err := s.user.mkdir(fresh, 0o700); err != nil {
			return err
		}
		cmd := s.command(exec.CommandContext(ctx, s.programs.initdb(),
			"--pgdata", fresh, "--username", superuser, "--auth", "trust",
			"--encoding", "UTF8", "--locale", locale, "--no-sync"))
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		running, err := spawn(cmd)
		if err != nil {
			return fmt.Errorf("localpg: start %s: %w", s.programs.initdb(), err)
		}
		<-running.done
		if s.opts.Log != nil {
			_, _ = s.opts.Log.Write(output.Bytes())
		}
		if running.err == nil {
			if err := os.Rename(fresh, s.folder.data()); err != nil {
				return fmt.Errorf("localpg: %w", err)
			}
			return nil
		}
		failure = fmt.Errorf("localpg: %s: %w\n%s", s.programs.initdb(), running.err, bytes.TrimSpace(output.Bytes()))
		if ctx.Err() != nil {
			break
		}
	}
	return failure
}

// checkReach proves that the server's user can run the programs and enter the
// folder, for an error that says so instead of one about a path.
func (s *Server) checkReach(ctx context.Context) error {
	if s.user == nil {
		return nil
	}
	var output bytes.Buffer
	cmd := s.command(exec.CommandContext(ctx, s.programs.postgres(), "--version"))
	cmd.Stderr = &output
	running, err := spawn(cmd)
	if err == nil {
		<-running.done
		err = running.err
	}
	switch {
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("localpg: PostgreSQL does not run as root, and the user %s, as whom it then runs, may not enter %s or run %s: give a folder that every user can reach (under %s, say), or start as an ordinary user: %w",
			s.user.name, s.folder.dir, s.programs.postgres(), sharedTempDir, err)
	case err != nil:
		return fmt.Errorf("localpg: run %s as the user %s: %w\n%s", s.programs.postgres(), s.user.name, err, output.Bytes())
	}
	return nil
}

// command sets what every server program is run with: its user, the folder, an
// environment without the caller's PG… variables and language, and a process
// group of its own, since Ctrl-C in a terminal is for us to hear, not for them.
func (s *Server) command(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = s.folder.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.folder.dir, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.user != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: s.user.uid, Gid: s.user.gid}
	}
	return cmd
}

func (s *Server) databaseURL(database string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.opts.TCP {
		return s.socketURL(database, s.port)
	}
	address := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

func (s *Server) socketURL(database string, port int) string {
	query := url.Values{
		"host":    {s.folder.socketDir()},
		"port":    {strconv.Itoa(port)},
		"sslmode": {"disable"},
	}
	address := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: query.Encode()}
	return address.String()
}
