package hub_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// logs keeps what a hub logs.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Nothing that the form says of people, and no secret, is where it is not needed: in
// logs, jobs, the ledger, failures, what the admin API and metrics show, or in answers.
func TestPersonalData(t *testing.T) {
	t.Parallel()
	r := setup(t).lossy()
	logged := &logs{}
	running := r.start(func(o *hubOptions) {
		o.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	// One that goes well, one that fails for good, one that is refused; and in between
	// every kind of trouble that makes a hub talk.
	var answers strings.Builder
	for call, kind := range map[string]fault.Kind{
		postIssue: fault.ResetAfter, postGroup: fault.Hang, postInvitation: fault.StatusAfter, postCommit: fault.Status, postNote: fault.ResetBefore,
	} {
		r.lose(call, fault.Rule{Kind: kind, Times: 1})
	}
	r.lose(sendMessage, fault.Rule{Kind: fault.StatusAfter, Times: 1})
	r.DS.Spoil(demarches.Spoil{Operation: "Dossier", Code: "timeout", Times: 1})
	wrong := demarches.ConsoleAccessAnswers("Portail des agents")
	wrong[demarches.FieldTeam] = tooMany()
	good, bad, refused := r.file("Un projet"), r.fileAnswers(wrong), r.file("Un autre")
	r.settled()
	r.accept(good)
	r.accept(bad)
	r.act(r.DS.StartInstruction(refused))
	r.act(r.DS.Refuse(refused, "Voir avec Dominique Secret, dominique.secret@example.org."))
	r.poll()
	r.settled()
	require.NotEmpty(t, list(r, "select failure from resources where failure <> ''"))

	for name, value := range map[string]string{
		"dossier_id": "sacha.durand@interieur.example", "procedure_id": "Camille Durand", "state": "alex.petit@interieur.example", "updated_at": "Durand",
	} {
		form := hookFor(good, onboarding.Accepte, r.updated(good))
		form.Set(name, value)
		response, err := http.PostForm(base(running)+"/webhooks/demarches/"+r.Secret, form)
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		answers.Write(answer)
	}
	r.hooks += 2 // a state and a date are only remarked on
	r.settled()
	for _, path := range []string{"/jobs?limit=100", "/jobs?state=cancelled", "/jobs?state=alex.petit@interieur.example", fmt.Sprintf("/jobs/%d", count(r, "select max(id) from river_job where kind = 'provision_sandbox'"))} {
		_, answer := r.admin(http.MethodGet, path, "")
		answers.WriteString(strings.ReplaceAll(answer, `alex.petit@interieur.example\" is no state`, "")) // the administrator's own words
	}
	metrics := r.get(base(running) + "/metrics")

	places := map[string]string{
		"logs": logged.String(), "answers": answers.String(), "metrics": metrics,
	}
	for place, sql := range map[string]string{
		"jobs":       "select args::text || metadata::text || coalesce(errors::text, '') from river_job",
		"ledger":     "select data || actor from ledger_entries",
		"resources":  "select r::text from resources r",
		"deliveries": "select d::text from deliveries d",
		"holds":      "select h::text from queue_holds h",
		"the rest":   "select l::text from leases l union all select c::text from cursors c union all select u::text from unreadable_dossiers u",
		// Where the onboarding stands tells the agents' reasons, as the snapshot does.
		"dossier row": "select (to_jsonb(d) - 'snapshot' - 'standing')::text from dossiers d",
	} {
		places[place] = strings.Join(list(r, sql), "\n")
	}
	require.Contains(t, places["logs"], "job done")
	for place, text := range places {
		for _, personal := range []string{
			"@example.org", "interieur.example", "camille", "Camille", "Durand", "alex.petit", "equipier", "Dominique", "Martin",
			r.Secret, r.Admin, r.config.DSToken, r.config.GitLabToken, r.config.MarkKey,
		} {
			require.NotContains(t, text, personal, place)
		}
	}
}
