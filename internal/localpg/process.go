//go:build unix

package localpg

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a running server program. It does not outlive this process.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed at its end
	err  error         // how it ended; to be read after done
}

// spawn starts the program and waits for its end in the background.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	// After its end, what it started may hold its output open a little longer.
	cmd.WaitDelay = 5 * time.Second
	dieWithParent(cmd.SysProcAttr)

	started := make(chan error)
	go func() {
		// Linux ends the child with the thread that started it, not with the
		// process: this thread is kept, for nothing else, until the child ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		if errors.Is(p.err, exec.ErrWaitDelay) {
			p.err = nil
		}
		close(p.done)
	}()
	return p, <-started
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop sends the signal and waits. A process that does not end in time, or
// before the context does, is stopped at once, and then killed.
func (p *process) stop(ctx context.Context, signal syscall.Signal, patience time.Duration) error {
	cancelled := ctx.Done()
	for _, signal := range []syscall.Signal{signal, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		impatience := time.NewTimer(patience)
		select {
		case <-p.done:
			impatience.Stop()
			return nil
		case <-cancelled:
			cancelled = nil // the harder ways have their time all the same
		case <-impatience.C:
		}
		impatience.Stop()
	}
	return errors.New("it does not end")
}

// serverLog passes the server's output on, and says when it is ready.
type serverLog struct {
	to    io.Writer
	ready chan struct{}

	mu      sync.Mutex
	isReady bool
	partial []byte
	lines   []string
}

const (
	tailLines   = 20
	longestLine = 4 << 10
)

func newServerLog(to io.Writer) *serverLog {
	return &serverLog{to: to, ready: make(chan struct{})}
}

func (l *serverLog) Write(output []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to != nil {
		// A reader of the log that fails must not stop the server's output.
		_, _ = l.to.Write(output)
	}
	l.partial = append(l.partial, output...)
	for {
		end := bytes.IndexByte(l.partial, '\n')
		if end < 0 && len(l.partial) <= longestLine {
			return len(output), nil
		}
		if end < 0 {
			end = len(l.partial) - 1
		}
		l.line(string(l.partial[:end]))
		l.partial = l.partial[end+1:]
	}
}

func (l *serverLog) line(line string) {
	l.lines = append(l.lines, line)
	if len(l.lines) > tailLines {
		l.lines = l.lines[1:]
	}
	if !l.isReady && strings.HasSuffix(line, "database system is ready to accept connections") {
		l.isReady = true
		close(l.ready)
	}
}

func (l *serverLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
