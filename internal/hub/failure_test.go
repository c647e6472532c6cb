package hub_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// failedJob is the one job that failed for good, as the desk shows it.
func (r *rig) failedJob() jobs.Job {
	r.t.Helper()
	status, answer := r.admin(http.MethodGet, "/jobs?state=cancelled", "")
	require.Equal(r.t, http.StatusOK, status)
	var page struct{ Jobs []jobs.Job }
	require.NoError(r.t, json.Unmarshal([]byte(answer), &page))
	require.Len(r.t, page.Jobs, 1)
	require.True(r.t, page.Jobs[0].Failed)
	require.Len(r.t, page.Jobs[0].Errors, 1, "at once")
	return page.Jobs[0]
}

// tooMany are more addresses than GitLab takes in one call.
func tooMany() string {
	var addresses []string
	for i := range 101 {
		addresses = append(addresses, fmt.Sprintf("equipier.%d@interieur.example", i))
	}
	return strings.Join(addresses, "\n")
}

// What cannot be done fails at once and tells a human what to change; what does not
// depend on it is done, for this dossier and for the others.
func TestFailureForGood(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		wrong, right demarches.Answers
		// What there is when it failed, besides what the other dossier has.
		failed stock
		says   []string
	}{
		"a name of which no path can be made": {
			wrong:  demarches.Answers{demarches.FieldProjectName: "🚀 — !?"},
			right:  demarches.Answers{demarches.FieldProjectName: "Portail des agents"},
			failed: stock{Issues: 1, Notes: 1, Messages: 1},
			says:   []string{"create_group", "no letter or digit", "correct the project's name"},
		},
		"no address at all": {
			wrong:  demarches.Answers{demarches.FieldTeam: "à définir avec Sacha"},
			right:  demarches.Answers{demarches.FieldTeam: "alex.petit@interieur.example sacha.durand@interieur.example"},
			failed: stock{Groups: 1, Projects: 1, Commits: 1, Invitations: 2, Issues: 1, Notes: 1, Messages: 2},
			says:   []string{"invite_members", "no usable address", "correct the addresses"},
		},
		"addresses that GitLab refuses": {
			wrong:  demarches.Answers{demarches.FieldTeam: tooMany()},
			right:  demarches.Answers{demarches.FieldTeam: "alex.petit@interieur.example sacha.durand@interieur.example"},
			failed: stock{Groups: 1, Projects: 1, Commits: 1, Invitations: 2, Issues: 1, Notes: 1, Messages: 2},
			says:   []string{"invite_members", "Too many users specified", "by hand"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.startPolled()
			answers := demarches.ConsoleAccessAnswers("Portail des agents")
			maps.Copy(answers, tt.wrong)
			number, other := r.fileAnswers(answers), r.file("Un autre")
			r.settled()
			r.accept(number)
			r.accept(other)
			want := plus(accepted(1), tt.failed)
			r.sound(want, "provision_sandbox")

			job := r.failedJob()
			require.EqualValues(t, number, job.Dossier)
			note := r.noteOn(r.issueOf(number))
			reason := list(r, "select data::jsonb->>'reason' from ledger_entries where kind = 'action_failed' and chain = $1", number)
			require.Len(t, reason, 1)
			for i, text := range tt.says {
				require.Contains(t, job.Errors[0].Error, text)
				if i > 0 {
					require.Contains(t, reason[0], text)
				}
			}
			require.Contains(t, note, "intervention est nécessaire")
			require.NotContains(t, note, "@")
			require.NotContains(t, r.kinds(other), "action_failed")

			// A look that brings nothing new, and a replay, fail the same once more.
			r.poll()
			r.sound(want, "provision_sandbox")
			r.replayJob(int(job.ID), http.StatusAccepted)
			r.sound(want, "provision_sandbox")
			require.Equal(t, 2, strings.Count(strings.Join(r.kinds(number), " "), "action_failed"))

			// The applicant's correction mends it.
			r.act(r.DS.BackToInstruction(number))
			r.act(r.DS.BackToConstruction(number))
			r.quietly(r.DS.Edit(number, tt.right))
			r.poll()
			r.settled()
			r.accept(number)
			want = accepted(2)
			want.Messages += tt.failed.Messages - 1
			r.sound(want, "provision_sandbox")
			require.NotContains(t, r.noteOn(r.issueOf(number)), "intervention est nécessaire")
		})
	}
}

func plus(a, b stock) stock {
	return stock{
		Groups: a.Groups + b.Groups, Projects: a.Projects + b.Projects, Archived: a.Archived + b.Archived,
		Commits: a.Commits + b.Commits, Invitations: a.Invitations + b.Invitations,
		Issues: a.Issues + b.Issues, Closed: a.Closed + b.Closed, Notes: a.Notes + b.Notes, Messages: a.Messages + b.Messages,
	}
}

// Words that are no addresses are told to the agents. They are no failure beside others
// that are.
func TestUnusableAddresses(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	answers := demarches.ConsoleAccessAnswers("Portail des agents")
	answers[demarches.FieldTeam] = "voir avec Sacha, sacha@, @interieur.example; sacha@interieur alex.petit@interieur.example"
	number := r.fileAnswers(answers)
	r.settled()
	r.accept(number)
	want := accepted(1)
	want.Invitations = 3
	r.sound(want)
	require.Contains(t, r.noteOn(r.issueOf(number)), "inutilisables dans le formulaire\u00a0: 6.")
}

// A replay does what was asked for once its cause is mended.
func TestReplayOnceMended(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.config.GitLabRootGroup = "pas-encore"
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1}, "provision_sandbox")
	job := r.failedJob()
	require.Contains(t, job.Errors[0].Error, "pas-encore does not exist")
	require.Contains(t, job.Errors[0].Error, "PASSERELLE_GITLAB_ROOT_GROUP")
	require.Contains(t, r.noteOn(r.issueOf(number)), "does not exist")

	_, err := r.GitLab.CreateGroup("pas-encore", stage.User)
	r.quietly(err)
	r.replayJob(int(job.ID), http.StatusAccepted)
	r.sound(stock{Issues: 1, Notes: 1, Messages: 2})
	require.NotContains(t, r.noteOn(r.issueOf(number)), "does not exist")
	require.NotEmpty(t, r.GitLab.Files("pas-encore/"+portail+"/bac-a-sable"))
	require.Contains(t, r.kinds(number), "job_replayed")
}
