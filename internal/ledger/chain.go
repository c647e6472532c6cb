package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// BrokenChain is the error for a chain that does not verify: it names the first
// row that is wrong.
type BrokenChain struct {
	Chain int64
	Seq   int64
	What  string
}

// Error names the chain, the row and what is wrong with it.
func (b *BrokenChain) Error() string {
	return fmt.Sprintf("chain %d, entry %d: %s", b.Chain, b.Seq, b.What)
}

// hash computes an entry's hash as the database's function ledger_hash does.
func (e *LedgerEntry) hash() []byte {
	text := strings.Join([]string{
		hex.EncodeToString(e.Previous), fmt.Sprint(e.Chain), fmt.Sprint(e.Seq), fmt.Sprint(e.At.UnixMicro()),
		e.Actor, e.Kind, e.Data,
	}, "\n")
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// CheckChain verifies one chain, whole, against its head. Entries come in the
// order of their sequence. head is nil when the chain has none.
func CheckChain(chain int64, entries []LedgerEntry, head *LedgerHead) error {
	broken := func(seq int64, format string, args ...any) error {
		return &BrokenChain{Chain: chain, Seq: seq, What: fmt.Sprintf(format, args...)}
	}
	if head == nil {
		return broken(1, "the chain has no head: it was removed, or never begun")
	}
	var previous []byte
	for i := range entries {
		entry := &entries[i]
		want := int64(i) + 1
		switch {
		case entry.Seq != want:
			return broken(want, "the entry is missing")
		case !bytes.Equal(entry.Previous, previous):
			return broken(entry.Seq, "it does not follow from the entry before it: one of the two was changed, moved or replaced")
		case !bytes.Equal(entry.Hash, entry.hash()):
			return broken(entry.Seq, "its content is not what was hashed: it was changed")
		}
		previous = entry.Hash
	}
	switch length := int64(len(entries)); {
	case length < head.Seq:
		return broken(length+1, "the chain was cut off: its head says %d entries", head.Seq)
	case length > head.Seq:
		return broken(head.Seq+1, "the entry is beyond the chain's head, which says %d entries", head.Seq)
	case !bytes.Equal(previous, head.Hash):
		return broken(head.Seq, "the chain's head has another hash than its last entry")
	}
	return nil
}

// Beginner begins transactions, as a pool does.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// Snapshot runs f on one state of the database: what the hub appends meanwhile would
// make a chain longer than the head that was read a moment before.
func Snapshot(ctx context.Context, db Beginner, f func(*Queries) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, db, options, func(tx pgx.Tx) error { return f(New(tx)) })
}

// chainsAtOnce bounds how many chains Verify holds in memory.
const chainsAtOnce = 500

// Verify checks every chain, some at a time, and gives each broken one to report.
// It returns how many chains and entries it checked; its error is about reading. While
// a hub is at work it needs a Snapshot.
func (q *Queries) Verify(ctx context.Context, report func(*BrokenChain)) (chains, entries int, err error) {
	for after := int64(-1); ; {
		numbers, err := q.Chains(ctx, ChainsParams{After: after, Count: chainsAtOnce})
		if err != nil || len(numbers) == 0 {
			return chains, entries, err
		}
		after = numbers[len(numbers)-1]
		heads, err := q.HeadsOf(ctx, numbers)
		if err != nil {
			return chains, entries, err
		}
		rows, err := q.EntriesOf(ctx, numbers)
		if err != nil {
			return chains, entries, err
		}
		headOf := map[int64]*LedgerHead{}
		for i := range heads {
			headOf[heads[i].Chain] = &heads[i]
		}
		entriesOf := map[int64][]LedgerEntry{}
		for _, row := range rows {
			entriesOf[row.Chain] = append(entriesOf[row.Chain], row)
		}
		for _, number := range numbers {
			var broken *BrokenChain
			if err := CheckChain(number, entriesOf[number], headOf[number]); errors.As(err, &broken) {
				report(broken)
			}
		}
		chains, entries = chains+len(numbers), entries+len(rows)
	}
}
