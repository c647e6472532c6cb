package hub_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// Nothing that agents write to the hub, nor who they are by name, nor what applicants
// write, is where it is not needed: in logs, jobs, the ledger, failures, resources, what
// the admin API and metrics show.
func TestPersonalDataOfDecisions(t *testing.T) {
	t.Parallel()
	r := setup(t).lossy()
	logged := &logs{}
	running := r.start(func(o *hubOptions) {
		o.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	unmet, decided, refused := r.unmet("Projet Confidence"), r.file("Projet Confidence"), r.file("Projet Confidence")
	r.settled()
	// Every call that carries a text meets trouble on its way.
	for call, kind := range map[string]fault.Kind{
		postReply: fault.ResetAfter, postNote: fault.StatusAfter, putNote: fault.Status,
		refuseCall: fault.ResetAfter, acceptCall: fault.StatusAfter, sendMessage: fault.Hang, annotate: fault.Status,
	} {
		r.lose(call, fault.Rule{Kind: kind, Times: 1})
	}
	r.answerTo(decided, r.comments(decided, stage.Reporter, "/passerelle go d’après Dominique Secret"))
	r.orders(unmet, "/passerelle corriger Madame Secret, merci d’appeler secret@example.org.")
	require.NoError(t, r.DS.Edit(unmet, demarches.Answers{demarches.FieldDescription: "Voir Dominique Secret"}))
	r.poll()
	r.settled()
	r.orders(unmet, "/passerelle go Dominique Secret s’y engage.")
	r.orders(decided, "/passerelle bloquer en l’absence de Dominique Secret\n/passerelle blocquer Secret\n/passerelle rattacher Secret")
	r.orders(decided, "/passerelle débloquer Secret\n/passerelle go Secret")
	r.orders(decided, "/passerelle go d’accord avec Secret")
	r.orders(decided, "/passerelle hébergement DEM-2026-SECRET")
	r.orders(refused, "/passerelle no-go Voir avec Dominique Secret, dominique.secret@example.org.")
	require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, r.issueOf(decided).IID, stage.ServiceAgent, "no-go"))
	r.settled()
	// DS refuses for good what it is given, in words that hold it.
	spoilt := r.file("Projet Confidence")
	r.eventually("it has its issue", func() bool {
		return count(r, "select count(*) from resources where dossier = $1 and kind = 'issue' and done_at is not null", spoilt) == 1
	})
	r.settled()
	r.DS.Spoil(demarches.Spoil{Operation: refuseCall, Code: "unauthorized", Times: 1})
	r.comments(spoilt, stage.ServiceAgent, "/passerelle no-go Voir avec Dominique Secret.")
	r.eventually("it failed for good", func() bool {
		return count(r, "select count(*) from resources where dossier = $1 and kind = 'transition' and failure <> ''", spoilt) == 1
	})
	r.settled()
	require.Equal(t, "refuse", r.dossierState(refused))
	require.Contains(t, r.hubNote(refused), "Dominique Secret", "agents are told")

	_, jobs := r.admin(http.MethodGet, "/jobs?limit=100", "")
	places := map[string]string{"logs": logged.String(), "admin API": jobs, "metrics": r.get(base(running) + "/metrics")}
	for place, sql := range map[string]string{
		"jobs":       "select args::text || metadata::text || coalesce(errors::text, '') from river_job",
		"ledger":     "select kind || data || actor from ledger_entries",
		"resources":  "select r::text from resources r",
		"deliveries": "select d::text from deliveries d",
		"holds":      "select h::text from queue_holds h",
		"spells":     "select s::text from spells s",
	} {
		places[place] = strings.Join(list(r, sql), "\n")
	}
	require.Contains(t, places["ledger"], "command_given")
	require.Contains(t, places["ledger"], "hosting_requested")
	for place, text := range places {
		for _, personal := range []string{
			"Secret", "SECRET", "secret@", "Confidence", "@example.org", "interieur.example",
			"Camille", "camille", "dominique", "sacha", stage.ServiceAgent, stage.Reporter, stage.TrackingMaintainer, r.GitLabSecret,
		} {
			require.NotContains(t, text, personal, place)
		}
	}
}
