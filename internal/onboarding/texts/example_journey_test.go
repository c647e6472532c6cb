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
			Issue: onboarding.IssueOpen, Sandbox: onboarding.SandboxProvision, Message: onboarding.MessageAccepted, Step: 3,
		}, journey.Policy[onboarding.Accepte])
	})

	t.Run("FitsTheDemosForm", func(t *testing.T) {
		t.Parallel()
		labels := map[string]string{}
		for _, field := range demarches.ConsoleAccessForm(12345).Fields {
			labels[demarches.ChampID(field.StableID)] = field.Label
		}
		require.Len(t, journey.Demarches[0].Fields, len(onboarding.Facts()))
		for _, fact := range onboarding.Facts() {
			field := journey.Demarches[0].Fields[fact]
			require.NotEmpty(t, field.ID, fact)
			require.Equal(t, labels[field.ID], field.Label, fact)
		}
	})

	t.Run("HasTexts", func(t *testing.T) {
		t.Parallel()
		_, err := texts.New(&journey, onboarding.NewMarks("key"), texts.Site{DSURL: "https://ds.example.org"})
		require.NoError(t, err)
	})
}
