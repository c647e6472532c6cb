package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

type ledgerCommand struct {
	Show   ledgerShow   `cmd:"" help:"Print the story of a dossier; 0 is the hub's own."`
	Verify ledgerVerify `cmd:"" help:"Check every chain; exit code 1 when one is broken."`

	Restored ledgerRestored `cmd:"" help:"Say that the database was restored from a backup, before the hub starts again."`
}

// ledgerRestored has the hub look for its marks before it creates anything for a
// dossier that is there already: the backup does not know what was made after it.
type ledgerRestored struct {
	Reason string `required:"" help:"What happened; it stays in the ledger."`
}

// Run notes the restoration in the hub's own chain.
func (r *ledgerRestored) Run(w *world) error {
	return w.onMigrated(func(ctx context.Context, pool *pgxpool.Pool) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			q := ledger.New(tx)
			if err := q.BeginAnew(ctx); err != nil {
				return fmt.Errorf("note the restoration: %w", err)
			}
			err := q.Append(ctx, ledger.Fact{
				Chain: ledger.HubChain, Actor: w.actor(), Kind: ledger.LedgerRestored, Data: map[string]any{"reason": r.Reason},
			})
			if err != nil {
				return fmt.Errorf("note the restoration: %w", err)
			}
			_, err = fmt.Fprintln(w.stdout, "noted: for dossiers from before now, the hub looks for what it may have made already; once it has read the forms, run passerelle reconcile --all")
			return err
		})
	})
}

type ledgerShow struct {
	Number int64 `arg:"" help:"The dossier's number."`
	JSON   bool  `help:"Print JSON."`
}

// Run prints a dossier's story and says whether it verifies.
func (s *ledgerShow) Run(w *world) error {
	return w.onLedger(func(q *ledger.Queries) error {
		entries, err := q.Entries(w.ctx, s.Number)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		var head *ledger.LedgerHead
		switch found, err := q.Head(w.ctx, s.Number); {
		case err == nil:
			head = &found
		case !errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("read the ledger: %w", err)
		}
		if head == nil && len(entries) == 0 {
			// A dossier without a chain is one whose chain was removed.
			switch _, err := q.Dossier(w.ctx, s.Number); {
			case errors.Is(err, pgx.ErrNoRows):
				return fmt.Errorf("the ledger holds nothing of dossier %d: nothing was seen of it yet", s.Number)
			case err != nil:
				return fmt.Errorf("read the ledger: %w", err)
			}
		}
		broken := ledger.CheckChain(s.Number, entries, head)
		if s.JSON {
			err = w.json(storyOf(entries, broken))
		} else {
			err = w.printStory(entries)
		}
		return errors.Join(err, broken)
	})
}

// onLedger runs f on one state of the ledger.
func (w *world) onLedger(f func(*ledger.Queries) error) error {
	return w.onMigrated(func(ctx context.Context, pool *pgxpool.Pool) error { return ledger.Snapshot(ctx, pool, f) })
}

func (w *world) printStory(entries []ledger.LedgerEntry) error {
	table := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ENTRY\tTIME\tWHO\tWHAT\tDATA")
	for i := range entries {
		entry := &entries[i]
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", entry.Seq, entry.At.Local().Format("2006-01-02 15:04:05.000"), entry.Actor, entry.Kind, entry.Data)
	}
	return table.Flush()
}

type storyEntry struct {
	Seq   int64           `json:"seq"`
	At    time.Time       `json:"at"`
	Actor string          `json:"actor"`
	Kind  string          `json:"kind"`
	Data  json.RawMessage `json:"data"`
}

func storyOf(entries []ledger.LedgerEntry, broken error) map[string]any {
	story := make([]storyEntry, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		story = append(story, storyEntry{e.Seq, e.At, e.Actor, e.Kind, json.RawMessage(e.Data)})
	}
	return map[string]any{"entries": story, "intact": broken == nil}
}

type ledgerVerify struct {
	JSON bool `help:"Print JSON."`
}

// verdict is what was found of all chains.
type verdict struct {
	Chains  int           `json:"chains"`
	Entries int           `json:"entries"`
	Intact  bool          `json:"intact"`
	Broken  []brokenChain `json:"broken,omitempty"`
}

type brokenChain struct {
	Dossier int64  `json:"dossier"`
	Entry   int64  `json:"entry"`
	What    string `json:"what"`
}

// Run checks every chain and names the first bad row of each broken one.
func (v *ledgerVerify) Run(w *world) error {
	return w.onLedger(func(q *ledger.Queries) error {
		var found verdict
		chains, entries, err := q.Verify(w.ctx, func(b *ledger.BrokenChain) {
			found.Broken = append(found.Broken, brokenChain{b.Chain, b.Seq, b.What})
			if !v.JSON {
				fmt.Fprintln(w.stdout, b)
			}
		})
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		found.Chains, found.Entries, found.Intact = chains, entries, len(found.Broken) == 0
		switch {
		case v.JSON:
			err = w.json(found)
		case found.Intact:
			_, err = fmt.Fprintf(w.stdout, "the ledger is intact: %d chains, %d entries\n", chains, entries)
		}
		if !found.Intact {
			err = errors.Join(err, fmt.Errorf("%d of %d chains are broken", len(found.Broken), chains))
		}
		return err
	})
}
