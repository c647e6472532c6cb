package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/localpg"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/internal/verdict"
	"github.com/cloud-pi-native/passerelle/migrations"
)

// world is everything that a soak runs on.
type world struct {
	options
	set *stage.Stage

	dir      string
	postgres *localpg.Server
	log      *os.File // PostgreSQL's
	link     *link
	pool     *pgxpool.Pool // past the link
	relay    *relay
	crowd    *crowd
	hubs     []*process
	judge    *verdict.Judge
	restarts int
	harmed   map[string]int // times, by harm

	leave   context.CancelFunc // ends the hubs
	running sync.WaitGroup
}

// Each source of chance has a stream of its own, so that one does not disturb another.
const (
	streamCrowd = iota + 1
	streamRelay
	streamKills
	streamLink
	streamThrottle
)

func (o options) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(o.seed, stream)) }

// open sets everything up and starts the hubs.
func open(ctx context.Context, o options) (_ *world, err error) {
	w := &world{options: o, harmed: map[string]int{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close(nil))
		}
	}()
	if w.dir, err = os.MkdirTemp("", "passerelle-soak-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(w.dir, 0o711); err != nil { // PostgreSQL's own user goes through when root runs this
		return nil, err
	}
	direct, err := w.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	if w.set, err = stage.New(ctx, stage.Options{Seed: o.seed}); err != nil {
		return nil, err
	}
	if err := w.startHubs(ctx, direct); err != nil {
		return nil, err
	}
	w.relay = newRelay(o.random(streamRelay), w.hubs)
	address, err := w.set.Serve(ctx, 0, w.relay)
	if err != nil {
		return nil, err
	}
	w.set.SendTo(address)
	settings, err := w.set.Hub(direct)
	if err != nil {
		return nil, err
	}
	w.crowd = newCrowd(o.random(streamCrowd), w.set, onboarding.NewMarks(settings.MarkKey), o.dossiers)
	w.judge = &verdict.Judge{
		DS: w.set.DS, GitLab: w.set.GitLab, Journey: settings.Journey,
		Marks: onboarding.NewMarks(settings.MarkKey), EverHidden: w.crowd.everHidden,
	}
	return w, nil
}

func (w *world) openDatabase(ctx context.Context) (address string, err error) {
	if w.log, err = os.Create(filepath.Join(w.dir, "postgres.log")); err != nil {
		return "", err
	}
	w.postgres, err = localpg.Start(ctx, localpg.Options{Dir: filepath.Join(w.dir, "postgres"), Log: w.log, TCP: true})
	if err != nil {
		return "", err
	}
	if address, err = w.postgres.CreateDatabase(ctx, "soak"); err != nil {
		return "", err
	}
	if w.pool, err = pgxpool.New(ctx, address); err != nil {
		return "", err
	}
	if _, err := migrations.Up(ctx, w.pool); err != nil {
		return "", err
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	w.link, err = newLink(parsed.Host)
	return address, err
}

// startHubs builds the program and starts its processes, whose way to the database
// leads over the link.
func (w *world) startHubs(ctx context.Context, direct string) error {
	program := filepath.Join(w.dir, "passerelle")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/passerelle")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the hub, from the root of its source: %w: %s", err, output)
	}
	journey := filepath.Join(w.dir, "journey.yaml")
	content := strings.Replace(string(deploy.ExampleJourney), "import: none", "import: all", 1)
	if err := os.WriteFile(journey, []byte(content), 0o600); err != nil {
		return err
	}
	address, err := url.Parse(direct)
	if err != nil {
		return err
	}
	address.Host = w.link.address()
	environment, err := w.set.Environment(address.String(), journey)
	if err != nil {
		return err
	}
	environment = append(environment,
		"PASSERELLE_CALL_TIMEOUT=2s", "PASSERELLE_POLL_INTERVAL=10s", "PASSERELLE_RETRY_CAP=5s",
		"PASSERELLE_WORKERS=8", "PASSERELLE_DATABASE_CONNECTIONS=10", "PASSERELLE_LOG_LEVEL=warn",
	)
	// The hubs outlive ctx until close has them end.
	ctx, w.leave = context.WithCancel(context.WithoutCancel(ctx))
	for n := range w.options.hubs {
		hub, err := newProcess(ctx, program, environment, filepath.Join(w.dir, fmt.Sprintf("hub-%d.log", n+1)))
		if err != nil {
			return err
		}
		w.hubs = append(w.hubs, hub)
		w.running.Go(func() { hub.keepRunning(ctx) })
	}
	for _, hub := range w.hubs {
		if err := hub.waitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// close ends everything. What there is to be looked into after a failure stays.
func (w *world) close(failure error) error {
	if w.leave != nil {
		w.leave()
		w.running.Wait()
	}
	var errs []error
	if w.relay != nil {
		w.relay.close()
	}
	if w.pool != nil {
		w.pool.Close()
	}
	if w.link != nil {
		w.link.close()
	}
	if w.set != nil {
		errs = append(errs, w.set.Close())
	}
	if w.postgres != nil {
		errs = append(errs, w.postgres.Stop())
	}
	for _, file := range w.logs() {
		errs = append(errs, file.Close())
	}
	if errors.Is(failure, errViolated) {
		fmt.Fprintf(os.Stderr, "soak: the hubs' logs and the database are in %s\n", w.dir)
	} else if w.dir != "" {
		errs = append(errs, os.RemoveAll(w.dir))
	}
	return errors.Join(errs...)
}

func (w *world) logs() []io.Closer {
	var files []io.Closer
	if w.log != nil {
		files = append(files, w.log)
	}
	for _, hub := range w.hubs {
		files = append(files, hub.log)
	}
	return files
}
