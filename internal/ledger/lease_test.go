package ledger

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// take reports whether the lease was had.
func (b *testBundle) take(purpose string, owner uuid.UUID, queue string) bool {
	b.t.Helper()
	_, err := b.TakeLease(b.ctx, TakeLeaseParams{Dossier: 42, Purpose: purpose, Owner: owner, Term: time.Minute, Queue: queue})
	if err != nil {
		require.ErrorIs(b.t, err, pgx.ErrNoRows)
	}
	return err == nil
}

func (b *testBundle) leased(owner uuid.UUID) bool {
	b.t.Helper()
	row, err := b.LockDossier(b.ctx, LockDossierParams{Number: 42, Purpose: "act", Owner: owner})
	require.NoError(b.t, err)
	return row.Leased
}

func TestLease(t *testing.T) {
	t.Parallel()
	anne, jean := uuid.New(), uuid.New()

	t.Run("OneOwnerAtATime", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dossier(42)
		require.True(t, b.take("act", anne, "gitlab"))
		require.False(t, b.take("act", jean, "gitlab"))
		require.True(t, b.take("act", anne, "gitlab"), "it is hers already")
		require.True(t, b.take("read", jean, "gitlab"), "to read is another thing")
		require.True(t, b.leased(anne))
		require.False(t, b.leased(jean))
	})

	t.Run("GivenBack", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		require.True(t, b.take("act", anne, "gitlab"))
		require.NoError(t, b.DropLease(b.ctx, DropLeaseParams{Dossier: 42, Purpose: "act", Owner: jean}))
		require.False(t, b.take("act", jean, "gitlab"), "nobody gives back what is another's")
		require.NoError(t, b.DropLease(b.ctx, DropLeaseParams{Dossier: 42, Purpose: "act", Owner: anne}))
		require.True(t, b.take("act", jean, "gitlab"))
	})

	t.Run("RunOut", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dossier(42)
		require.True(t, b.take("act", anne, "gitlab"))
		b.exec("update leases set until = clock_timestamp() - interval '1 second'")
		require.False(t, b.leased(anne))
		require.True(t, b.take("act", jean, "gitlab"))
		require.False(t, b.take("act", anne, "gitlab"))
	})

	t.Run("NoneWhileTheQueueIsHeld", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		hold := func(author string, pause time.Duration) HoldRow {
			held, err := b.Hold(b.ctx, HoldParams{Queue: "gitlab", Author: author, Reason: "quota of " + author, Pause: pause})
			require.NoError(t, err)
			return held
		}
		first := hold("hub", time.Minute)
		require.True(t, first.Begun)
		require.False(t, b.take("act", anne, "gitlab"))
		require.True(t, b.take("act", anne, "demarches"))

		require.Equal(t, HoldRow{Until: first.Until}, hold("hub", time.Second), "a hold is only ever prolonged")
		longer := hold("hub", time.Hour)
		require.False(t, longer.Begun, "the same hold")
		require.True(t, longer.Until.After(first.Until))
		require.True(t, hold("admin", time.Hour).Begun)
		held, err := b.Holds(b.ctx, "gitlab")
		require.NoError(t, err)
		require.Len(t, held, 2)

		b.exec("update queue_holds set until = clock_timestamp() - interval '1 second'")
		held, err = b.Holds(b.ctx, "gitlab")
		require.NoError(t, err)
		require.Empty(t, held)
		require.True(t, b.take("act", anne, "gitlab"))
		require.True(t, hold("hub", time.Minute).Begun, "another hold")
	})

	// An outage holds beyond its time, but for the one job that probes.
	t.Run("OneProbeOfAnOutage", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		begin := func() int64 {
			n, err := b.HoldForOutage(b.ctx, HoldForOutageParams{Queue: "gitlab", Author: AuthorOutage, Reason: "down", Pause: time.Hour})
			require.NoError(t, err)
			return n
		}
		claim := func() error {
			_, err := b.ClaimProbe(b.ctx, ClaimProbeParams{Queue: "gitlab", Author: AuthorOutage, Term: time.Hour})
			return err
		}
		require.Equal(t, int64(1), begin())
		require.Zero(t, begin(), "the second to notice changes nothing")
		require.ErrorIs(t, claim(), pgx.ErrNoRows, "not before its time")
		b.exec("update queue_holds set until = clock_timestamp() - interval '1 second'")
		require.False(t, b.take("act", anne, "gitlab"))
		require.NoError(t, claim())
		require.ErrorIs(t, claim(), pgx.ErrNoRows, "one at a time")
		require.False(t, b.take("act", anne, "gitlab"))
		_, err := b.TakeLease(b.ctx, TakeLeaseParams{Dossier: 42, Purpose: "act", Owner: anne, Term: time.Minute, Queue: "gitlab", Probing: true})
		require.NoError(t, err)

		require.NoError(t, b.ProbeFailed(b.ctx, ProbeFailedParams{Queue: "gitlab", Author: AuthorOutage, Reason: "still down", Pause: time.Hour}))
		held, err := b.Holds(b.ctx, "gitlab")
		require.NoError(t, err)
		require.EqualValues(t, 1, *held[0].Probes)
		require.Equal(t, "still down", held[0].Reason)

		require.NoError(t, b.SetHold(b.ctx, SetHoldParams{Queue: "gitlab", Author: "admin:anne", Reason: "upgrade", Until: time.Now().Add(time.Hour)}))
		ended, err := b.EndOutage(b.ctx, EndOutageParams{Queue: "gitlab", Author: AuthorOutage})
		require.NoError(t, err)
		require.Equal(t, int64(1), ended)
		_, err = b.TakeLease(b.ctx, TakeLeaseParams{Dossier: 43, Purpose: "act", Owner: anne, Term: time.Minute, Queue: "gitlab", Probing: true})
		require.ErrorIs(t, err, pgx.ErrNoRows, "an administrator's hold holds probes too")
	})

	// Of many that want it at once, one has it.
	t.Run("Race", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		const many = 16
		got := make(chan bool, many)
		for range many {
			go func() {
				_, err := b.TakeLease(b.ctx, TakeLeaseParams{Dossier: 42, Purpose: "act", Owner: uuid.New(), Term: time.Minute, Queue: "gitlab"})
				got <- err == nil
			}()
		}
		had := 0
		for range many {
			if <-got {
				had++
			}
		}
		require.Equal(t, 1, had)
	})
}
