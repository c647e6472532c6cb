package verdict

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

// work is what the hub still has to do, but for its rounds: jobs for a dossier or its
// issue, and deliveries that are not answered for.
const work = `select
	(select count(*) from river_job where state not in ('completed', 'cancelled', 'discarded') and args ?| array['dossier', 'issue']) +
	(select count(*) from deliveries where settled_at is null)`

// Left counts what the hub still has to do, but for its rounds.
func Left(ctx context.Context, pool *pgxpool.Pool) (left int, err error) {
	err = pool.QueryRow(ctx, work).Scan(&left)
	return left, err
}

// rules say what must not be found in the hub's database. Each returns a dossier, what
// is loose there, and what it is about.
var rules = []struct {
	what  string
	query string
}{
	{"intent without an outcome", `select r.dossier, r.kind, r.key from resources r where r.intent_at > coalesce(r.done_at, '-infinity')`},
	{"failed for good on what DS says today", `select r.dossier, r.kind, r.key from resources r join dossiers d on d.number = r.dossier
		where r.failed_revision <> 0 and r.failed_revision = d.revision`},
	{"lease still held", `select dossier, '', purpose from leases where until > clock_timestamp()`},
	{"job not done", `select coalesce((args->>'dossier')::bigint, 0), '', concat_ws(' ', kind, state, 'attempt', attempt) from river_job
		where state not in ('completed', 'cancelled', 'discarded') and args ?| array['dossier', 'issue']`},
	{"job failed for good", `select coalesce((args->>'dossier')::bigint, 0), '', concat_ws(' ', kind, state, errors[array_upper(errors, 1)]->>'error')
		from river_job where state in ('cancelled', 'discarded')`},
	{"periodic job not done", `select 0, '', concat_ws(' ', kind, state, 'attempt', attempt) from river_job
		where state not in ('completed', 'cancelled', 'discarded') and not args ?| array['dossier', 'issue']
		and kind not in ('poll_demarche', 'track_issues', 'remind')`},
	{"queue still held", `select 0, queue, concat_ws(' ', author, reason) from queue_holds where until > clock_timestamp() or probes is not null`},
	{"unreadable, or missing in DS's lists", `select number, '', error from unreadable_dossiers
		union all select number, '', 'missing' from dossiers where missing_since is not null and deleted_at is null and trashed_at is null`},
	{"delivery not answered for", `select coalesce(dossier, 0), '', id::text from deliveries where settled_at is null`},
}

type finding struct {
	Dossier int64
	Kind    string
	About   string
}

// Books judges the hub's own database.
func (j *Judge) Books(ctx context.Context, pool *pgxpool.Pool) ([]Lapse, error) {
	var lapses []Lapse
	for _, rule := range rules {
		rows, err := pool.Query(ctx, rule.query)
		if err != nil {
			return nil, fmt.Errorf("look for %q: %w", rule.what, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[finding])
		if err != nil {
			return nil, fmt.Errorf("look for %q: %w", rule.what, err)
		}
		for _, f := range found {
			if !j.excused(rule.what, f) {
				lapses = append(lapses, Lapse{int(f.Dossier), Loose, fmt.Sprintf("%s: %s %s", rule.what, f.Kind, f.About)})
			}
		}
	}
	_, _, err := ledger.New(pool).Verify(ctx, func(broken *ledger.BrokenChain) {
		lapses = append(lapses, Lapse{int(broken.Chain), Loose, broken.Error()})
	})
	if err != nil {
		return nil, fmt.Errorf("verify the ledger: %w", err)
	}
	return lapses, nil
}

// excused says what may stay loose: what cannot be known or written in DS while it hides
// the dossier.
func (j *Judge) excused(what string, f finding) bool {
	switch what {
	case "intent without an outcome", "failed for good on what DS says today":
		dossier, known := j.DS.Dossier(int(f.Dossier))
		toDS := []onboarding.ResourceKind{onboarding.KindMessage, onboarding.KindTransition, onboarding.KindAnnotations, onboarding.KindTag}
		return slices.Contains(toDS, onboarding.ResourceKind(f.Kind)) && known && dossier.Presence != demarches.Present
	case "job failed for good":
		return strings.HasPrefix(f.About, string(onboarding.WriteBack)) && j.EverHidden != nil && j.EverHidden(int(f.Dossier))
	}
	return false
}
