package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/internal/verdict"
)

// told is of how many dossiers the story is told.
const told = 5

// pages are what the database has to say of a dossier.
var pages = []struct{ title, query string }{
	{"ledger", `select concat_ws('  ', seq, to_char(at at time zone 'utc', 'HH24:MI:SS.MS'), actor, kind, data) from ledger_entries where chain = $1 order by seq`},
	{"resources", `select concat_ws('  ', kind, key, 'intent', to_char(intent_at at time zone 'utc', 'HH24:MI:SS.MS'),
		'done', to_char(done_at at time zone 'utc', 'HH24:MI:SS.MS'), 'id', external_id, failed_revision, failure) from resources where dossier = $1 order by first_intent_at`},
	{"dossier", `select concat_ws('  ', state, 'revision', revision, 'updated', updated_at, 'fetched', fetch_started_at, 'trashed', trashed_at, 'deleted', deleted_at)
		from dossiers where number = $1`},
	{"deliveries", `select concat_ws('  ', to_char(received_at at time zone 'utc', 'HH24:MI:SS.MS'), state, 'hint', hinted_at, asks, outcome) from deliveries where dossier = $1 order by id`},
	{"jobs", `select concat_ws('  ', id, kind, state, 'attempt', attempt, to_char(created_at, 'HH24:MI:SS.MS'), to_char(attempted_at, 'HH24:MI:SS.MS'),
		to_char(finalized_at, 'HH24:MI:SS.MS'), errors[array_upper(errors, 1)]->>'error') from river_job where (args->>'dossier')::bigint = $1 order by id`},
}

// tell tells what is wrong, and the stories of the dossiers that it is wrong with.
func (w *world) tell(ctx context.Context, o outcome) {
	var numbers []int
	for i, lapse := range o.lapses {
		if i < 100 {
			_, _ = fmt.Fprintln(os.Stderr, lapse)
		}
		if lapse.Dossier != 0 && !slices.Contains(numbers, lapse.Dossier) {
			numbers = append(numbers, lapse.Dossier)
		}
	}
	for _, number := range numbers[:min(told, len(numbers))] {
		w.tellOf(ctx, number, o.lapses)
	}
}

func (w *world) tellOf(ctx context.Context, number int, lapses []verdict.Lapse) {
	dossier, _ := w.set.DS.Dossier(number)
	_, _ = fmt.Fprintf(os.Stderr, "\n=== dossier %d: %s, %s\n", number, dossier.State, dossier.Presence)
	for _, lapse := range lapses {
		if lapse.Dossier == number {
			_, _ = fmt.Fprintln(os.Stderr, lapse)
		}
	}
	_, _ = fmt.Fprintf(os.Stderr, "--- what people did (from %s)\n", w.crowd.begun.UTC().Format("15:04:05.000"))
	for _, deed := range w.crowd.deeds(number) {
		_, _ = fmt.Fprintf(os.Stderr, "%s  %s, visible after %v\n", w.crowd.begun.Add(deed.after).UTC().Format("15:04:05.000"), deed.what, deed.late)
	}
	for _, page := range pages {
		_, _ = fmt.Fprintln(os.Stderr, "--- "+page.title)
		rows, err := w.pool.Query(ctx, page.query, number)
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			continue
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
		}
		for _, line := range lines {
			_, _ = fmt.Fprintln(os.Stderr, line)
		}
	}
}
