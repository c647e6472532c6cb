package main

import (
	"context"
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
}

type ledgerShow struct {
	Number int64 `arg:"" help:"The dossier's number."`
	JSON   bool  `help:"Print JSON."`
}

// Run prints a dossier's story and says whether it verifies.
func (s *ledgerShow) Run(w *world) error {
	return w.onMigrated(func(ctx context.Context, pool *pgxpool.Pool) error {
		q := ledger.New(pool)
		entries, err := q.Entries(ctx, s.Number)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		var head *ledger.LedgerHead
		switch found, err := q.Head(ctx, s.Number); {
		case err == nil:
			head = &found
		case !errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("read the ledger: %w", err)
		}
		if head == nil && len(entries) == 0 {
			return fmt.Errorf("the ledger holds nothing of dossier %d: nothing was seen of it yet", s.Number)
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
	Seq   int64     `json:"seq"`
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Kind  string    `json:"kind"`
	Data  rawJSON   `json:"data"`
}

// rawJSON is JSON that stands in a text column.
type rawJSON string

// MarshalJSON gives the text as it stands.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func storyOf(entries []ledger.LedgerEntry, broken error) map[string]any {
	story := make([]storyEntry, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		story = append(story, storyEntry{e.Seq, e.At, e.Actor, e.Kind, rawJSON(e.Data)})
	}
	return map[string]any{"entries": story, "intact": broken == nil}
}

type ledgerVerify struct{}

// Run checks every chain and names the first bad row of each broken one.
func (ledgerVerify) Run(w *world) error {
	return w.onMigrated(func(ctx context.Context, pool *pgxpool.Pool) error {
		broken := 0
		chains, entries, err := ledger.New(pool).Verify(ctx, func(b *ledger.BrokenChain) {
			broken++
			fmt.Fprintln(w.stdout, b)
		})
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		if broken > 0 {
			return fmt.Errorf("%d of %d chains are broken", broken, chains)
		}
		_, err = fmt.Fprintf(w.stdout, "the ledger is intact: %d chains, %d entries\n", chains, entries)
		return err
	})
}
