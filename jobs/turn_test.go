package jobs

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	key := turn{42, toAct}

	t.Run("OneAtATime", func(t *testing.T) {
		t.Parallel()
		turns := newTurns()
		var (
			group   sync.WaitGroup
			holders [3]atomic.Int32
			counts  [3]int // not atomic: the race detector watches
		)
		for i := range 300 {
			group.Go(func() {
				dossier := i % len(counts)
				done, ok := turns.take(t.Context(), turn{int64(dossier), toAct}, time.Hour)
				require.True(t, ok)
				defer done()
				require.Equal(t, int32(1), holders[dossier].Add(1))
				counts[dossier]++
				holders[dossier].Add(-1)
			})
		}
		group.Wait()
		require.Equal(t, [3]int{100, 100, 100}, counts)
		require.Empty(t, turns.queues, "nothing is kept of those who left")
	})

	t.Run("OthersNeedNotWait", func(t *testing.T) {
		t.Parallel()
		turns := newTurns()
		for _, other := range []turn{key, {43, toAct}, {42, toRead}} {
			_, ok := turns.take(t.Context(), other, time.Hour)
			require.True(t, ok)
		}
		require.Len(t, turns.queues, 3)
	})

	t.Run("PatienceEnds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			turns, begun := newTurns(), time.Now()
			done, ok := turns.take(t.Context(), key, time.Second)
			require.True(t, ok)
			_, ok = turns.take(t.Context(), key, time.Second)
			require.False(t, ok)
			require.Equal(t, time.Second, time.Since(begun))
			done()
			require.Empty(t, turns.queues)
			done, ok = turns.take(t.Context(), key, time.Second)
			require.True(t, ok)
			done()
		})
	})

	t.Run("TheNextOneGoesAtOnce", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			turns, begun := newTurns(), time.Now()
			done, _ := turns.take(t.Context(), key, time.Second)
			time.AfterFunc(300*time.Millisecond, done)
			next, ok := turns.take(t.Context(), key, time.Second)
			require.True(t, ok)
			require.Equal(t, 300*time.Millisecond, time.Since(begun))
			next()
			require.Empty(t, turns.queues)
		})
	})

	t.Run("WhoIsCancelledLeaves", func(t *testing.T) {
		t.Parallel()
		turns := newTurns()
		done, _ := turns.take(t.Context(), key, time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, ok := turns.take(ctx, key, time.Hour)
		require.False(t, ok)
		done()
		require.Empty(t, turns.queues)
	})
}
