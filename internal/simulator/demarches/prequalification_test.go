package demarches_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

func TestPrequalificationForm(t *testing.T) {
	t.Parallel()
	const number = 12346
	prequalification := demarches.PrequalificationForm(number)
	prequalification.Labels = []string{"à rappeler"}
	b := setup(t, func(o *demarches.Options) {
		o.Demarches = append(o.Demarches, demarches.Demarche{Form: prequalification, Labels: []string{"urgent"}})
	})
	answers := demarches.PrequalificationAnswers("Guichet")
	require.Empty(t, b.Problems(number, answers))
	filed, err := b.File(number, demarches.Application{Answers: answers})
	require.NoError(t, err)
	d := b.query(`query($n: Int!) { dossier(number: $n) { demarche { demarcheURL } champs { id stringValue } annotations { id } } }`,
		map[string]any{"n": filed})
	require.Contains(t, at(d, "dossier", "demarche", "demarcheURL"), "/commencer/prequalification-cloud-pi-native")
	require.Len(t, at(d, "dossier", "annotations"), 2)
	found := false
	for _, champ := range at(d, "dossier", "champs").([]any) {
		if at(champ, "id") == demarches.ChampID(demarches.PrequalObjective) {
			found = at(champ, "stringValue") == demarches.ObjectiveDeploy
		}
	}
	require.True(t, found)
	m := b.query(`query { demarche(number: 12346) { labels { name } } }`, nil)
	require.Equal(t, "urgent", at(m, "demarche", "labels", 0, "name"))
	require.Equal(t, "à rappeler", at(m, "demarche", "labels", 1, "name"))

	answers[demarches.PrequalObjective] = "Autre chose"
	require.Contains(t, b.Problems(number, answers), demarches.PrequalObjective)
	for id, value := range demarches.ConsoleAccessAnswers("Guichet") {
		require.NotContains(t, answers, id, "the forms share no field: %v", value)
	}
}
