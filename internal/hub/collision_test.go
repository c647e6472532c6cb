package hub_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// The path and the name of the group of ConsoleAccessAnswers("Portail des agents").
const (
	portail      = "direction-du-numerique-portail-des-agents"
	portailGroup = "Direction du numérique - Portail des agents"
)

// stranger puts a group of somebody else's below the root group.
func (r *rig) stranger(path, name, description string) {
	r.t.Helper()
	token := r.GitLab.AddUser("stranger", true)
	var root int
	for _, group := range r.GitLab.Groups() {
		if group.FullPath == stage.RootGroup {
			root = group.ID
		}
	}
	body, err := json.Marshal(map[string]any{
		"parent_id": root, "path": path, "name": name, "description": description, "visibility": gitlab.Private,
	})
	require.NoError(r.t, err)
	request, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.GitLabURL+"/api/v4/groups", bytes.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("PRIVATE-TOKEN", token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	require.Equal(r.t, http.StatusCreated, response.StatusCode)
}

func (r *rig) mark(number int, key onboarding.ResourceKey) string {
	return onboarding.NewMarks(r.config.MarkKey).Mark(int64(number), key)
}

// The first dossier's number, which is known before it is filed.
const firstNumber = 1001

// Where somebody else's group stands, the path gets the dossier's number, and what
// stands there is not touched.
func TestCollision(t *testing.T) {
	t.Parallel()
	for name, occupy := range map[string]func(*rig){
		"path":          func(r *rig) { r.stranger(portail, "Tout autre chose", "à nous") },
		"name":          func(r *rig) { r.stranger("tout-autre-chose", portailGroup, "à nous") },
		"path and name": func(r *rig) { r.stranger(portail, portailGroup, "") },
		"not a group, so that it cannot be seen": func(r *rig) {
			_, err := r.GitLab.CreateProject(stage.RootGroup+"/"+portail, "root")
			r.quietly(err)
		},
		"mark of another dossier": func(r *rig) {
			r.stranger(portail, "x", "Bac à sable. "+r.mark(firstNumber+1, onboarding.GroupKey))
		},
		"mark of another resource": func(r *rig) {
			r.stranger(portail, "x", r.mark(firstNumber, onboarding.ProjectKey))
		},
		"mark made up": func(r *rig) {
			r.stranger(portail, "x", "passerelle:1001:"+strings.Repeat("0", 32))
		},
		"mark cut short": func(r *rig) {
			mark := r.mark(firstNumber, onboarding.GroupKey)
			r.stranger(portail, "x", mark[:len(mark)-1])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			occupy(r)
			occupied := r.stock()
			groups := r.GitLab.Groups()
			r.start()
			number := r.file("Portail des agents")
			r.settled()
			r.accept(number)
			want := accepted(1)
			want.Groups += occupied.Groups
			want.Projects += occupied.Projects
			r.sound(want)

			require.Equal(t, "embarquement/"+portail+"-1001", r.groupOf(number))
			require.Equal(t, groups, r.GitLab.Groups()[:len(groups)], "what was there is as it was")
			require.Contains(t, r.messages(number)[1].Body, portail+"-1001/bac-a-sable")
		})
	}
}

// Where both paths are taken there is nothing that the hub may do.
func TestCollisionTwice(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.stranger(portail, "x", "")
	r.stranger(portail+"-1001", "y", "")
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(stock{Groups: 2, Issues: 1, Notes: 1, Messages: 1}, "provision_sandbox")
	require.Contains(t, r.noteOn(r.issueOf(number)), "somebody else")

	require.NoError(t, r.GitLab.MoveGroup(stage.RootGroup+"/"+portail, "stranger", "ailleurs"))
	r.replay("provision_sandbox", http.StatusAccepted)
	want := accepted(1)
	want.Groups = 3
	r.sound(want)
	require.NotContains(t, r.noteOn(r.issueOf(number)), "somebody else")
}

// What stands where the sandbox belongs, in the dossier's own group, is not touched either.
func TestProjectCollision(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.stranger(portail, "x", r.mark(firstNumber, onboarding.GroupKey))
	_, err := r.GitLab.CreateProject(stage.RootGroup+"/"+portail+"/bac-a-sable", "stranger")
	r.quietly(err)
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(stock{Groups: 1, Projects: 1, Issues: 1, Notes: 1, Messages: 1}, "provision_sandbox")
	require.Contains(t, r.noteOn(r.issueOf(number)), "a project that is not ours stands at")
}

// What somebody wrote on the issue in the hub's name is not the hub's note.
func TestNoteBesideOurs(t *testing.T) {
	t.Parallel()
	r := setup(t).lossy()
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	issue, reminder := r.issueOf(number), "Rappeler l’équipe avant vendredi."
	r.quietly(r.GitLab.Comment(stage.TrackingProject, issue.IID, stage.User, reminder))
	r.lose(postNote, fault.Rule{Kind: fault.ResetBefore, Times: 1})
	r.accept(number)
	want := accepted(1)
	want.Notes = 2
	r.sound(want)
	require.True(t, slices.ContainsFunc(r.GitLab.Notes(stage.TrackingProject, issue.IID), func(n gitlab.Note) bool { return n.Body == reminder }), "it is as it was")
}

// What bears our mark is ours, though the ledger knows nothing of it.
func TestAdoption(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.stranger(portail, "Sous un autre nom", "Groupe. "+r.mark(firstNumber, onboarding.GroupKey))
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(accepted(1))
	require.Equal(t, "embarquement/"+portail, r.groupOf(number))
	require.Equal(t, []string{"true"}, list(r, "select data::jsonb->>'adopted' from ledger_entries where kind = 'group_created'"))
}

// After the ledger was lost, the marks alone lead back to everything: a new ledger
// makes nothing again, and says nothing twice to the applicant.
func TestLostLedger(t *testing.T) {
	t.Parallel()
	r := setup(t)
	before := r.start()
	number, refused := r.file("Portail des agents"), r.file("Un projet refusé")
	r.settled()
	r.accept(number)
	r.accept(refused)
	r.settled()
	r.turnDown(refused)
	r.settled()
	want := r.stock()
	require.Equal(t, stock{Groups: 2, Projects: 2, Archived: 1, Commits: 2, Invitations: 8, Issues: 2, Closed: 1, Notes: 2, Messages: 5}, want)
	require.NoError(t, before.Stop())

	later := r.anew()
	later.config.Journey.Demarches[0].Import = onboarding.ImportAll
	later.startPolled()
	later.sound(want)
	// The note may be written again when more of what there is was found.
	adopted := `select distinct data::jsonb->>'adopted' from ledger_entries e where chain = $1 and data::jsonb ? 'adopted'
		and (kind <> 'note_written' or seq = (select min(seq) from ledger_entries n where n.chain = e.chain and n.kind = e.kind))`
	require.Equal(t, []string{"true"}, list(later, adopted, number))

	later.act(later.DS.BackToInstruction(refused))
	later.act(later.DS.Accept(refused, ""))
	want.Archived, want.Closed, want.Messages = 0, 0, want.Messages+1
	later.sound(want)
}

// An applicant who has learnt a mark and types it gains nothing by it: neither their
// own group, nor their own issue, is taken for the other dossier's.
func TestForgedMarks(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.CallTimeout = 2 * time.Second // a call that is only slow leads to an adoption, too
	r.start()
	victim := firstNumber + 1
	answers := demarches.ConsoleAccessAnswers(r.mark(victim, onboarding.GroupKey))
	answers[demarches.FieldDescription] = "<!-- " + r.mark(victim, onboarding.IssueKey) + " -->\n\n" + r.mark(victim, onboarding.NoteKey)
	forger := r.fileAnswers(answers)
	r.settled()
	r.quietly(r.DS.WriteMessage(forger, r.mark(victim, onboarding.MessageKey(onboarding.MessageReceived, 0))))
	r.accept(forger)
	r.settled()

	// The victim's project has the same name, and its calls all fail once before
	// their effect, so that the hub looks for what they may have made.
	r.DS.Faults().Add(fault.Rule{Operation: "SendMessage", Kind: fault.ResetBefore, Times: 1})
	for _, operation := range []string{"POST /groups", "POST /projects", "POST /projects/:id/issues", "POST /projects/:id/issues/:iid/notes"} {
		r.GitLab.Faults().Add(fault.Rule{Operation: operation, Kind: fault.ResetBefore, Times: 1})
	}
	require.Equal(t, victim, r.fileAnswers(demarches.ConsoleAccessAnswers(r.mark(victim, onboarding.GroupKey))))
	r.settled()
	r.accept(victim)
	r.sound(accepted(2))
	require.NotEqual(t, r.groupOf(forger), r.groupOf(victim))
	require.NotEqual(t, r.issueOf(forger).IID, r.issueOf(victim).IID)
	require.Equal(t, 4, r.GitLab.Faults().Fired()[fault.ResetBefore])
	require.Empty(t, r.differences())
	require.NotContains(t, list(r, "select coalesce(data::jsonb->>'adopted', '') from ledger_entries"), "true")
}
