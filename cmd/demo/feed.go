package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// feed knows what the ledger gained lately. It looks when it is asked, and not more
// often than an eye can follow.
type feed struct {
	q *ledger.Queries

	mu     sync.Mutex
	looked time.Time
	heads  map[int64]int64
	recent []ledger.LedgerEntry // by time, none older than lately
}

const (
	// lately is how far back the strip tells.
	lately = time.Minute
	// glance is how long a look is good for.
	glance = 200 * time.Millisecond
)

func newFeed(pool *pgxpool.Pool) *feed {
	return &feed{q: ledger.New(pool), heads: map[int64]int64{}}
}

// chains lists the dossiers that the ledger knows, and 0 for the hub if it has facts
// of its own.
func (f *feed) chains(ctx context.Context) ([]int64, error) {
	var all []int64
	for after := ledger.HubChain - 1; ; after = all[len(all)-1] {
		some, err := f.q.Chains(ctx, ledger.ChainsParams{After: after, Count: 1000})
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); len(some) == 0 {
			return all, nil
		}
	}
}

// since returns the facts of the last minute, the latest first.
func (f *feed) since(ctx context.Context) ([]ledger.LedgerEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) > glance {
		if err := f.look(ctx); err != nil {
			return nil, err
		}
		f.looked = time.Now()
	}
	list := slices.Clone(f.recent)
	slices.Reverse(list)
	return list, nil
}

func (f *feed) look(ctx context.Context) error {
	chains, err := f.chains(ctx)
	if err != nil {
		return err
	}
	heads, err := f.q.HeadsOf(ctx, chains)
	if err != nil {
		return err
	}
	var grown []int64
	for _, head := range heads {
		if head.Seq > f.heads[head.Chain] {
			grown = append(grown, head.Chain)
		}
	}
	var entries []ledger.LedgerEntry
	if len(grown) > 0 {
		if entries, err = f.q.EntriesOf(ctx, grown); err != nil {
			return err
		}
	}
	for i := range entries {
		if e := &entries[i]; e.Seq > f.heads[e.Chain] {
			f.heads[e.Chain] = e.Seq
			f.recent = append(f.recent, *e)
		}
	}
	horizon := time.Now().Add(-lately)
	f.recent = slices.DeleteFunc(f.recent, func(e ledger.LedgerEntry) bool { return e.At.Before(horizon) })
	slices.SortStableFunc(f.recent, func(a, b ledger.LedgerEntry) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
	return nil
}
