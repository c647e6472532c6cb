package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// process measures the release build in a process of its own.
func process(ctx context.Context, b *bench) (err error) {
	dir, err := os.MkdirTemp("", "passerelle-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := filepath.Join(dir, "passerelle")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/passerelle")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, output)
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	journey := filepath.Join(dir, "journey.yaml")
	content := strings.Replace(string(deploy.ExampleJourney), "import: none", "import: all", 1)
	if err := os.WriteFile(journey, []byte(content), 0o600); err != nil {
		return err
	}

	url, pool, err := b.database(ctx)
	if err != nil {
		return err
	}
	w := &world{pool: pool}
	defer pool.Close()
	if w.Stage, err = stage.New(ctx, stage.Options{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	listen, err := freePort(ctx)
	if err != nil {
		return err
	}
	environment, err := w.Environment(url, journey)
	if err != nil {
		return err
	}
	environment = append(environment, "PASSERELLE_LISTEN="+listen, "PASSERELLE_LOG_LEVEL=warn")

	var ready []time.Duration
	var running *exec.Cmd
	for range 5 {
		if running != nil {
			if err := stop(running); err != nil {
				return err
			}
		}
		running = exec.CommandContext(ctx, binary, "serve")
		running.Env, running.Stderr = environment, os.Stderr
		begun := time.Now()
		if err := running.Start(); err != nil {
			return err
		}
		if err := waitReady(ctx, "http://"+listen+"/readyz"); err != nil {
			return err
		}
		ready = append(ready, time.Since(begun))
	}
	defer func() { err = errors.Join(err, stop(running)) }()
	time.Sleep(3 * time.Second) //nolint:forbidigo // idle is a state that lasts
	fmt.Printf("binary: %.1f MiB; start to /readyz: median %.0f ms; idle: %s MiB resident\n",
		float64(info.Size())/(1<<20), ms(median(ready)), resident(running.Process.Pid))

	begun := time.Now()
	w.SendTo("http://" + listen)
	for n := range b.dossiers {
		if err := w.accept(n); err != nil {
			return err
		}
	}
	if err := w.settled(ctx, b.dossiers); err != nil {
		return err
	}
	fmt.Printf("after %d dossiers accepted, each told by a webhook: %s MiB resident, highest %s MiB, %.0f dossiers/s\n",
		b.dossiers, resident(running.Process.Pid), highest(running.Process.Pid), float64(b.dossiers)/time.Since(begun).Seconds())
	return nil
}

func stop(process *exec.Cmd) error {
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return process.Wait()
}

func freePort(ctx context.Context) (string, error) {
	var settings net.ListenConfig
	listener, err := settings.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func waitReady(ctx context.Context, url string) error {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// resident is the process' resident memory in MiB, highest the most it ever was.
func resident(pid int) string { return statusMiB(pid, "VmRSS:") }
func highest(pid int) string  { return statusMiB(pid, "VmHWM:") }

func statusMiB(pid int, field string) string {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "?"
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var kib float64
		if _, err := fmt.Sscanf(lines.Text(), field+" %f kB", &kib); err == nil {
			return fmt.Sprintf("%.1f", kib/1024)
		}
	}
	return "?"
}
