package onboarding_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/onboarding/texts"
)

// Another programme's journey needs another file and nothing else.
func TestAnotherJourney(t *testing.T) {
	t.Parallel()
	journey, err := config.LoadJourney("testdata/other.yaml")
	require.NoError(t, err)
	_, err = texts.New(journey, onboarding.NewMarks("k"), texts.Site{DSURL: "https://ds.example.org"})
	require.NoError(t, err)
	require.Len(t, journey.Steps, 3)
	require.Equal(t, onboarding.NoGoStop, journey.Steps[1].Gate.NoGo)
	require.Equal(t, onboarding.EndClose, journey.Steps[2].AtEnd)
	require.Equal(t, "yes", journey.GitLab.Labels.Go)
	require.Equal(t, onboarding.Eligibility{}, journey.Eligible(&onboarding.Dossier{Demarche: 777}))
}

// The example in English is the example: only its words differ.
func TestExampleInEnglish(t *testing.T) {
	t.Parallel()
	english, err := config.ParseJourney("journey.example.en.yaml", deploy.ExampleJourneyEnglish)
	require.NoError(t, err)
	_, err = texts.New(english, onboarding.NewMarks("k"), texts.Site{DSURL: "https://ds.example.org"})
	require.NoError(t, err)
	french := example(t)
	require.Equal(t, "en", english.Language)
	require.Equal(t, french.Demarches, english.Demarches)
	require.Equal(t, french.Policy, english.Policy)
	require.Equal(t, french.Reminders, english.Reminders)
	require.Equal(t, french.Roles, english.Roles)
	require.Equal(t, french.GitLab.Access, english.GitLab.Access)
	require.Len(t, english.Steps, len(french.Steps))
	for i, step := range english.Steps {
		require.Len(t, step.Tasks, len(french.Steps[i].Tasks))
		require.Len(t, step.Needs, len(french.Steps[i].Needs))
		require.Equal(t, french.Steps[i].HostingURL, step.HostingURL)
		require.Equal(t, french.Steps[i].Turn, step.Turn)
		require.NotEqual(t, french.Steps[i].Title, step.Title)
		if step.Gate != nil {
			require.Equal(t, french.Steps[i].Gate.NoGo, step.Gate.NoGo)
			require.Equal(t, french.Steps[i].Gate.Prerequisites, step.Gate.Prerequisites)
		}
	}
	for i, prerequisite := range english.Prerequisites {
		require.Equal(t, french.Prerequisites[i].ID, prerequisite.ID)
	}
	for i, found := range english.Eligibility {
		require.Equal(t, french.Eligibility[i].When, found.When)
	}
	require.Len(t, english.Training, 61)
	for i, training := range english.Training {
		require.Equal(t, french.Training[i].URL, training.URL)
		require.Equal(t, french.Training[i].Audience, training.Audience)
	}
}
