package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/verdict"
)

// print prints what happened, as a table.
func (w *world) print(o outcome) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(name string, values ...any) {
		_, _ = fmt.Fprint(table, name, "\t", fmt.Sprintln(values...))
	}
	post := w.relay.counts()
	row("seed", w.seed)
	row("dossiers", len(w.crowd.numbers))
	row("webhooks sent", post.sent)
	row("  lost on the way", post.lost)
	row("  doubled", post.doubled)
	row("  not taken by any hub", post.refused)
	ds, gitlab, sum := w.set.DS.Faults().Fired(), w.set.GitLab.Faults().Fired(), 0
	for _, kind := range fault.Kinds {
		row("faults, "+string(kind), ds[kind]+gitlab[kind])
		sum += ds[kind] + gitlab[kind]
	}
	requests := w.requests()
	row("faults, all", fmt.Sprintf("%d (%.1f %% of requests)", sum, 100*float64(sum)/float64(max(requests, 1))))
	kills, exits := 0, 0
	for _, hub := range w.hubs {
		hub.mu.Lock()
		kills, exits = kills+hub.kills, exits+hub.exits
		hub.mu.Unlock()
	}
	row("hubs killed", kills)
	row("hubs that ended by themselves", exits)
	row("database restarts", w.restarts)
	for _, harm := range harms {
		row("database link "+harm.name, w.harmed[harm.name])
	}
	row("requests", requests)
	row("resources", fmt.Sprintf("%d (%d groups, %d projects, %d issues, %d notes, %d messages)",
		o.stock.Total(), o.stock.Groups, o.stock.Projects, o.stock.Issues, o.stock.Notes, o.stock.Messages))
	found := map[verdict.Kind]int{}
	for _, lapse := range o.lapses {
		found[lapse.Kind]++
	}
	row("duplicates", found[verdict.Doubled])
	row("missing", found[verdict.Missing])
	row("wrong", found[verdict.Wrong])
	row("loose ends in the database", found[verdict.Loose])
	row("left to do", o.left)
	row("time to quiescence", o.took.Round(100*time.Millisecond))
	_ = table.Flush()
}
