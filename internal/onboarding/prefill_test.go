package onboarding_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// qualified is a dossier of the form that leads to the other.
func qualified(j *onboarding.Journey, answers map[onboarding.Fact]onboarding.Answer) *onboarding.Dossier {
	d := &onboarding.Dossier{Number: 1001, Demarche: 12346, State: onboarding.Accepte}
	for fact, answer := range answers {
		answer.Champ = j.Demarche(12346).Fields[fact].ID
		d.Answers = append(d.Answers, answer)
	}
	return d
}

func champ(id int) string {
	return "champ_" + base64.RawStdEncoding.EncodeToString(fmt.Appendf(nil, "Champ-%d", id))
}

func TestNextForm(t *testing.T) {
	t.Parallel()
	journey := example(t)
	yes := true
	d := qualified(journey, map[onboarding.Fact]onboarding.Answer{
		onboarding.FactProject:  {Text: "Portail & co = é\n"},
		onboarding.FactMinistry: {Text: "Oui", Checked: &yes},
		onboarding.FactSummary:  {Text: ""},
	})
	address, err := url.Parse(journey.NextForm("https://ds.example.org/", d, "CPN-1001-00000000"))
	require.NoError(t, err)
	require.Equal(t, "https://ds.example.org/commencer/cloud-pi-native", strings.TrimSuffix(address.String(), "?"+address.RawQuery))
	require.Equal(t, url.Values{
		champ(133): {"CPN-1001-00000000"}, champ(103): {"Portail & co = é"}, champ(102): {"true"},
	}, address.Query())

	t.Run("NoNextForm", func(t *testing.T) {
		t.Parallel()
		journey := example(t)
		require.Empty(t, journey.NextForm("https://ds.example.org", &onboarding.Dossier{Demarche: 12345}, "x"))
		require.Empty(t, journey.NextForm("https://ds.example.org", &onboarding.Dossier{Demarche: 1}, "x"))
	})

	t.Run("IDsWithPadding", func(t *testing.T) {
		t.Parallel()
		journey := example(t)
		journey.Demarche(12345).Fields[onboarding.FactReference] = onboarding.Field{ID: "Q2hhbXAtMQ=="} // Champ-1
		address := journey.NextForm("https://ds.example.org", &onboarding.Dossier{Demarche: 12346}, "x")
		require.Equal(t, "https://ds.example.org/commencer/cloud-pi-native?"+champ(1)+"=x", address)
	})

	t.Run("FieldsByLabelAlone", func(t *testing.T) {
		t.Parallel()
		journey := example(t)
		journey.Demarche(12346).Fields[onboarding.FactProject] = onboarding.Field{Label: "Nom du projet"}
		d := &onboarding.Dossier{Demarche: 12346, Answers: []onboarding.Answer{{Label: "Nom du projet", Text: "Portail"}}}
		require.NotContains(t, journey.NextForm("https://ds.example.org", d, "x"), "Portail")
	})
}

// It is never too long, it can be read back, and the reference is always in it. What is
// left out does not fit beside what matters more.
func TestNextForm_Fits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		journey := example(t)
		answers := map[onboarding.Fact]onboarding.Answer{}
		for _, fact := range onboarding.Facts() {
			text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.Map(rapid.IntRange(0, 2500), func(n int) string { return strings.Repeat("é", n) })).Draw(t, string(fact))
			answers[fact] = onboarding.Answer{Text: text}
		}
		reference := onboarding.NewMarks("k").Reference("CPN", rapid.Int64Min(1).Draw(t, "number"))
		text := journey.NextForm("https://www.demarches-simplifiees.example", qualified(journey, answers), reference)
		require.Less(t, len(text), 2000)
		address, err := url.Parse(text)
		require.NoError(t, err)
		values, err := url.ParseQuery(address.RawQuery)
		require.NoError(t, err)
		require.Equal(t, []string{reference}, values[champ(133)])
		if project := answers[onboarding.FactProject].Text; len(project) < 200 && strings.TrimSpace(project) != "" {
			require.Equal(t, []string{strings.TrimSpace(project)}, values[champ(103)])
		}
		require.True(t, strings.HasSuffix(text, reference), "no dot of what was typed ends it")
		for name, value := range values {
			require.Len(t, value, 1, name)
		}
	})
}

func TestTrainingFor(t *testing.T) {
	t.Parallel()
	journey := example(t)
	d := &onboarding.Dossier{Demarche: 12345}
	audiences := func(role string) map[onboarding.TrainingAudience]int {
		d.Answers = []onboarding.Answer{{Champ: journey.Demarche(12345).Fields[onboarding.FactRole].ID, Text: role}}
		count := map[onboarding.TrainingAudience]int{}
		for _, training := range journey.TrainingFor(d, 2) {
			require.Equal(t, 2, training.Step)
			count[training.Audience]++
		}
		return count
	}
	all := map[onboarding.TrainingAudience]int{
		onboarding.TrainingAll: 6, onboarding.TrainingGovernance: 2, onboarding.TrainingPilot: 5, onboarding.TrainingTeam: 6,
	}
	require.Equal(t, map[onboarding.TrainingAudience]int{onboarding.TrainingAll: 6, onboarding.TrainingPilot: 5}, audiences("pilote  moe"))
	require.Equal(t, map[onboarding.TrainingAudience]int{onboarding.TrainingAll: 6, onboarding.TrainingTeam: 6}, audiences("Architecte"))
	require.Equal(t, all, audiences("Dompteur"))
	require.Equal(t, all, audiences(""))
	require.Empty(t, journey.TrainingFor(d, 7))
}
