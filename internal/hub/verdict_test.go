package hub_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/internal/verdict"
)

// The verdict that model and soak rely on finds what they are there to find.
func TestVerdict(t *testing.T) {
	t.Parallel()
	sql := func(text string) func(*rig, int, int) error {
		return func(r *rig, _, _ int) error { r.exec(text); return nil }
	}
	for want, tamper := range map[string]func(r *rig, accepted, turnedDown int) error{
		"": func(*rig, int, int) error { return nil },
		"doubled: tracking issue: 2 of them": func(r *rig, accepted, _ int) error {
			_, err := r.GitLab.OpenIssue(stage.TrackingProject, stage.User, "twice", r.issueOf(accepted).Description)
			return err
		},
		"doubled: note of the hub: 2 of them": func(r *rig, accepted, _ int) error {
			issue := r.issueOf(accepted)
			return r.GitLab.Comment(stage.TrackingProject, issue.IID, stage.User, r.hubNote(accepted))
		},
		`doubled: 2 messages "accepted 1"`: func(r *rig, accepted, _ int) error {
			sent := r.messages(accepted)
			return r.DS.WriteMessage(accepted, sent[len(sent)-1].Body, demarches.As(stage.Agent))
		},
		"wrong: a message that no decision called for": func(r *rig, accepted, _ int) error {
			return r.DS.WriteMessage(accepted, "Bonjour", demarches.As(stage.Agent))
		},
		"missing: no tracking issue": func(r *rig, accepted, _ int) error {
			return r.GitLab.DeleteIssue(stage.TrackingProject, r.issueOf(accepted).IID, stage.User)
		},
		`missing: no message "accepted 2"`: func(r *rig, accepted, _ int) error {
			r.quietly(r.DS.BackToInstruction(accepted, demarches.WithoutWebhook()))
			return r.DS.Accept(accepted, "", demarches.WithoutWebhook())
		},
		"wrong: the sandbox is archived": func(r *rig, accepted, _ int) error {
			return r.GitLab.ArchiveProject(r.groupOf(accepted)+"/bac-a-sable", stage.User, true)
		},
		"wrong: the sandbox is not archived": func(r *rig, _, turnedDown int) error {
			return r.GitLab.ArchiveProject(r.groupOf(turnedDown)+"/bac-a-sable", stage.User, false)
		},
		"wrong: the tracking issue is opened": func(r *rig, _, turnedDown int) error {
			return r.GitLab.ReopenIssue(stage.TrackingProject, r.issueOf(turnedDown).IID, stage.User)
		},
		"wrong: the tracking issue's labels": func(r *rig, accepted, _ int) error {
			return r.GitLab.SetLabels(stage.TrackingProject, r.issueOf(accepted).IID, stage.User, "étape::3", "état::accepté")
		},
		"doubled: answer to note": func(r *rig, accepted, _ int) error {
			key := list(r, "select key from resources where kind = 'answer'")[0]
			return r.GitLab.Comment(stage.TrackingProject, r.issueOf(accepted).IID, stage.User, r.answersOn(accepted, key))
		},
		"missing: no answer to note": func(r *rig, accepted, _ int) error {
			return r.GitLab.Comment(stage.TrackingProject, r.issueOf(accepted).IID, stage.ServiceAgent, "/passerelle statut")
		},
		"missing: what was decided in GitLab is not done in DS": func(r *rig, accepted, _ int) error {
			r.start()
			number := r.file("Un troisième")
			r.eventually("it has its issue", func() bool {
				return count(r, "select count(*) from resources where dossier = $1 and kind = 'note' and done_at is not null", number) == 1
			})
			r.DS.Spoil(demarches.Spoil{Operation: acceptCall, Code: "unauthorized", Times: 1})
			r.answers(number, fmt.Sprintf("note %d", r.comments(number, stage.ServiceAgent, "/passerelle go")))
			r.eventually("it is refused for good", func() bool {
				return count(r, "select count(*) from resources where kind = 'transition' and failure <> ''") == 1
			})
			r.settled()
			return nil
		},
		"belongs to no dossier": func(r *rig, _, _ int) error {
			_, err := r.GitLab.CreateGroup(stage.RootGroup+"/autre", stage.User)
			return err
		},
		"loose: intent without an outcome": sql("update resources set done_at = null where kind = 'issue'"),
		"loose: failed for good on what": sql(`update resources set failed_revision = d.revision, failure = 'no'
			from dossiers d where number = dossier and kind = 'group'`),
		"loose: job failed for good": sql(`update river_job set state = 'cancelled' where kind = 'provision_sandbox'`),
		"loose: lease still held": sql(`insert into leases (dossier, purpose, owner, until)
			select number, 'act', gen_random_uuid(), clock_timestamp() + interval '1 hour' from dossiers`),
		"loose: delivery not answered for": sql("update deliveries set settled_at = null"),
		"entry 2":                          sql("alter table ledger_entries disable trigger all; delete from ledger_entries where seq = 2"),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			hub := r.startPolled()
			accepted, turnedDown := r.file("Portail des agents"), r.file("Un autre")
			r.settled()
			r.accept(accepted)
			r.accept(turnedDown)
			r.settled()
			r.orders(accepted, "/passerelle bloquer en attente du budget")
			r.turnDown(turnedDown)
			r.settled()
			require.NoError(t, hub.Stop())
			require.NoError(t, tamper(r, accepted, turnedDown))

			judge := verdict.Judge{DS: r.DS, GitLab: r.GitLab, Journey: r.config.Journey, Marks: onboarding.NewMarks(r.config.MarkKey)}
			stock, lapses := judge.Services()
			loose, err := judge.Books(r.ctx, r.pool)
			require.NoError(t, err)
			lapses = append(lapses, loose...)
			if want == "" {
				require.Empty(t, lapses)
				require.Equal(t, verdict.Stock{Groups: 2, Projects: 2, Issues: 2, Notes: 2, Messages: 5}, stock)
				return
			}
			require.NotEmpty(t, lapses)
			require.Contains(t, lapses[0].String(), want)
		})
	}
}
