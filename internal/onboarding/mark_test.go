package onboarding_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestMarks(t *testing.T) {
	t.Parallel()
	marks := onboarding.NewMarks("a key")
	mark := marks.Mark(42, onboarding.GroupKey)
	require.Regexp(t, `^passerelle:42:[0-9a-f]{32}$`, mark)
	require.True(t, marks.In("Bac à sable\n"+mark+".", 42, onboarding.GroupKey))

	for name, text := range map[string]string{
		"OfAnotherKey":      onboarding.NewMarks("another key").Mark(42, onboarding.GroupKey),
		"OfAnotherDossier":  marks.Mark(43, onboarding.GroupKey),
		"OfAnotherResource": marks.Mark(42, onboarding.ProjectKey),
		"OfAnotherRound":    marks.Mark(42, onboarding.MessageKey(onboarding.MessageAccepted, 2)),
		"CutShort":          mark[:len(mark)-1],
		"Forged":            "passerelle:42:00000000000000000000000000000000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.False(t, marks.In(text, 42, onboarding.GroupKey))
		})
	}
}

// No two resources have one mark: not even those whose keys run into one another.
func TestMarks_AreDistinct(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.Custom(func(t *rapid.T) onboarding.ResourceKey {
			return onboarding.ResourceKey{
				System: rapid.SampledFrom([]onboarding.System{onboarding.InGitLab, onboarding.InDemarches}).Draw(t, "system"),
				Kind:   rapid.SampledFrom([]onboarding.ResourceKind{onboarding.KindGroup, onboarding.KindMessage, onboarding.KindMembers}).Draw(t, "kind"),
				Key:    rapid.SampledFrom([]string{"", "received", "accepted 1", "accepted 11", "owner"}).Draw(t, "key"),
			}
		})
		marks := onboarding.NewMarks("a key")
		a, b := key.Draw(t, "a"), key.Draw(t, "b")
		x, y := rapid.Int64Range(1, 30).Draw(t, "x"), rapid.Int64Range(1, 30).Draw(t, "y")
		require.Equal(t, a == b && x == y, marks.Mark(x, a) == marks.Mark(y, b))
		require.Equal(t, a == b && x == y, marks.In(marks.Mark(x, a), y, b))
	})
}

func TestImport(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for text, want := range map[onboarding.Import]time.Time{
		"": now, "none": now, "all": {}, "from 2026-09-01": time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC),
	} {
		since, err := text.Since(now)
		require.NoError(t, err, text)
		require.True(t, since.Equal(want), text)
	}
	for _, text := range []onboarding.Import{"some", "from", "from yesterday", "from 2026-13-01", "2026-09-01", "from 2026-09-01T00:00:00Z"} {
		_, err := text.Since(now)
		require.ErrorContains(t, err, "from 2026-09-01", text)
	}
}
