package demarches_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
)

const agents = `{"data":{"demarche":{"groupeInstructeurs":[
	{"instructeurs":[{"id":"other","email":"autre@ministere.gouv.fr"}]},
	{"instructeurs":[{"id":"` + agentID + `","email":"Agent@ministere.gouv.fr"}]}]}}}`

func byAddress(o *demarches.Options) { o.Instructeur = agentMail }

func TestSendMessage(t *testing.T) {
	t.Parallel()
	answer := func(w http.ResponseWriter, r request) {
		if r.OperationName == "Instructeurs" {
			says(http.StatusOK, agents)(w, r)
			return
		}
		says(http.StatusOK, `{"data":{"dossierEnvoyerMessage":{"message":{"id":"M1"},"errors":null}}}`)(w, r)
	}
	t.Run("by id", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer)
		id, err := b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Bonjour,\n\nà bientôt"})
		require.NoError(t, err)
		require.Equal(t, "M1", id)
		require.Len(t, b.requests, 1)
		require.Equal(t, map[string]any{"input": map[string]any{
			"dossierId": "D42", "instructeurId": agentID, "body": "Bonjour,\n\nà bientôt",
		}}, b.requests[0].Variables)
	})
	t.Run("by address, looked up once per démarche", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer, byAddress)
		for range 2 {
			for _, demarche := range []int64{7, 8} {
				_, err := b.client.SendMessage(t.Context(), demarche, 42, "D42", demarches.Message{Body: "Bonjour"})
				require.NoError(t, err)
			}
		}
		require.Equal(t, []string{"Instructeurs 200", "SendMessage 200", "Instructeurs 200", "SendMessage 200", "SendMessage 200", "SendMessage 200"}, b.calls)
		require.Equal(t, agentID, b.requests[1].Variables["input"].(map[string]any)["instructeurId"])
	})
}

func TestAgentMissing(t *testing.T) {
	t.Parallel()
	t.Run("not one of the démarche's", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusOK, `{"data":{"demarche":{"groupeInstructeurs":[{"instructeurs":[]}]}}}`), byAddress)
		_, err := b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Bonjour"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Permanent, f.Class)
		require.True(t, f.NoEffect)
		require.Contains(t, f.Advice, "PASSERELLE_DS_INSTRUCTEUR")
	})
	t.Run("not named", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil, func(o *demarches.Options) { o.Instructeur = "" })
		err := b.client.StartInstruction(t.Context(), 7, 42, "D42")
		f := failureOf(t, err)
		require.Equal(t, connectors.Permanent, f.Class)
		require.Contains(t, f.Advice, "PASSERELLE_DS_INSTRUCTEUR")
		require.Empty(t, b.requests)
	})
	t.Run("not answered", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusBadGateway, ""), byAddress)
		_, err := b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Bonjour"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Transient, f.Class)
		require.True(t, f.NoEffect, "the message was not sent")
	})
}

func TestPayloadErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		message string
		class   connectors.Class
		advice  string
	}{
		"refused":   {"Le dossier est archivé", connectors.Permanent, ""},
		"read-only": {"Le jeton utilisé est configuré seulement en lecture", connectors.Permanent, "PASSERELLE_DS_TOKEN"},
		"passing":   {"Les informations du SIRET du dossier ne sont pas complètes. Veuillez réessayer plus tard.", connectors.Transient, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(w http.ResponseWriter, r request) {
				payload := `{"message":null,"errors":[{"message":"` + tt.message + `"}]}`
				field := "dossierEnvoyerMessage"
				if r.OperationName == "StartInstruction" {
					payload = `{"dossier":null,"errors":[{"message":"` + tt.message + `"}]}`
					field = "dossierPasserEnInstruction"
				}
				says(http.StatusOK, `{"data":{"`+field+`":`+payload+`}}`)(w, r)
			})
			_, err := b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Bonjour"})
			for _, err := range []error{err, b.client.StartInstruction(t.Context(), 7, 42, "D42")} {
				f := failureOf(t, err)
				require.Equal(t, tt.class, f.Class)
				require.True(t, f.NoEffect)
				require.Contains(t, f.Detail, "dossier 42: "+tt.message)
				require.Contains(t, f.Advice, tt.advice)
			}
		})
	}
	t.Run("nothing at all", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusOK, `{"data":{"dossierEnvoyerMessage":{"message":null,"errors":null}}}`))
		_, err := b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Bonjour"})
		f := failureOf(t, err)
		require.Equal(t, connectors.Transient, f.Class)
		require.False(t, f.NoEffect)
	})
}

func TestFindMessage(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"data":{"dossier":{"messages":[
		{"id":"M1","body":"Votre dossier est déposé"},
		{"id":"M2","body":"Bonjour\n\nRéférence : PSR-1a2b"},
		{"id":"M3","body":"Vous disiez « Référence : PSR-1a2b »"}]}}}`))
	id, found, err := b.client.FindMessage(t.Context(), 42, "PSR-1a2b")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "M2", id)

	_, found, err = b.client.FindMessage(t.Context(), 42, "PSR-ffff")
	require.NoError(t, err)
	require.False(t, found)

	_, _, err = b.client.FindMessage(t.Context(), 42, "")
	require.Equal(t, connectors.Permanent, failureOf(t, err).Class)
}

func TestStartInstruction(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		payload string
		ok      bool
	}{
		"done":              {`{"dossier":{"id":"D42"},"errors":null}`, true},
		"done before":       {`{"dossier":null,"errors":[{"message":"Le dossier est déjà en instruction"}]}`, true},
		"accepted already":  {`{"dossier":null,"errors":[{"message":"Le dossier est déjà accepté"}]}`, false},
		"in construction":   {`{"dossier":null,"errors":[{"message":"Le dossier est déjà en construction"}]}`, false},
		"not alone in that": {`{"dossier":null,"errors":[{"message":"Le dossier est déjà en instruction"},{"message":"Autre"}]}`, false},
		"nothing":           {`{"dossier":null,"errors":null}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(http.StatusOK, `{"data":{"dossierPasserEnInstruction":`+tt.payload+`}}`))
			err := b.client.StartInstruction(t.Context(), 7, 42, "D42")
			if tt.ok {
				require.NoError(t, err)
			} else {
				require.Equal(t, "StartInstruction", failureOf(t, err).Call)
			}
		})
	}
}
