package demarches_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	type decide = func(*demarches.Client, context.Context, int64, int64, string, string) error
	for name, tt := range map[string]struct {
		decide       decide
		field, state string
	}{
		"Accept": {(*demarches.Client).Accept, "dossierAccepter", "accepté"},
		"Refuse": {(*demarches.Client).Refuse, "dossierRefuser", "refusé"},
		"Class":  {(*demarches.Client).Class, "dossierClasserSansSuite", "classé sans suite"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := func(t *testing.T, payload, motivation string) (request, error) {
				t.Helper()
				b := setup(t, says(http.StatusOK, `{"data":{"`+tt.field+`":`+payload+`}}`))
				err := tt.decide(b.client, t.Context(), 7, 42, "D42", motivation)
				require.Equal(t, name, b.requests[0].OperationName)
				return b.requests[0], err
			}
			refusal := func(message string) string { return `{"dossier":null,"errors":[{"message":"` + message + `"}]}` }

			sent, err := answer(t, `{"dossier":{"id":"D42"},"errors":null}`, "Parce que")
			require.NoError(t, err)
			require.Equal(t, map[string]any{"input": map[string]any{
				"dossierId": "D42", "instructeurId": agentID, "motivation": "Parce que",
			}}, sent.Variables)
			sent, err = answer(t, refusal("Le dossier est déjà "+tt.state), "")
			require.NoError(t, err, "it was done before")
			require.NotContains(t, sent.Variables["input"], "motivation")

			for _, state := range []string{"accepté", "refusé", "classé sans suite", "en construction", "en instruction"} {
				if state == tt.state {
					continue
				}
				_, err = answer(t, refusal("Le dossier est déjà "+state), "x")
				f := failureOf(t, err)
				require.Equal(t, connectors.Permanent, f.Class, state)
				require.True(t, f.NoEffect)
				require.Contains(t, f.Detail, "dossier 42: Le dossier est déjà "+state)
			}
			_, err = answer(t, refusal("Les informations du SIRET du dossier ne sont pas complètes. Veuillez réessayer plus tard."), "x")
			require.Equal(t, connectors.Transient, failureOf(t, err).Class)
			_, err = answer(t, `{"dossier":null,"errors":null}`, "x")
			require.Equal(t, connectors.Transient, failureOf(t, err).Class)
		})
	}
}

func TestCorrection(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"data":{"dossierEnvoyerMessage":{"message":{"id":"M1"},"errors":null}}}`))
	_, err := b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Il manque le plan.", Correction: true})
	require.NoError(t, err)
	require.Equal(t, "incomplete", b.requests[0].Variables["input"].(map[string]any)["correction"])
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	values := []demarches.AnnotationValue{{ID: "A1", Text: "3"}, {ID: "A2", Text: "https://gitlab.fr/s"}}
	for name, tt := range map[string]struct {
		payload  string
		ok       bool
		noEffect bool
		class    connectors.Class
	}{
		"written":         {`{"annotations":[{"id":"A2"},{"id":"A1"}],"errors":null}`, true, false, ""},
		"refused":         {`{"annotations":null,"errors":[{"message":"non"}]}`, false, true, connectors.Permanent},
		"partly":          {`{"annotations":[{"id":"A1"}],"errors":[{"message":"non"}]}`, false, false, connectors.Permanent},
		"passed over":     {`{"annotations":[{"id":"A1"}],"errors":null}`, false, false, connectors.Permanent},
		"all passed over": {`{"annotations":[],"errors":null}`, false, false, connectors.Permanent},
		"nothing":         {`{"annotations":null,"errors":null}`, false, false, connectors.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(http.StatusOK, `{"data":{"dossierModifierAnnotations":`+tt.payload+`}}`))
			err := b.client.Annotate(t.Context(), 7, 42, "D42", values)
			require.Equal(t, map[string]any{"input": map[string]any{
				"dossierId": "D42", "instructeurId": agentID, "annotations": []any{
					map[string]any{"id": "A1", "value": map[string]any{"text": "3"}},
					map[string]any{"id": "A2", "value": map[string]any{"text": "https://gitlab.fr/s"}},
				},
			}}, b.requests[0].Variables)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			f := failureOf(t, err)
			require.Equal(t, tt.class, f.Class)
			require.Equal(t, tt.noEffect, f.NoEffect)
		})
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	refusal := ""
	b := setup(t, func(w http.ResponseWriter, r request) {
		label := `{"label":{"id":"L1"},"errors":null}`
		if refusal != "" {
			label = `{"label":null,"errors":[{"message":"` + refusal + `"}]}`
		}
		says(http.StatusOK, map[string]string{
			"Labels":      `{"data":{"demarche":{"labels":[{"id":"L1","name":"étape 3"},{"id":"L2","name":"étape 4"}]}}}`,
			"AddLabel":    `{"data":{"dossierAjouterLabel":` + label + `}}`,
			"RemoveLabel": `{"data":{"dossierSupprimerLabel":` + label + `}}`,
		}[r.OperationName])(w, r)
	})
	add := func() error { return b.client.AddLabel(t.Context(), 7, 42, "D42", "L1") }
	remove := func() error { return b.client.RemoveLabel(t.Context(), 7, 42, "D42", "L1") }
	for range 2 {
		labels, err := b.client.Labels(t.Context(), 7)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"étape 3": "L1", "étape 4": "L2"}, labels)
		clear(labels)
	}
	require.Len(t, b.requests, 1, "they are remembered")
	require.NoError(t, add())
	require.NoError(t, remove())
	require.Equal(t, map[string]any{"input": map[string]any{"dossierId": "D42", "labelId": "L1"}}, b.requests[2].Variables)

	refusal = "Ce label est déjà associé au dossier"
	require.NoError(t, add())
	require.Equal(t, connectors.Permanent, failureOf(t, remove()).Class)
	refusal = "Ce label n’est pas associé au dossier"
	require.NoError(t, remove())
	require.Equal(t, connectors.Permanent, failureOf(t, add()).Class)
}

// A label that is gone is not looked for under its old id for ever.
func TestLabelsAreForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, r request) {
		if r.OperationName == "Labels" {
			says(http.StatusOK, `{"data":{"demarche":{"labels":[]}}}`)(w, r)
			return
		}
		says(http.StatusOK, `{"data":null,"errors":[{"message":"Label not found","path":["dossierAjouterLabel"],"extensions":{"code":"not_found"}}]}`)(w, r)
	})
	for range 2 {
		_, err := b.client.Labels(t.Context(), 7)
		require.NoError(t, err)
		f := failureOf(t, b.client.AddLabel(t.Context(), 7, 42, "D42", "L1"))
		require.True(t, f.NotFound)
	}
	require.Equal(t, []string{"Labels 200", "AddLabel 200", "Labels 200", "AddLabel 200"}, b.calls)
}
