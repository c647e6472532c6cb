package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/internal/verdict"
)

// outcome is how it ended.
type outcome struct {
	stock  verdict.Stock
	lapses []verdict.Lapse
	left   int
	// took is how long it was until nothing was left to do and nothing wrong.
	took time.Duration
}

const (
	lookEvery = 500 * time.Millisecond
	// polls that began in peace must have ended before all can be known.
	peacefulPolls = 2
	// hopeless is how long nothing is left to do while something is wrong before
	// waiting on makes no sense.
	hopeless = time.Minute
)

// rest waits until nothing is left to do and all is as it must be.
func (w *world) rest(ctx context.Context) (outcome, error) {
	begun := time.Now()
	var idle time.Time // since when nothing is left to do
	var o outcome
	for {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return o, ctx.Err()
		}
		over := time.Since(begun) > patience
		left, err := w.unfinished(ctx, begun)
		switch {
		case err != nil && !over: // the database may be coming up still
			continue
		case err != nil:
			return o, err
		case left > 0 && !over:
			idle = time.Time{}
			continue
		case idle.IsZero():
			idle = time.Now()
		}
		o.left = left
		if o.stock, o.lapses = w.judge.Services(); len(o.lapses) == 0 || over || time.Since(idle) > hopeless {
			loose, err := w.judge.Books(ctx, w.pool)
			if err != nil {
				return o, err
			}
			o.lapses = append(o.lapses, loose...)
			o.lapses = append(o.lapses, w.crashed()...)
		}
		if o.took = time.Since(begun); len(o.lapses) == 0 && o.left == 0 || over || time.Since(idle) > hopeless {
			return o, nil
		}
	}
}

// crashed tells of hubs that ended as no program of ours should.
func (w *world) crashed() []verdict.Lapse {
	var lapses []verdict.Lapse
	for _, hub := range w.hubs {
		hub.mu.Lock()
		if hub.crashes > 0 {
			lapses = append(lapses, verdict.Lapse{Kind: verdict.Wrong, What: fmt.Sprintf("the hub at %s crashed %d times: see %s", hub.listen, hub.crashes, hub.log.Name())})
		}
		hub.mu.Unlock()
	}
	return lapses
}

// unfinished counts what is left to do, polls that have to come included.
func (w *world) unfinished(ctx context.Context, since time.Time) (int, error) {
	left, err := w.backlog(ctx)
	if err != nil {
		return 0, err
	}
	const polled = `select sum(greatest($2 - (select count(*) from river_job
			where kind = round.kind and round.args <@ args and state = 'completed' and attempted_at > $1), 0))
		from (values ('poll_demarche', jsonb_build_object('demarche', $3::bigint)), ('track_issues', '{}')) round (kind, args)`
	var missing int
	err = w.pool.QueryRow(ctx, polled, since, peacefulPolls, stage.Form).Scan(&missing)
	return left + missing, err
}

// backlog counts the jobs for dossiers and the deliveries that wait.
func (w *world) backlog(ctx context.Context) (int, error) { return verdict.Left(ctx, w.pool) }

// requests counts the calls that DS and GitLab had.
func (w *world) requests() (sum int) {
	for _, calls := range []map[string]int{w.set.DS.Faults().Calls(), w.set.GitLab.Faults().Calls()} {
		for _, n := range calls {
			sum += n
		}
	}
	return sum
}
