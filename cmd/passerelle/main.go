// Command passerelle is the hub that brings teams on board of Cloud Pi Native.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/cloud-pi-native/passerelle/internal/config"
)

// version is set by the linker.
var version = "dev"

// The exit codes.
const (
	exitFailed = 1
	// exitUsage is for a wrong command line or configuration.
	exitUsage = 2
)

type commands struct {
	Serve     serveCommand     `cmd:"" help:"Serve webhooks and work jobs, until told to stop."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database's schema up to date, or take it away."`
	Jobs      jobsCommand      `cmd:"" help:"Look at background jobs and replay what failed."`
	Holds     holdsCommand     `cmd:"" help:"See what keeps queues from running, hold one, or lift its holds."`
	Ledger    ledgerCommand    `cmd:"" help:"Read a dossier's story, and verify that nobody changed it."`
	Reconcile reconcileCommand `cmd:"" help:"Compare the ledger with GitLab, and have the two agree."`

	Version versionCommand `cmd:"" help:"Print the version."`
}

// world is what a command may touch.
type world struct {
	ctx     context.Context //nolint:containedctx // the program's own, for as long as the command runs
	environ []string
	stdout  io.Writer
	stderr  io.Writer
}

func main() {
	os.Exit(run(&world{ctx: context.Background(), environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:]))
}

// run runs one command line and returns the exit code.
func run(w *world, args []string) int {
	var (
		cli  commands
		exit *int
	)
	parser, err := kong.New(&cli,
		kong.Name("passerelle"),
		kong.Description("The integration hub between Démarches Simplifiées and GitLab. Configuration comes from the environment: see .env.example."),
		kong.Writers(w.stdout, w.stderr), kong.Exit(func(code int) { exit = &code }), kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(w.stderr, "passerelle:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	if exit != nil {
		return *exit // --help
	}
	if err != nil {
		fmt.Fprintf(w.stderr, "passerelle: %s; passerelle --help lists what there is\n", err)
		return exitUsage
	}
	err = parsed.Run(w)
	var problems *config.Problems
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &problems):
		fmt.Fprintln(w.stderr, "passerelle:", err)
		return exitUsage
	default:
		fmt.Fprintln(w.stderr, "passerelle:", err)
		return exitFailed
	}
}

// exitCode is the error of a command that has said already what is wrong.
type exitCode int

// Error is never shown.
func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(w *world) error {
	_, err := fmt.Fprintln(w.stdout, "passerelle", version)
	return err
}
