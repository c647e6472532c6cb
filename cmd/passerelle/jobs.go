package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/telemetry"
	"github.com/cloud-pi-native/passerelle/jobs"
)

type jobsCommand struct {
	List   jobsList   `cmd:"" help:"List jobs, the newest first."`
	Show   jobsShow   `cmd:"" help:"Show one job, with its latest errors."`
	Replay jobsReplay `cmd:"" help:"Make a job run once more, now."`
}

type jobsList struct {
	State   []string `help:"Only jobs in these states: available, running, retryable, scheduled, cancelled, discarded, completed."`
	Kind    []string `help:"Only jobs of these kinds, such as provision_sandbox."`
	Dossier int64    `help:"Only jobs of this dossier."`
	Limit   int      `default:"50" help:"How many, 1 to 100."`
	After   string   `help:"Go on where the page before ended."`
	JSON    bool     `help:"Print JSON."`
}

// Run lists jobs.
func (l *jobsList) Run(w *world) error {
	return w.atDesk(func(ctx context.Context, desk *jobs.Desk) error {
		page, next, err := desk.List(ctx, jobs.Filter{States: l.State, Kinds: l.Kind, Dossier: l.Dossier, Limit: l.Limit, After: l.After})
		if err != nil {
			return err
		}
		if l.JSON {
			return w.json(jobs.Page{Jobs: page, Next: next})
		}
		table := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "JOB\tKIND\tDOSSIER\tSTATE\tATTEMPTS\tCREATED\tLAST ERROR")
		for i := range page {
			job := &page[i]
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d\t%s\t%s\n", job.ID, job.Kind, dossierText(job.Dossier), stateText(job),
				job.Attempt, job.CreatedAt.Local().Format(time.DateTime), lastError(job))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if next != "" {
			fmt.Fprintln(w.stdout, "more: --after", next)
		}
		return nil
	})
}

type jobsShow struct {
	ID   int64 `arg:"" help:"The job's number."`
	JSON bool  `help:"Print JSON."`
}

// Run shows one job.
func (s *jobsShow) Run(w *world) error {
	return w.atDesk(func(ctx context.Context, desk *jobs.Desk) error {
		job, err := desk.Show(ctx, s.ID)
		if err != nil {
			return err
		}
		return w.showJob(&job, s.JSON)
	})
}

type jobsReplay struct {
	ID     int64  `arg:""       help:"The job's number."`
	Reason string `required:""  help:"Why; it stays in the ledger."`
	JSON   bool   `help:"Print JSON."`
}

// Run replays one job, in the name of the user who runs the program.
func (r *jobsReplay) Run(w *world) error {
	return w.atDesk(func(ctx context.Context, desk *jobs.Desk) error {
		job, err := desk.Replay(ctx, r.ID, w.actor(), r.Reason)
		if err != nil {
			return err
		}
		return w.showJob(&job, r.JSON)
	})
}

// actor is who the ledger says did it.
func (*world) actor() string {
	if current, err := user.Current(); err == nil {
		return "cli:" + current.Username
	}
	return "cli"
}

func (w *world) atDesk(f func(context.Context, *jobs.Desk) error) error {
	return w.onMigrated(func(ctx context.Context, pool *pgxpool.Pool) error {
		client, err := jobs.NewClient(jobs.Options{Pool: pool, InsertOnly: true, Logger: telemetry.NewLogger(w.stderr, 0, "text")})
		if err != nil {
			return err
		}
		return f(ctx, &jobs.Desk{Pool: pool, River: client})
	})
}

func (w *world) showJob(job *jobs.Job, asJSON bool) error {
	if asJSON {
		return w.json(job)
	}
	table := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "job\t%d\nkind\t%s\ndossier\t%s\nstate\t%s\nattempts\t%d\ncreated\t%s\nscheduled\t%s\n", job.ID, job.Kind,
		dossierText(job.Dossier), stateText(job), job.Attempt, job.CreatedAt.Local().Format(time.DateTime), job.ScheduledAt.Local().Format(time.DateTime))
	for _, e := range job.Errors {
		fmt.Fprintf(table, "error of attempt %d\t%s: %s\n", e.Attempt, e.At.Local().Format(time.DateTime), e.Error)
	}
	return table.Flush()
}

func (w *world) json(value any) error {
	encoder := json.NewEncoder(w.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func dossierText(number int64) string {
	if number == 0 {
		return "-"
	}
	return fmt.Sprint(number)
}

func stateText(job *jobs.Job) string {
	if job.Failed {
		return job.State + " (failed)"
	}
	return job.State
}

func lastError(job *jobs.Job) string {
	if len(job.Errors) == 0 {
		return ""
	}
	first, _, more := strings.Cut(job.Errors[len(job.Errors)-1].Error, "\n")
	if more {
		first += " …"
	}
	return first
}
