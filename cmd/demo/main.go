// Command demo shows the hub at work: beside simulators of Démarches Simplifiées and
// GitLab, on a private PostgreSQL, with sample dossiers filed and decided. It needs
// no set-up and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// version is set by the linker.
var version = "dev"

// The exit codes.
const (
	exitFailed = 1
	// exitUsage is for a wrong command line.
	exitUsage = 2
)

func main() {
	ctx, interrupt := context.WithCancel(context.Background())
	hurry := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	// A reader of our output that goes away (head) is then an error of writing, not
	// our sudden death with files left behind.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		<-signals
		interrupt()
		<-signals
		close(hurry)
	}()
	d := demo{stdout: os.Stdout, stderr: os.Stderr, hurry: hurry}
	os.Exit(d.run(ctx, os.Args[1:]))
}

// run runs one command line until ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	d := demo{stdout: stdout, stderr: stderr}
	return d.run(ctx, args)
}

// demo is one run of the program.
type demo struct {
	stdout, stderr io.Writer
	// hurry ends what is left to do after ctx ended: the second Ctrl-C.
	hurry <-chan struct{}
	// ready is called once everything runs and before anything is filed, if not nil:
	// for tests.
	ready func(*scene)
	// aloneAt is called once a simulator runs alone, likewise.
	aloneAt func(*stage.Stage)
	// settled is called once the samples are and everything goes on running, likewise.
	settled func(*scene)
}

func (d *demo) run(ctx context.Context, args []string) int {
	o, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(d.stdout, usage)
		return 0
	case err != nil:
		fmt.Fprintf(d.stderr, "demo: %s; demo -help lists the flags\n", err)
		return exitUsage
	}
	code, err := d.perform(ctx, o)
	if err != nil {
		fmt.Fprintln(d.stderr, "demo:", err)
		return exitFailed
	}
	return code
}
