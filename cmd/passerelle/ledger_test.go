package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

func (c *terminal) chain(number int64, n int) {
	c.t.Helper()
	for i := range n {
		require.NoError(c.t, ledger.New(c.pool).Append(c.ctx, ledger.Fact{
			Chain: number, Actor: ledger.ActorHub, Kind: ledger.DossierEdited, Data: map[string]any{"n": i},
		}))
	}
}

// tamper changes entries as somebody does who owns the tables.
func (c *terminal) tamper(sql string) {
	c.t.Helper()
	c.exec("alter table ledger_entries disable trigger user")
	c.exec("alter table ledger_heads disable trigger user")
	c.exec(sql)
}

func TestLedger_Show(t *testing.T) {
	t.Parallel()
	c := setup(t)
	c.chain(42, 3)
	out := c.does("ledger", "show", "42")
	require.Contains(t, out, "dossier_edited")
	require.Contains(t, out, `{"n":2}`)

	var story struct {
		Entries []struct {
			Seq  int64
			Data map[string]any
		}
		Intact bool
	}
	require.NoError(t, json.Unmarshal([]byte(c.does("ledger", "show", "42", "--json")), &story))
	require.Len(t, story.Entries, 3)
	require.True(t, story.Intact)

	got := c.types("ledger", "show", "43")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "holds nothing of dossier 43")

	c.tamper("update ledger_entries set actor = 'x' where seq = 2")
	got = c.types("ledger", "show", "42")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stdout, "dossier_edited", "what is there is shown all the same")
	require.Contains(t, got.stderr, "chain 42, entry 2")
	got = c.types("ledger", "show", "42", "--json")
	require.Equal(t, 1, got.code)
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &story))
	require.False(t, story.Intact)

	c.exec(`insert into dossiers (number, demarche, state, step, filed_at, updated_at, fetch_started_at, snapshot, fingerprint)
		values (44, 7, 'accepte', 2, now(), now(), now(), '{}', '')`)
	got = c.types("ledger", "show", "44")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "no head", "a known dossier's chain was removed")
}

func TestLedger_Verify(t *testing.T) {
	t.Parallel()
	c := setup(t)
	require.Contains(t, c.does("ledger", "verify"), "intact: 0 chains, 0 entries")
	c.chain(42, 3)
	c.chain(43, 2)
	require.Contains(t, c.does("ledger", "verify"), "intact: 2 chains, 5 entries")
	require.JSONEq(t, `{"chains": 2, "entries": 5, "intact": true}`, c.does("ledger", "verify", "--json"))

	c.tamper("delete from ledger_entries where chain = 43 and seq = 2")
	got := c.types("ledger", "verify")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stdout, "chain 43, entry 2")
	require.Contains(t, got.stderr, "1 of 2 chains are broken")

	got = c.types("ledger", "verify", "--json")
	require.Equal(t, 1, got.code)
	var found verdict
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &found))
	require.Equal(t, int64(43), found.Broken[0].Dossier)
	require.Equal(t, int64(2), found.Broken[0].Entry)
	require.False(t, found.Intact)
}

func TestLedger_Restored(t *testing.T) {
	t.Parallel()
	c := setup(t)
	require.Equal(t, 2, c.types("ledger", "restored").code, "why is asked")
	var before, after time.Time
	const began = "select began_at from installation"
	require.NoError(t, c.pool.QueryRow(c.ctx, began).Scan(&before))
	c.does("ledger", "restored", "--reason", "the disk failed")
	require.NoError(t, c.pool.QueryRow(c.ctx, began).Scan(&after))
	require.True(t, after.After(before))
	out := c.does("ledger", "show", "0")
	require.Contains(t, out, "ledger_restored")
	require.Contains(t, out, "the disk failed")
}
