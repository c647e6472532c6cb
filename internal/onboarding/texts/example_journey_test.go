package texts_test

import (
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/onboarding/texts"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

func TestExampleJourney(t *testing.T) {
	t.Parallel()

	file, err := os.ReadFile("../../../deploy/journey.example.yaml")
	require.NoError(t, err)
	var journey onboarding.Journey
	require.NoError(t, yaml.UnmarshalWithOptions(file, &journey, yaml.Strict()))

	t.Run("IsComplete", func(t *testing.T) {
		t.Parallel()
		require.Len(t, journey.Policy, len(onboarding.States()))
		for _, state := range onboarding.States() {
			require.Contains(t, journey.Policy, state)
			require.NotEmpty(t, journey.GitLab.Labels.States[state])
		}
		require.Len(t, journey.Steps, 5)
		for i, step := range journey.Steps {
			require.Equal(t, i+1, step.Number)
			require.NotEmpty(t, step.Tasks)
			require.NotEmpty(t, journey.GitLab.Labels.Steps[step.Number])
		}
		for _, audience := range onboarding.Audiences() {
			require.Contains(t, onboarding.Levels(), journey.GitLab.Access[audience])
		}
		require.Equal(t, onboarding.TransitionsNone, journey.DSTransitions)
		require.Equal(t, onboarding.Policy{
			Issue: onboarding.IssueOpen, Sandbox: onboarding.SandboxProvision, Message: onboarding.MessageAccepted,
		}, journey.Policy[onboarding.Accepte])
	})

	t.Run("FitsTheDemosForm", func(t *testing.T) {
		t.Parallel()
		labels := map[string]string{}
		console := demarches.ConsoleAccessForm(12345)
		for _, field := range append(console.Fields, console.Annotations...) {
			labels[demarches.ChampID(field.StableID)] = field.Label
		}
		fits := func(field onboarding.Field, of string) bool {
			label, known := labels[field.ID]
			if known {
				require.Equal(t, label, field.Label, of)
			}
			return known
		}
		form := journey.Demarches[0]
		require.Len(t, form.Fields, len(onboarding.Facts()))
		known := 0
		for fact, field := range form.Fields {
			if fits(field, string(fact)) {
				known++
			}
		}
		require.GreaterOrEqual(t, known, 9)
		require.Len(t, form.Prerequisites, len(journey.Prerequisites))
		require.Len(t, journey.Prerequisites, 10)
		for _, prerequisite := range journey.Prerequisites {
			require.True(t, prerequisite.Hard)
			require.True(t, fits(form.Prerequisites[prerequisite.ID], prerequisite.ID))
		}
		for annotation, field := range form.Annotations {
			fits(field, string(annotation))
		}
	})

	t.Run("HasTexts", func(t *testing.T) {
		t.Parallel()
		_, err := texts.New(&journey, onboarding.NewMarks("key"), texts.Site{DSURL: "https://ds.example.org"})
		require.NoError(t, err)
	})
}
