package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// program is the path of the real program.
type program string

func TestProcess(t *testing.T) {
	t.Parallel()
	built := program(filepath.Join(t.TempDir(), "passerelle"))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", string(built), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	for name, test := range map[string]func(*testing.T){
		"DrainsAtSIGTERM":           built.drainsAtSIGTERM,
		"ASecondSignalEndsItAtOnce": built.aSecondSignalEndsItAtOnce,
		"SIGTERMWhileItStarts":      built.isToldToStopWhileItStarts,
		"ADatabaseThatIsBehind":     built.aDatabaseThatIsBehind,
		"SeveralMigrateAtOnce":      built.severalMigrateAtOnce,
		"HTTPAndWorkersApart":       built.httpAndWorkersApart,
		"AnAddressThatIsTaken":      built.anAddressThatIsTaken,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// theatre is a stage, a database, and processes of the program on it.
type theatre struct {
	*stage.Stage

	t       *testing.T
	ctx     context.Context
	program string
	environ []string
	pool    *pgxpool.Pool
}

func (p program) open(t *testing.T, database string) *theatre {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	set, err := stage.New(ctx, stage.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, set.Close()) })
	th := &theatre{Stage: set, t: t, ctx: ctx, program: string(p)}
	th.environ, err = set.Environment(database, journeyFile(t))
	require.NoError(t, err)
	th.environ = append(th.environ, "PASSERELLE_LISTEN=127.0.0.1:0", "PASSERELLE_DATABASE_CONNECTIONS=8", "PASSERELLE_WORKERS=4")
	th.pool, err = pgxpool.New(ctx, database)
	require.NoError(t, err)
	t.Cleanup(th.pool.Close)
	return th
}

// process is one that runs the program.
type process struct {
	t     *testing.T
	ctx   context.Context
	cmd   *exec.Cmd
	lines chan string
	said  []string
}

// serve starts passerelle serve.
func (th *theatre) serve(args ...string) *process {
	th.t.Helper()
	p := &process{t: th.t, ctx: th.ctx, cmd: exec.CommandContext(th.ctx, th.program, append([]string{"serve"}, args...)...), lines: make(chan string, 1000)}
	p.cmd.Env = th.environ
	stderr, err := p.cmd.StderrPipe()
	require.NoError(th.t, err)
	require.NoError(th.t, p.cmd.Start())
	th.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	return p
}

// says waits until the process says something, and returns the line.
func (p *process) says(what string) string {
	p.t.Helper()
	for {
		select {
		case line, more := <-p.lines:
			require.True(p.t, more, "it ended without saying %q:\n%s", what, strings.Join(p.said, "\n"))
			p.said = append(p.said, line)
			if strings.Contains(line, what) {
				return line
			}
		case <-p.ctx.Done():
			require.FailNow(p.t, "it does not say "+what, strings.Join(p.said, "\n"))
		}
	}
}

// ready waits until the hub is ready and returns its address.
func (p *process) ready() string {
	p.t.Helper()
	_, address, _ := strings.Cut(p.says("the hub is ready"), " listen=")
	return "http://" + address
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// ends waits for the end and returns the exit code, and all that was said.
func (p *process) ends() (code int, said string) {
	p.t.Helper()
	for line := range p.lines {
		p.said = append(p.said, line)
	}
	var failed *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		require.NoError(p.t, err)
	}
	return p.cmd.ProcessState.ExitCode(), strings.Join(p.said, "\n")
}

// file files a form and returns the dossier's number.
func (th *theatre) file(project string) int {
	th.t.Helper()
	number, err := th.DS.File(stage.Form, demarches.Application{
		Email: "camille@example.org", Applicant: demarches.Applicant{FirstName: "Camille", LastName: "Durand"},
		Answers: demarches.ConsoleAccessAnswers(project),
	})
	require.NoError(th.t, err)
	return number
}

func (th *theatre) accept(number int) {
	th.t.Helper()
	require.NoError(th.t, th.DS.StartInstruction(number))
	require.NoError(th.t, th.DS.Accept(number, ""))
}

func (th *theatre) count(sql string) int {
	th.t.Helper()
	var n int
	require.NoError(th.t, th.pool.QueryRow(th.ctx, sql).Scan(&n))
	return n
}

// eventually waits until what the database holds is as told: it gives no signal.
func (th *theatre) eventually(done func() bool) {
	th.t.Helper()
	for ticker := time.NewTicker(5 * time.Millisecond); !done(); {
		select {
		case <-ticker.C:
		case <-th.ctx.Done():
			require.FailNow(th.t, "in vain")
		}
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

func (p program) drainsAtSIGTERM(t *testing.T) {
	t.Helper()
	th := p.open(t, localpgtest.Migrated(t))
	th.GitLab.Faults().Add(fault.Rule{Operation: "POST /projects", Kind: fault.Slow, Delay: time.Second, Times: 1})
	hub := th.serve()
	address := hub.ready()
	th.SendTo(address)
	require.Equal(t, http.StatusOK, status(t, address+"/readyz"))

	th.accept(th.file("Portail des agents"))
	require.NoError(t, th.GitLab.Faults().WaitFired(th.ctx, fault.Slow, 1))
	hub.signal(syscall.SIGTERM)
	hub.says("draining")
	code, said := hub.ends()
	require.Zero(t, code, said)
	require.Contains(t, said, "drained")
	require.Zero(t, status(t, address+"/readyz"))

	// The call under way was waited for, and its outcome recorded.
	require.Equal(t, 1, th.count("select count(*) from ledger_entries where kind = 'project_created'"))
	require.Zero(t, th.count("select count(*) from river_job where state = 'running'"))
	require.Zero(t, th.count("select count(*) from leases"))
}

func (p program) aSecondSignalEndsItAtOnce(t *testing.T) {
	t.Helper()
	th := p.open(t, localpgtest.Migrated(t))
	th.GitLab.Faults().Add(fault.Rule{Operation: "POST /projects/:id/issues", Kind: fault.Hang})
	hub := th.serve()
	th.SendTo(hub.ready())
	th.file("Portail des agents")
	require.NoError(t, th.GitLab.Faults().WaitFired(th.ctx, fault.Hang, 1))
	hub.signal(syscall.SIGINT)
	hub.says("draining")
	hub.signal(syscall.SIGTERM)
	code, said := hub.ends()
	require.Equal(t, 1, code, said)
	require.Contains(t, said, "stopped at once")
	require.Equal(t, 1, th.count("select count(*) from river_job where state = 'running' and kind = 'open_tracking_issue'"), "it goes on at the next start")
}

// The database takes the connection and never says a word.
func (p program) isToldToStopWhileItStarts(t *testing.T) {
	t.Helper()
	th := p.open(t, localpgtest.Migrated(t))
	var settings net.ListenConfig
	listener, err := settings.Listen(th.ctx, "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	th.environ = append(th.environ, "PASSERELLE_DATABASE_URL=postgres://u@"+listener.Addr().String()+"/x?sslmode=disable")
	hub := th.serve()
	conn, err := listener.Accept()
	require.NoError(t, err)
	defer conn.Close()
	hub.signal(syscall.SIGTERM)
	code, said := hub.ends()
	require.Zero(t, code, said)
	require.Contains(t, said, "before it was ready")
}

func (p program) aDatabaseThatIsBehind(t *testing.T) {
	t.Helper()
	th := p.open(t, localpgtest.Database(t, nil))
	code, said := th.serve().ends()
	require.Equal(t, 1, code)
	require.Contains(t, said, "passerelle migrate up")
	require.Contains(t, said, "passerelle serve --migrate")
	require.Zero(t, th.count("select count(*) from pg_tables where schemaname = 'public'"))
}

func (p program) severalMigrateAtOnce(t *testing.T) {
	t.Helper()
	th := p.open(t, localpgtest.Database(t, nil))
	processes := []*process{th.serve("--migrate"), th.serve("--migrate"), th.serve("--migrate", "--http-only"), th.serve("--migrate", "--workers-only")}
	for _, hub := range processes {
		hub.ready()
	}
	for _, hub := range processes {
		hub.signal(syscall.SIGTERM)
	}
	for _, hub := range processes {
		code, said := hub.ends()
		require.Zero(t, code, said)
	}
}

func (p program) httpAndWorkersApart(t *testing.T) {
	t.Helper()
	th := p.open(t, localpgtest.Migrated(t))
	web := th.serve("--http-only")
	address := web.ready()
	th.SendTo(address)
	require.Equal(t, http.StatusOK, status(t, address+"/readyz"))
	number := th.file("Portail des agents")
	th.eventually(func() bool { return th.count("select count(*) from deliveries where source = 'demarches'") == 1 })
	require.Equal(t, 1, th.count("select count(*) from river_job where kind = 'sync_dossier' and state = 'available'"), "nobody works")

	workers := th.serve("--workers-only")
	require.Equal(t, "http://\"\"", workers.ready(), "it listens nowhere")
	require.NoError(t, th.GitLab.WaitFor(th.ctx, func(v gitlab.View) bool { return len(v.Issues(stage.TrackingProject)) == 1 }))
	require.Equal(t, 1, th.count(fmt.Sprintf("select count(*) from dossiers where number = %d", number)))
	for _, hub := range []*process{web, workers} {
		hub.signal(syscall.SIGTERM)
		code, said := hub.ends()
		require.Zero(t, code, said)
	}
}

func (p program) anAddressThatIsTaken(t *testing.T) {
	t.Helper()
	th := p.open(t, localpgtest.Migrated(t))
	th.environ = append(th.environ, "PASSERELLE_LISTEN="+strings.TrimPrefix(th.GitLabURL, "http://"))
	code, said := th.serve().ends()
	require.Equal(t, 1, code)
	require.Contains(t, said, "PASSERELLE_LISTEN")
}
