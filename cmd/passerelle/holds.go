package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/cloud-pi-native/passerelle/jobs"
)

type holdsCommand struct {
	List holdsList `cmd:"" help:"List what keeps queues from running."`
	Set  holdsSet  `cmd:"" help:"Keep a queue from running on every replica; only lift, or its end, lets it run again."`
	Lift holdsLift `cmd:"" help:"Lift every hold on a queue, the hub's own included."`
}

type holdsList struct {
	JSON bool `help:"Print JSON."`
}

// Run lists the holds.
func (l *holdsList) Run(w *world) error {
	return w.atDesk(func(ctx context.Context, desk *jobs.Desk) error {
		holds, err := desk.Holds(ctx)
		if err != nil {
			return err
		}
		if l.JSON {
			return w.json(jobs.HoldsPage{Holds: holds})
		}
		if len(holds) == 0 {
			_, err := fmt.Fprintln(w.stdout, "no queue is held")
			return err
		}
		table := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "QUEUE\tBY\tSINCE\tUNTIL\tREASON")
		for i := range holds {
			hold := &holds[i]
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", hold.Queue, hold.Author, hold.Since.Local().Format(time.DateTime), untilText(hold), hold.Reason)
		}
		return table.Flush()
	})
}

func untilText(hold *jobs.Hold) string {
	switch {
	case hold.Until != nil:
		return hold.Until.Local().Format(time.DateTime)
	case hold.NextProbe != nil:
		return "it answers; next try " + hold.NextProbe.Local().Format(time.TimeOnly)
	default:
		return "lifted"
	}
}

type holdsSet struct {
	Queue  string         `arg:"" help:"The queue: demarches or gitlab."`
	Reason string         `help:"Why; it stays in the ledger." required:""`
	For    *time.Duration `help:"For how long, such as 90m; until it is lifted if left out."`
}

// Run holds a queue, in the name of the user who runs the program.
func (s *holdsSet) Run(w *world) error {
	return w.atDesk(func(ctx context.Context, desk *jobs.Desk) error {
		var until time.Time
		if s.For != nil {
			until = time.Now().Add(*s.For)
		}
		if err := desk.Hold(ctx, s.Queue, w.actor(), s.Reason, until); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w.stdout, "queue %s is held; passerelle holds lift %s lets it run again\n", s.Queue, s.Queue)
		return err
	})
}

type holdsLift struct {
	Queue  string `arg:"" help:"The queue: demarches or gitlab."`
	Reason string `help:"Why; it stays in the ledger." required:""`
}

// Run lifts a queue's holds, in the name of the user who runs the program.
func (l *holdsLift) Run(w *world) error {
	return w.atDesk(func(ctx context.Context, desk *jobs.Desk) error {
		lifted, err := desk.Lift(ctx, l.Queue, w.actor(), l.Reason)
		if err != nil {
			return err
		}
		said := "runs again; jobs that were put off look again within ten minutes"
		if lifted == 0 {
			said = "was not held"
		}
		_, err = fmt.Fprintln(w.stdout, "queue", l.Queue, said)
		return err
	})
}
