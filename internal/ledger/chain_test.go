package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestVerify_Tampering(t *testing.T) {
	t.Parallel()
	// Three chains of five entries; what is done to the second; what is found.
	for name, tt := range map[string]struct {
		tamper string
		seq    int64
		what   string
	}{
		"ChangedData":     {`update ledger_entries set data = '{"n": 9}' where chain = 2 and seq = 3`, 3, "it was changed"},
		"ChangedActor":    {`update ledger_entries set actor = 'somebody' where chain = 2 and seq = 1`, 1, "it was changed"},
		"ChangedKind":     {`update ledger_entries set kind = 'x' where chain = 2 and seq = 5`, 5, "it was changed"},
		"ChangedTime":     {`update ledger_entries set at = at + interval '1 microsecond' where chain = 2 and seq = 2`, 2, "it was changed"},
		"ChangedHash":     {`update ledger_entries set hash = '\x00' where chain = 2 and seq = 4`, 4, "it was changed"},
		"ChangedPrevious": {`update ledger_entries set previous = '\x00' where chain = 2 and seq = 4`, 4, "does not follow"},
		"ChangedAndHashedAgain": {`update ledger_entries set data = '{}', hash = ledger_hash(previous, chain, seq, at, actor, kind, '{}')
			where chain = 2 and seq = 3`, 4, "does not follow"},
		"LastOneHashedAgain": {`update ledger_entries set data = '{}', hash = ledger_hash(previous, chain, seq, at, actor, kind, '{}')
			where chain = 2 and seq = 5`, 5, "head has another hash"},
		"Removed":      {`delete from ledger_entries where chain = 2 and seq = 3`, 3, "missing"},
		"FirstRemoved": {`delete from ledger_entries where chain = 2 and seq = 1`, 1, "missing"},
		"CutOffAndItsHeadSetBack": {`with gone as (delete from ledger_entries where chain = 2 and seq = 5)
			update ledger_heads set seq = 4 where chain = 2`, 4, "head has another hash"},
		"CutOff":   {`delete from ledger_entries where chain = 2 and seq > 3`, 4, "cut off"},
		"Emptied":  {`delete from ledger_entries where chain = 2`, 1, "cut off"},
		"Appended": {`insert into ledger_entries select chain, 6, at, actor, kind, data, hash, ledger_hash(hash, chain, 6, at, actor, kind, data) from ledger_entries where chain = 2 and seq = 5`, 6, "beyond the chain's head"},
		"HeadHash": {`update ledger_heads set hash = '\x00' where chain = 2`, 5, "head has another hash"},
		"HeadBack": {`update ledger_heads set seq = 4 where chain = 2`, 5, "beyond the chain's head"},
		"HeadGone": {`delete from ledger_heads where chain = 2`, 1, "no head"},
		"MovedFromAnotherChain": {`update ledger_entries e set actor = o.actor, kind = o.kind, data = o.data, at = o.at, previous = o.previous, hash = o.hash
			from ledger_entries o where e.chain = 2 and e.seq = 2 and o.chain = 3 and o.seq = 2`, 2, "does not follow"},
		"FirstFromAnotherChain": {`update ledger_entries e set at = o.at, hash = o.hash
			from ledger_entries o where e.chain = 2 and e.seq = 1 and o.chain = 3 and o.seq = 1`, 1, "it was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for chain := range int64(3) {
				b.chain(chain+1, 5)
			}
			require.Empty(t, b.broken())

			b.tamper(tt.tamper)
			found := b.broken()
			require.Len(t, found, 1)
			require.Equal(t, int64(2), found[0].Chain)
			require.Equal(t, tt.seq, found[0].Seq, found[0].What)
			require.Contains(t, found[0].What, tt.what)
			require.Contains(t, found[0].Error(), fmt.Sprintf("chain 2, entry %d", tt.seq))
		})
	}

	t.Run("Swapped", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.chain(2, 5)
		b.tamper(`update ledger_entries set seq = -seq where chain = 2 and seq in (2, 3)`,
			`update ledger_entries set seq = case seq when -2 then 3 else 2 end where chain = 2 and seq < 0`)
		require.Equal(t, int64(2), b.broken()[0].Seq)
	})

	t.Run("RemovedChain", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dossier(2)
		b.chain(2, 5)
		b.tamper("delete from ledger_entries where chain = 2", "delete from ledger_heads where chain = 2")
		require.Len(t, b.broken(), 1)
		require.Contains(t, b.broken()[0].What, "no head")
	})

	t.Run("Several", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for chain := range int64(4) {
			b.chain(chain, 3)
		}
		b.tamper("update ledger_entries set kind = 'x' where chain in (0, 3) and seq in (2, 3)")
		found := b.broken()
		require.Len(t, found, 2, "the first bad row of each")
		require.Equal(t, int64(0), found[0].Chain)
		require.Equal(t, int64(3), found[1].Chain)
		require.Equal(t, int64(2), found[1].Seq)
	})
}

func TestLedger_IsAppendOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.chain(2, 3)
	for _, sql := range []string{
		"update ledger_entries set data = '{}'", "update ledger_entries set data = '{}' where chain = 77",
		"delete from ledger_entries", "truncate ledger_entries", "delete from ledger_heads", "truncate ledger_heads",
		"insert into ledger_entries (chain, actor, kind, data) values (2, 'hub', 'x', '{}') on conflict (chain, seq) do update set data = '{}'",
	} {
		_, err := b.pool.Exec(b.ctx, sql)
		require.ErrorContains(t, err, "append-only", sql)
	}
	require.Empty(t, b.broken())
}

// Whoever inserts cannot choose what is the database's to say, nor what is no fact.
func TestLedger_WhatAnEntryIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.chain(2, 1)
	b.exec(`insert into ledger_entries (chain, seq, at, actor, kind, data, previous, hash)
		values (2, 9, '1999-01-01', 'hub', 'x', '{}', '\x00', '\x00')`)
	require.Empty(t, b.broken())
	entries, err := b.Entries(b.ctx, 2)
	require.NoError(t, err)
	require.Equal(t, int64(2), entries[1].Seq)
	require.True(t, entries[1].At.After(entries[0].At))

	for _, values := range []string{`'a' || chr(10) || 'b', 'x', '{}'`, `'a', 'x' || chr(10), '{}'`, `'a', 'x', '[]'`, `'a', 'x', 'no JSON'`, `'a', 'x', null`} {
		_, err := b.pool.Exec(b.ctx, "insert into ledger_entries (chain, actor, kind, data) select 2, "+values)
		require.Error(t, err, values)
	}
}

// Whatever is appended, the hash that Go computes is the database's, the chain
// verifies, and what was said can be read again.
func TestAppend_AnyFacts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var chain int64
	rapid.Check(t, func(t *rapid.T) {
		chain++
		word := rapid.StringMatching(`[^\x00\n]{0,12}`)
		facts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Fact {
			return Fact{
				Chain: chain, Actor: word.Draw(t, "actor"), Kind: EntryKind(word.Draw(t, "kind")),
				Data: rapid.MapOf(rapid.String(), rapid.OneOf(
					rapid.Map(rapid.StringMatching(`[^\x00]*`), func(s string) any { return s }),
					rapid.Map(rapid.Int64(), func(n int64) any { return n }),
					rapid.Just(any([]string{"a\nb", "é", "\u2028"})), rapid.Just(any(nil)), rapid.Just(any(true)),
				)).Filter(func(m map[string]any) bool { return !hasNUL(m) }).Draw(t, "data"),
			}
		}), 1, 5).Draw(t, "facts")
		require.NoError(t, b.Append(b.ctx, facts...))

		entries, err := b.Entries(b.ctx, chain)
		require.NoError(t, err)
		head, err := b.Head(b.ctx, chain)
		require.NoError(t, err)
		require.NoError(t, CheckChain(chain, entries, &head))
		require.Len(t, entries, len(facts))
		for i := range entries {
			require.Equal(t, entries[i].Hash, entries[i].hash())
			require.Equal(t, facts[i].Actor, entries[i].Actor)
			require.Equal(t, string(facts[i].Kind), entries[i].Kind)
			want, err := json.Marshal(facts[i].Data)
			require.NoError(t, err)
			require.JSONEq(t, string(want), entries[i].Data)
		}
	})
	require.Empty(t, b.broken())
}

// PostgreSQL holds no NUL.
func hasNUL(data map[string]any) bool {
	text, err := json.Marshal(data)
	return err != nil || !bytes.Equal(text, removeNUL(text))
}

func removeNUL(text []byte) []byte {
	var kept []byte
	for i := 0; i < len(text); i++ {
		if i+6 <= len(text) && string(text[i:i+6]) == `\u0000` {
			i += 5
			continue
		}
		kept = append(kept, text[i])
	}
	return kept
}

func TestAppend_ManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const writers, each = 8, 25
	var group sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				// Two chains in one transaction, in one order, as the jobs lock dossiers.
				errs[w] = errors.Join(errs[w], pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) error {
					return New(tx).Append(b.ctx,
						Fact{Chain: 1, Actor: ActorHub, Kind: DossierEdited, Data: map[string]any{"w": w, "i": i}},
						Fact{Chain: 2, Actor: ActorHub, Kind: DossierEdited},
						Fact{Chain: 1, Actor: ActorDS, Kind: DossierEdited})
				}))
			}
		})
	}
	group.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Empty(t, b.broken())
	head, err := b.Head(b.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, int64(2*writers*each), head.Seq)
}

// What was rolled back leaves no gap.
func TestAppend_RolledBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.chain(1, 1)
	for _, chain := range []int64{1, 2} {
		_ = pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) error {
			require.NoError(t, New(tx).Append(b.ctx, Fact{Chain: chain, Actor: ActorHub, Kind: DossierEdited}))
			return errors.New("no")
		})
	}
	b.chain(1, 1)
	require.Empty(t, b.broken())
	head, err := b.Head(b.ctx, 1)
	require.NoError(t, err)
	require.Equal(t, int64(2), head.Seq)
}

func TestVerify_ManyChains(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const many = 2*chainsAtOnce + 200
	var facts []Fact
	for chain := range int64(many) {
		for range 2 {
			facts = append(facts, Fact{Chain: chain, Actor: ActorHub, Kind: DossierEdited})
		}
	}
	require.NoError(t, b.Append(b.ctx, facts...))
	chains, entries, err := b.Verify(b.ctx, func(broken *BrokenChain) { t.Error(broken) })
	require.NoError(t, err)
	require.Equal(t, many, chains)
	require.Equal(t, 2*many, entries)

	b.tamper(fmt.Sprintf("update ledger_entries set kind = 'x' where seq = 2 and chain in (0, %d, %d, %d)", chainsAtOnce-1, chainsAtOnce, many-1))
	require.Len(t, b.broken(), 4)
}

// A hub that appends while its ledger is verified breaks nothing.
func TestSnapshot_WhileTheHubWrites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.chain(1, 1)
	entered, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		<-entered
		b.chain(1, 3)
	}()
	err := Snapshot(b.ctx, b.pool, func(q *Queries) error {
		entries, err := q.Entries(b.ctx, 1)
		require.NoError(t, err)
		close(entered)
		<-written
		head, err := q.Head(b.ctx, 1)
		require.NoError(t, err)
		require.NoError(t, CheckChain(1, entries, &head))
		return q.Append(b.ctx, Fact{Chain: 1, Actor: ActorHub, Kind: DossierEdited})
	})
	require.ErrorContains(t, err, "read-only")
}
