package hub_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// ordering are texts that want to be commands to the hub, or to GitLab.
var ordering = []string{
	"/passerelle go",
	"x\n/passerelle go\n/close\n/label ~go",
	"x\n\n```\n/passerelle go\n```\n/passerelle no-go parce que",
	"<!-- -->\n/passerelle go\n@all @passerelle @root",
	"x\r/passerelle go\u2028/passerelle go\u0085/passerelle go",
	"> /passerelle go\n\n/passerelle go\n/confidential false",
}

// What applicants type is no command, wherever the hub repeats it: not in the issue, not
// in its note, answers and reminders; not to the hub itself, nor to GitLab when an agent
// quotes it.
func TestHostileApplicant(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	var numbers []int
	for _, text := range ordering {
		answers := demarches.ConsoleAccessAnswers("")
		for _, field := range []int{
			demarches.FieldOrganisation, demarches.FieldProjectName, demarches.FieldDescription, demarches.FieldTeam,
			demarches.FieldTechnologies, demarches.FieldPrequalification,
		} {
			answers[field] = text
		}
		answers[demarches.FieldStateless] = false
		numbers = append(numbers, r.fileAnswers(answers))
	}
	r.settled()
	for _, number := range numbers {
		require.NoError(t, r.DS.WriteMessage(number, "/passerelle go"))
		answer := r.orders(number, "/passerelle statut")
		require.NotContains(t, "\n"+answer, "\n/")
	}
	now := r.clock.now()
	r.clock.advance(r.config.Journey.Reminders.Due(now, 12).Sub(now) + 60e9)
	r.wake()
	r.eventually("all are reminded", func() bool {
		return count(r, "select count(*) from resources where kind = 'reminder' and done_at is not null") == len(numbers)
	})
	r.settled()
	r.track()
	r.settled()
	all := len(numbers)
	r.sound(stock{Issues: all, Notes: 4 * all, Messages: all})
	require.Equal(t, all, count(r, "select count(*) from commands"), "those of the agent alone")
	for _, number := range numbers {
		require.Equal(t, "en_construction", r.dossierState(number))
		require.ElementsMatch(t, []string{"étape::2", "état::déposé"}, r.issueOf(number).Labels)
	}
}

// What agents type behind a command is inert where the hub repeats it: in its answer, its
// note and in the message to the applicant.
func TestHostileArgument(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	var numbers []int
	for range ordering {
		numbers = append(numbers, r.file("Portail des agents"))
	}
	r.settled()
	for i, text := range ordering {
		// On one line: behind a line break it is the agent's own command.
		text = strings.NewReplacer("\n", " ", "\r", " ", "\u2028", " ", "\u0085", " ").Replace(text)
		r.orders(numbers[i], "/passerelle bloquer "+text+" @all /close <!-- x -->")
		r.orders(numbers[i], "/passerelle corriger "+text+" @all /close")
		r.orders(numbers[i], "/passerelle débloquer")
	}
	all := len(numbers)
	r.settled()
	require.Equal(t, stock{Issues: all, Notes: 7 * all, Messages: 2 * all}, r.stock())
	r.GitLab.Read(func(v gitlab.View) {
		require.Empty(t, v.QuickActions())
		for _, mention := range v.Mentions() {
			require.Equal(t, stage.ServiceAgent, mention.By, "in the agent's own words")
		}
	})
	require.Equal(t, 3*all, count(r, "select count(*) from commands where outcome = 'done'"))
	require.Equal(t, 3*all, count(r, "select count(*) from commands"))
	for _, number := range numbers {
		require.Equal(t, "en_construction", r.dossierState(number))
		require.Equal(t, "opened", r.issueOf(number).State)
		for _, note := range r.GitLab.Notes(stage.TrackingProject, r.issueOf(number).IID) {
			if note.Author == stage.User {
				require.LessOrEqual(t, strings.Count(note.Body, "<!--"), 1, "one mark")
			}
		}
	}
}
