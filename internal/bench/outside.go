package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// outside is a world whose hub is the release build, in a process of its own. It takes
// up what was there before.
type outside struct {
	world

	dir, binary, listen string
	environment         []string
	running             *exec.Cmd
}

// outside builds the program and sets a stage up.
func (b *bench) outside(ctx context.Context, o stage.Options) (w *outside, err error) {
	w = &outside{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.end())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "passerelle-bench-"); err != nil {
		return w, err
	}
	w.binary = filepath.Join(w.dir, "passerelle")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", w.binary, "./cmd/passerelle")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return w, fmt.Errorf("build: %w: %s", err, output)
	}
	journey := filepath.Join(w.dir, "journey.yaml")
	content := strings.Replace(string(deploy.ExampleJourney), "import: none", "import: all", 1)
	if err := os.WriteFile(journey, []byte(content), 0o600); err != nil {
		return w, err
	}
	url, pool, err := b.database(ctx)
	if err != nil {
		return w, err
	}
	w.pool = pool
	if w.Stage, err = stage.New(ctx, o); err != nil {
		return w, err
	}
	if w.listen, err = freePort(ctx); err != nil {
		return w, err
	}
	if w.environment, err = w.Environment(url, journey); err != nil {
		return w, err
	}
	w.environment = append(w.environment, "PASSERELLE_LISTEN="+w.listen, "PASSERELLE_LOG_LEVEL=warn")
	w.SendTo("http://" + w.listen)
	return w, nil
}

// serve starts the hub and waits until it is ready.
func (w *outside) serve(ctx context.Context, environment ...string) error {
	w.running = exec.CommandContext(ctx, w.binary, "serve")
	w.running.Env, w.running.Stderr = slices.Concat(w.environment, environment), os.Stderr
	if err := w.running.Start(); err != nil {
		return err
	}
	return waitReady(ctx, "http://"+w.listen+"/readyz")
}

func (w *outside) pid() int { return w.running.Process.Pid }

func (w *outside) stop() error {
	if w.running == nil {
		return nil
	}
	running := w.running
	w.running = nil
	if err := running.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return running.Wait()
}

func (w *outside) end() error {
	err := w.stop()
	if w.Stage != nil {
		err = errors.Join(err, w.Close())
	}
	if w.pool != nil {
		w.pool.Close()
	}
	return errors.Join(err, os.RemoveAll(w.dir))
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
