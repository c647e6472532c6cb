package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// purpose is what a lease on a dossier is for. Reading it, reading its tracking issue and
// acting for it are apart, so that a refusal is seen while a sandbox is being made.
type purpose string

const (
	toRead  purpose = "read"
	toTrack purpose = "track"
	toAct   purpose = "act"
)

// turnPatience is how long a job waits for another of this process; after that it
// leaves its place to others.
const turnPatience = 300 * time.Millisecond

// lease is the right to read a dossier, or to act for it, until it is dropped or
// runs out.
type lease struct {
	dossier int64
	purpose purpose
	owner   uuid.UUID
	// takenAt is when it was taken, by the database's clock.
	takenAt time.Time
	gate    *gate
	done    func()
	dropped bool
}

// take takes the lease. When the queue is held, or somebody else has the lease, the
// error puts the job off without spending an attempt.
func (c *crew) take(ctx context.Context, queue string, dossier int64, p purpose) (*lease, error) {
	done, ok := c.turns.take(ctx, turn{dossier, p}, turnPatience)
	if !ok {
		return nil, busy()
	}
	l := &lease{dossier: dossier, purpose: p, owner: uuid.New(), gate: &gate{queue: queue}, done: done}
	taken, err := c.tryTake(ctx, l)
	if err == nil && !taken {
		if l.gate, err = c.enter(ctx, queue); err == nil && l.gate.probing() {
			taken, err = c.tryTake(ctx, l)
		}
	}
	if err == nil && !taken {
		err = busy()
	}
	if err != nil {
		c.leave(ctx, l.gate)
		done()
		return nil, err
	}
	return l, nil
}

// tryTake reports whether the lease was free and the queue is not held.
func (c *crew) tryTake(ctx context.Context, l *lease) (bool, error) {
	var err error
	l.takenAt, err = ledger.New(c.Pool).TakeLease(ctx, ledger.TakeLeaseParams{
		Dossier: l.dossier, Purpose: string(l.purpose), Owner: l.owner, Term: c.Timing.leaseTerm(),
		Queue: l.gate.queue, Probing: l.gate.probing(),
	})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	default:
		return false, fmt.Errorf("take the lease on dossier %d: %w", l.dossier, err)
	}
}

// busy puts a job off for about half a second.
func busy() error {
	return river.JobSnooze(300*time.Millisecond + rand.N(400*time.Millisecond))
}

// dropIn gives the lease back within tx, when that commits.
func (l *lease) dropIn(ctx context.Context, tx pgx.Tx) error {
	l.dropped = true
	return ledger.New(tx).DropLease(ctx, ledger.DropLeaseParams{
		Dossier: l.dossier, Purpose: string(l.purpose), Owner: l.owner,
	})
}

// release gives the lease back if no transaction did. It works after ctx ended.
func (c *crew) release(ctx context.Context, l *lease) {
	defer l.done()
	c.leave(ctx, l.gate)
	if l.dropped {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := ledger.New(c.Pool).DropLease(ctx, ledger.DropLeaseParams{
		Dossier: l.dossier, Purpose: string(l.purpose), Owner: l.owner,
	})
	if err != nil {
		c.Logger.WarnContext(ctx, "a lease could not be given back and runs out by itself",
			"dossier", l.dossier, "purpose", l.purpose, "error", err)
	}
}
