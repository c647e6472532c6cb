package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// Queues lists the queues that can be held, each named after the service that its
// jobs call.
func Queues() []string { return []string{QueueDemarches, QueueGitLab} }

// Hold is a queue kept from running, as administrators see it.
type Hold struct {
	Queue  string    `json:"queue"`
	Author string    `json:"author"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Until is when it ends by itself; nil when somebody must lift it, or when it is
	// an outage's, which a probe that succeeds ends.
	Until *time.Time `json:"until,omitempty"`
	// NextProbe is when it is tried again whether the service answers, and Probes how
	// often that was tried in vain, for an outage.
	NextProbe *time.Time `json:"next_probe,omitempty"`
	Probes    int        `json:"probes,omitempty"`
}

// untilLifted stands in the database for a hold that has no end.
var untilLifted = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// HoldsPage is the list of what holds queues, as it is given out.
type HoldsPage struct {
	Holds []Hold `json:"holds"`
}

// Holds lists what keeps queues from running now.
func (d *Desk) Holds(ctx context.Context) ([]Hold, error) {
	rows, err := ledger.New(d.Pool).AllHolds(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the holds: %w", err)
	}
	holds := []Hold{}
	for i := range rows {
		row := &rows[i]
		hold := Hold{Queue: row.Queue, Author: row.Author, Reason: row.Reason, Since: row.Since}
		switch {
		case row.Probes != nil:
			hold.NextProbe, hold.Probes = &row.Until, int(*row.Probes)
		case row.Until.Before(untilLifted):
			hold.Until = &row.Until
		}
		holds = append(holds, hold)
	}
	return holds, nil
}

// Hold keeps a queue from running on every replica, until a time, or until it is
// lifted when that is zero. Jobs under way go on to the end of their present call.
// The hub never lifts it.
func (d *Desk) Hold(ctx context.Context, queue, actor, reason string, until time.Time) error {
	if err := checkHold(queue, reason); err != nil {
		return err
	}
	data := map[string]any{"queue": queue, "reason": reason}
	if until.IsZero() {
		until = untilLifted
	} else {
		if until.Before(time.Now()) {
			return &BadFilter{"until", "is over already; write a time to come, or none"}
		}
		data["until"] = until
	}
	return pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		if err := q.SetHold(ctx, ledger.SetHoldParams{Queue: queue, Author: actor, Reason: reason, Until: until}); err != nil {
			return fmt.Errorf("hold queue %s: %w", queue, err)
		}
		return q.Append(ctx, ledger.Fact{Chain: ledger.HubChain, Actor: actor, Kind: ledger.QueueHeld, Data: data})
	})
}

// Lift ends every hold on a queue, whoever set it, and returns how many there were.
// The hub holds it again if its service still asks for that. Jobs that were put off
// look again within ten minutes.
func (d *Desk) Lift(ctx context.Context, queue, actor, reason string) (lifted int, err error) {
	if err := checkHold(queue, reason); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		held, err := q.LiftHolds(ctx, queue)
		if err != nil {
			return fmt.Errorf("lift the holds on queue %s: %w", queue, err)
		}
		lifted = int(held)
		if lifted == 0 {
			return nil
		}
		data := map[string]any{"queue": queue, "reason": reason}
		return q.Append(ctx, ledger.Fact{Chain: ledger.HubChain, Actor: actor, Kind: ledger.QueueReleased, Data: data})
	})
	return lifted, err
}

func checkHold(queue, reason string) error {
	if !slices.Contains(Queues(), queue) {
		return &BadFilter{"queue", fmt.Sprintf("%.40q is no queue; write %s", queue, strings.Join(Queues(), " or "))}
	}
	return checkReason(reason)
}
