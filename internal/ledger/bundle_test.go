package ledger

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
)

func TestMain(m *testing.M) { localpgtest.Main(m) }

// testBundle is a database of its own.
type testBundle struct {
	*Queries

	t    *testing.T
	ctx  context.Context
	pool *pgxpool.Pool
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	pool, err := pgxpool.New(ctx, localpgtest.Migrated(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return &testBundle{Queries: New(pool), t: t, ctx: ctx, pool: pool}
}

func (b *testBundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.ctx, sql, args...)
	require.NoError(b.t, err)
}

// tamper changes rows as somebody does who owns the tables.
func (b *testBundle) tamper(statements ...string) {
	b.t.Helper()
	for _, table := range []string{"ledger_entries", "ledger_heads"} {
		b.exec("alter table " + table + " disable trigger user")
	}
	for _, sql := range statements {
		b.exec(sql)
	}
	for _, table := range []string{"ledger_entries", "ledger_heads"} {
		b.exec("alter table " + table + " enable trigger user")
	}
}

// chain appends n facts to a chain, one transaction each.
func (b *testBundle) chain(number int64, n int) {
	b.t.Helper()
	for i := range n {
		require.NoError(b.t, b.Append(b.ctx, Fact{Chain: number, Actor: ActorHub, Kind: DossierEdited, Data: map[string]any{"n": i}}))
	}
}

// dossier stores a dossier that says nothing.
func (b *testBundle) dossier(number int64) {
	b.t.Helper()
	n, err := b.InsertDossier(b.ctx, InsertDossierParams{
		Number: number, Demarche: 7, State: "accepte", Step: 2, FiledAt: time.Now(), UpdatedAt: time.Now(),
		FetchStartedAt: time.Now(), Snapshot: []byte("{}"), Fingerprint: "x",
	})
	require.NoError(b.t, err)
	require.Equal(b.t, int64(1), n)
}

// broken returns what Verify finds.
func (b *testBundle) broken() []BrokenChain {
	b.t.Helper()
	var found []BrokenChain
	_, _, err := b.Verify(b.ctx, func(broken *BrokenChain) { found = append(found, *broken) })
	require.NoError(b.t, err)
	return found
}
