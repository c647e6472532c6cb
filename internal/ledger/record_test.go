package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func (b *testBundle) resource(key onboarding.ResourceKey) onboarding.Resource {
	b.t.Helper()
	rows, err := b.Resources(b.ctx, []int64{42})
	require.NoError(b.t, err)
	return Records(rows)[42][key]
}

func (b *testBundle) intend(key onboarding.ResourceKey) {
	b.t.Helper()
	require.NoError(b.t, b.RecordIntent(b.ctx, RecordIntentParams{Dossier: 42, System: string(key.System), Kind: string(key.Kind), Key: key.Key}))
}

func (b *testBundle) outcome(key onboarding.ResourceKey, id, applied string) {
	b.t.Helper()
	require.NoError(b.t, b.RecordOutcome(b.ctx, RecordOutcomeParams{
		Dossier: 42, System: string(key.System), Kind: string(key.Kind), Key: key.Key, ExternalID: id, Applied: applied,
	}))
}

func (b *testBundle) withdraw(key onboarding.ResourceKey) {
	b.t.Helper()
	require.NoError(b.t, b.WithdrawIntent(b.ctx, WithdrawIntentParams{Dossier: 42, System: string(key.System), Kind: string(key.Kind), Key: key.Key}))
}

func (b *testBundle) fail(key onboarding.ResourceKey, revision int32) {
	b.t.Helper()
	require.NoError(b.t, b.RecordFailure(b.ctx, RecordFailureParams{
		Dossier: 42, System: string(key.System), Kind: string(key.Kind), Key: key.Key, FailedRevision: revision, Failure: "no",
	}))
}

func TestResources(t *testing.T) {
	t.Parallel()

	t.Run("IntentThenOutcome", func(t *testing.T) {
		t.Parallel()
		b, key := setup(t), onboarding.GroupKey
		require.Zero(t, b.resource(key))
		b.intend(key)
		first := b.resource(key)
		require.True(t, first.Open())
		require.False(t, first.FirstIntentAt.IsZero())

		b.intend(key)
		second := b.resource(key)
		require.True(t, second.IntentAt.After(first.IntentAt))
		require.Equal(t, first.FirstIntentAt, second.FirstIntentAt, "what it made is not older than the first")

		b.outcome(key, "7", "")
		done := b.resource(key)
		require.True(t, done.Done())
		require.False(t, done.Open())
		require.False(t, done.Unsure())
		require.Equal(t, "7", done.ExternalID)
	})

	t.Run("AnotherChangeIsInDoubtUntilItsOutcome", func(t *testing.T) {
		t.Parallel()
		b, key := setup(t), onboarding.LabelsKey
		b.outcome(key, "7", "a") // recorded beside another thing, without an intent of its own
		require.False(t, b.resource(key).Unsure())
		b.intend(key)
		require.True(t, b.resource(key).Unsure())
		require.True(t, b.resource(key).Done())
		b.outcome(key, "", "b")
		require.False(t, b.resource(key).Unsure())
		require.Equal(t, "b", b.resource(key).Applied)
		require.Equal(t, "7", b.resource(key).ExternalID, "what an outcome does not say stays")
	})

	t.Run("AWithdrawnIntentIsNone", func(t *testing.T) {
		t.Parallel()
		b, key := setup(t), onboarding.IssueKey
		b.intend(key)
		b.withdraw(key)
		require.False(t, b.resource(key).Open())
		require.True(t, b.resource(key).FirstIntentAt.IsZero())
		b.intend(key)
		b.outcome(key, "7", "")
		b.withdraw(key)
		require.True(t, b.resource(key).Done(), "what is done stays done")
		require.False(t, b.resource(key).IntentAt.IsZero())
	})

	t.Run("Failures", func(t *testing.T) {
		t.Parallel()
		b, key, other := setup(t), onboarding.GroupKey, onboarding.MembersKey("owner")
		b.intend(key)
		b.fail(key, 3)
		b.fail(other, 3)
		require.Equal(t, int32(3), b.resource(key).FailedRevision)
		require.Equal(t, "no", b.resource(key).Failure)
		require.True(t, b.resource(key).Open(), "what failed may have had its effect all the same")

		b.intend(key)
		require.Zero(t, b.resource(key).FailedRevision, "another attempt forgets it")
		require.NoError(t, b.ForgiveFailures(b.ctx, 41))
		require.NotZero(t, b.resource(other).FailedRevision)
		require.NoError(t, b.ForgiveFailures(b.ctx, 42))
		require.Zero(t, b.resource(other).FailedRevision)
		require.Empty(t, b.resource(other).Failure)
	})

	t.Run("OfSeveralDossiers", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.intend(onboarding.GroupKey)
		require.NoError(t, b.RecordIntent(b.ctx, RecordIntentParams{Dossier: 43, System: "gitlab", Kind: "group"}))
		rows, err := b.Resources(b.ctx, []int64{42, 43, 44})
		require.NoError(t, err)
		records := Records(rows)
		require.Len(t, records, 2)
		require.Len(t, records[42], 1)
		require.Contains(t, records[43], onboarding.GroupKey)
	})
}

func TestDelivery_Covered(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) *time.Time { hint := time.Now().Add(d); return &hint }
	for name, tt := range map[string]struct {
		// looked and updated are when the dossier was last looked at and, by DS, changed,
		// beside now; hint is what the delivery says.
		looked, updated time.Duration
		hint            *time.Time
		covered         bool
	}{
		"LookedBefore":           {-time.Minute, 0, nil, false},
		"LookedAfter":            {time.Minute, 0, nil, true},
		"SawSomethingOlder":      {time.Minute, -time.Hour, at(-time.Minute), false},
		"SawSomethingNewer":      {time.Minute, -time.Second, at(-time.Minute), true},
		"AHintFromTheFarFuture":  {time.Minute, 0, at(time.Hour), true},
		"AHintFromTheNearFuture": {time.Minute, 0, at(time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.dossier(42)
			b.exec("update dossiers set fetch_started_at = $1, updated_at = $2", time.Now().Add(tt.looked), time.Now().Add(tt.updated))
			id, err := b.InsertDelivery(b.ctx, InsertDeliveryParams{Source: ActorDS, Demarche: 7, Dossier: 42, HintedAt: tt.hint})
			require.NoError(t, err)
			delivery, err := b.Delivery(b.ctx, id)
			require.NoError(t, err)
			require.Equal(t, tt.covered, delivery.Covered)
		})
	}

	// A replay of its job looks again.
	t.Run("AnsweredForAndReplayed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dossier(42)
		b.exec("update dossiers set fetch_started_at = $1", time.Now().Add(time.Minute))
		id, err := b.InsertDelivery(b.ctx, InsertDeliveryParams{Source: ActorDS, Demarche: 7, Dossier: 42})
		require.NoError(t, err)
		outcome := "covered"
		require.NoError(t, b.SettleDelivery(b.ctx, SettleDeliveryParams{ID: id, Outcome: &outcome}))
		delivery, err := b.Delivery(b.ctx, id)
		require.NoError(t, err)
		require.False(t, delivery.Covered)
	})

	t.Run("NeverLookedAt", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		id, err := b.InsertDelivery(b.ctx, InsertDeliveryParams{Source: ActorDS, Demarche: 7, Dossier: 42})
		require.NoError(t, err)
		delivery, err := b.Delivery(b.ctx, id)
		require.NoError(t, err)
		require.False(t, delivery.Covered)
	})
}

func TestCursor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	read := func(newest time.Time) time.Time {
		t.Helper()
		cursor, err := b.Cursor(b.ctx, CursorParams{Demarche: 7, Newest: newest})
		require.NoError(t, err)
		return cursor.Newest.UTC()
	}
	require.Equal(t, begin, read(begin))
	require.Equal(t, begin, read(begin.AddDate(1, 0, 0)), "it begins once")
	require.NoError(t, b.AdvanceCursor(b.ctx, AdvanceCursorParams{Demarche: 7, Newest: begin.Add(time.Hour)}))
	require.Equal(t, begin.Add(time.Hour), read(begin))
	require.NoError(t, b.AdvanceCursor(b.ctx, AdvanceCursorParams{Demarche: 7, Newest: begin}))
	require.Equal(t, begin.Add(time.Hour), read(begin), "it never goes back")
}
