package jobs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Begin decides at the first start from when on each form's dossiers are the hub's. It
// comes before the first webhook: what is decided a moment later counts.
func Begin(ctx context.Context, pool *pgxpool.Pool, journey *onboarding.Journey) error {
	c := &crew{Options: Options{Pool: pool, Journey: journey}}
	for i := range journey.Demarches {
		if _, err := c.importFrom(ctx, ledger.New(pool), journey.Demarches[i].Number); err != nil {
			return err
		}
	}
	return nil
}

// imports remembers, for each form, from when on its dossiers are ours: that is decided
// at the first start and stays.
type imports struct{ known sync.Map }

// importFrom is the date before which what ended is none of ours. It begins the form's
// cursor if there is none.
func (c *crew) importFrom(ctx context.Context, q *ledger.Queries, number int64) (time.Time, error) {
	if from, ok := c.imports.known.Load(number); ok {
		return from.(time.Time), nil //nolint:forcetypeassert // nothing else is stored
	}
	demarche := c.Journey.Demarche(number)
	if demarche == nil {
		return time.Time{}, nil // taken out of the journey; what was begun for it ends
	}
	now, err := q.Now(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", err)
	}
	begin, err := demarche.Import.Since(now)
	if err != nil {
		return time.Time{}, fmt.Errorf("démarche %d: import: %w", number, err)
	}
	if err := q.BeginCursor(ctx, ledger.BeginCursorParams{Demarche: number, Newest: begin}); err != nil {
		return time.Time{}, fmt.Errorf("note from when on démarche %d is read: %w", number, err)
	}
	stored, err := q.ImportFrom(ctx, number)
	if err != nil {
		return time.Time{}, fmt.Errorf("read from when on démarche %d is read: %w", number, err)
	}
	from := time.Time{}
	switch {
	case stored != nil:
		from = *stored
	case strings.HasPrefix(string(demarche.Import), "from "):
		from = begin // begun before the date was kept: the file has it
	}
	c.imports.known.Store(number, from)
	return from, nil
}
