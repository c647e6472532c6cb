package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is one hub, started again whenever it ends, as a service manager does.
type process struct {
	program     string
	environment []string
	listen      string
	log         *os.File

	mu     sync.Mutex
	cmd    *exec.Cmd // nil while none runs
	doomed bool      // it is being killed
	kills  int
	exits  int // by itself
	// crashes are the exits that are none of a program that says what is wrong, as
	// without a database at its start.
	crashes int
}

func newProcess(ctx context.Context, program string, environment []string, logPath string) (*process, error) {
	var settings net.ListenConfig
	listener, err := settings.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{program: program, listen: listener.Addr().String()}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	p.environment = append(append(os.Environ(), environment...), "PASSERELLE_LISTEN="+p.listen)
	p.log, err = os.Create(logPath)
	return p, err
}

func (p *process) address() string { return "http://" + p.listen }

// pause is how long a service manager waits before it starts a program again.
const pause = time.Second

// keepRunning runs the hub until ctx ends.
func (p *process) keepRunning(ctx context.Context) {
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, p.program, "serve")
		cmd.Env, cmd.Stderr, cmd.Stdout = p.environment, p.log, p.log
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = 5 * time.Second
		p.mu.Lock()
		err := cmd.Start()
		if err == nil {
			p.cmd = cmd
		}
		p.mu.Unlock()
		if err == nil {
			err = cmd.Wait()
		}
		p.mu.Lock()
		p.cmd = nil
		if p.doomed {
			p.doomed = false
			p.kills++
		} else if ctx.Err() == nil {
			p.exits++
			if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
				p.crashes++
			}
		}
		p.mu.Unlock()
		_, _ = fmt.Fprintf(p.log, "--- ended: %v\n", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// kill ends the hub without a word, if it runs.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process.Kill() == nil {
		p.doomed = true
	}
}

func (p *process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !p.ready(ctx) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the hub at %s does not become ready: see %s", p.listen, p.log.Name())
		}
	}
	return nil
}

func (p *process) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address()+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}
