package demarches_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// dossierJSON is a dossier as DS gives it, with the given demandeur and events.
func dossierJSON(number int, updated, demandeur string, events ...string) string {
	traitements := make([]string, 0, len(events))
	for _, e := range events {
		traitements = append(traitements, fmt.Sprintf(`{"event":%q}`, e))
	}
	return fmt.Sprintf(`{
		"id":"RG9zc2llci0%d","number":%d,"state":"en_construction","archived":false,
		"demarche":{"number":7},"usager":{"email":"chef@ministere.gouv.fr"},"connectionUsager":"password",
		"demandeur":%s,"motivation":null,
		"dateDepot":"2026-11-20T09:00:00+01:00","dateDerniereModification":%q,
		"datePassageEnInstruction":null,"dateDerniereCorrectionEnAttente":null,"dateSuppressionParUsager":null,
		"traitements":[%s],
		"champs":[
			{"id":"Q2hhbXAtMQ==","label":"Nom du produit","stringValue":"Étoile"},
			{"id":"Q2hhbXAtMg==","label":"Vide","stringValue":null},
			{"id":"Q2hhbXAtMw==","label":"Conditions lues","stringValue":"true","checkboxValue":true},
			{"id":"Q2hhbXAtNA==","label":"Déjà en ligne ?","stringValue":"Non","yesNoValue":false},
			{"id":"Q2hhbXAtNQ==","label":"Sans réponse ?","stringValue":"","yesNoValue":null},
			{"id":"Q2hhbXAtNg==","label":"Langages","stringValue":"Go, Rust","values":["Go","Rust"]},
			{"id":"Q2hhbXAtNw==","label":"Schéma","stringValue":"","files":[{"filename":"dat.pdf"},{"filename":"plan.odt"}]},
			{"id":"Q2hhbXAtOA==","label":"Membres","stringValue":"","rows":[
				{"champs":[{"id":"Q2hhbXAtOXwx","label":"Adresse","stringValue":"a@x.fr"},{"id":"Q2hhbXAtMTB8MQ==","label":"Admin","stringValue":"true","checkboxValue":true}]},
				{"champs":[{"id":"Q2hhbXAtOXwy","label":"Adresse","stringValue":"b@x.fr"},{"id":"Q2hhbXAtMTB8Mg==","label":"Admin","stringValue":"false","checkboxValue":false}]}
			]}
		]}`, number, number, demandeur, updated, strings.Join(traitements, ","))
}

const (
	personne   = `{}` // of a person nothing is asked
	entreprise = `{"siretEntreprise":"13002526500013","entreprise":{"raisonSociale":"DINUM"},"association":null}`
)

func TestDossier(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"data":{"dossier":`+dossierJSON(42, "2026-11-23T10:15:30+01:00", personne, "depose")+`}}`))
	got, err := b.client.Dossier(t.Context(), 42)
	require.NoError(t, err)

	yes, no := true, false
	require.True(t, got.FiledAt.Equal(time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)))
	require.True(t, got.UpdatedAt.Equal(time.Date(2026, 11, 23, 9, 15, 30, 0, time.UTC)))
	got.FiledAt, got.UpdatedAt = time.Time{}, time.Time{}
	require.Equal(t, onboarding.Dossier{
		Number:      42,
		ID:          "RG9zc2llci042",
		Demarche:    7,
		State:       onboarding.EnConstruction,
		UsagerEmail: "chef@ministere.gouv.fr",
		Answers: []onboarding.Answer{
			{Champ: "Q2hhbXAtMQ==", Label: "Nom du produit", Text: "Étoile"},
			{Champ: "Q2hhbXAtMg==", Label: "Vide"},
			{Champ: "Q2hhbXAtMw==", Label: "Conditions lues", Text: "true", Checked: &yes},
			{Champ: "Q2hhbXAtNA==", Label: "Déjà en ligne ?", Text: "Non", Checked: &no},
			{Champ: "Q2hhbXAtNQ==", Label: "Sans réponse ?"},
			{Champ: "Q2hhbXAtNg==", Label: "Langages", Text: "Go, Rust", Values: []string{"Go", "Rust"}},
			{Champ: "Q2hhbXAtNw==", Label: "Schéma", Values: []string{"dat.pdf", "plan.odt"}},
			{Champ: "Q2hhbXAtOA==", Label: "Membres", Rows: [][]onboarding.Answer{
				{{Champ: "Q2hhbXAtOXwx", Label: "Adresse", Text: "a@x.fr"}, {Champ: "Q2hhbXAtMTB8MQ==", Label: "Admin", Text: "true", Checked: &yes}},
				{{Champ: "Q2hhbXAtOXwy", Label: "Adresse", Text: "b@x.fr"}, {Champ: "Q2hhbXAtMTB8Mg==", Label: "Admin", Text: "false", Checked: &no}},
			}},
		},
	}, got)
	require.True(t, got.Reachable())
	require.Len(t, b.requests, 1, "one query is enough")
}

func TestDossierHistory(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, replace ...string) onboarding.Dossier {
		t.Helper()
		body := strings.NewReplacer(replace...).Replace(dossierJSON(42, "2026-11-23T10:15:30+01:00", personne, "depose"))
		b := setup(t, says(http.StatusOK, `{"data":{"dossier":`+body+`}}`))
		got, err := b.client.Dossier(t.Context(), 42)
		require.NoError(t, err)
		return got
	}
	t.Run("decisions", func(t *testing.T) {
		t.Parallel()
		got := read(t, `{"event":"depose"}`, `{"event":"passe_en_instruction"},{"event":"refuse"},{"event":"repasse_en_instruction"},
			{"event":"accepte_automatiquement"},{"event":"repasse_en_construction"},{"event":"classe_sans_suite"},{"event":"refuse_automatiquement"}`)
		require.Equal(t, 4, got.Decisions)
		require.True(t, got.EverInstructed, "going back clears the date, not the event")
	})
	t.Run("in instruction", func(t *testing.T) {
		t.Parallel()
		got := read(t, `"datePassageEnInstruction":null`, `"datePassageEnInstruction":"2026-11-22T10:00:00+01:00"`)
		require.True(t, got.EverInstructed)
		require.Zero(t, got.Decisions)
	})
	t.Run("instructed automatically", func(t *testing.T) {
		t.Parallel()
		require.True(t, read(t, `"depose"`, `"passe_en_instruction_automatiquement"`).EverInstructed)
	})
	t.Run("sent back", func(t *testing.T) {
		t.Parallel()
		require.Zero(t, read(t).ReopenedAt)
		got := read(t, `{"event":"depose"}`, `{"event":"passe_en_instruction","dateTraitement":"2026-11-23T10:00:00+01:00"},
			{"event":"repasse_en_construction_avec_correction","dateTraitement":"2026-11-22T10:00:00+01:00"},
			{"event":"repasse_en_instruction","dateTraitement":"2026-11-21T10:00:00+01:00"}`)
		require.True(t, got.ReopenedAt.Equal(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), "the newest, whatever the order")
	})
	t.Run("labels and answers", func(t *testing.T) {
		t.Parallel()
		got := read(t, `"traitements"`, `"labels":[{"name":"étape 3"},{"name":"bloqué"}],"dateDerniereModificationChamps":"2026-11-22T10:00:00+01:00","traitements"`)
		require.Equal(t, []string{"bloqué", "étape 3"}, got.Labels)
		require.True(t, got.AnswersAt.Equal(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)))
	})
	t.Run("hidden", func(t *testing.T) {
		t.Parallel()
		got := read(t, `"dateSuppressionParUsager":null`, `"dateSuppressionParUsager":"2026-11-22T10:00:00+01:00"`)
		require.True(t, got.HiddenByUsager)
		require.False(t, got.Reachable())
	})
	t.Run("account gone", func(t *testing.T) {
		t.Parallel()
		require.True(t, read(t, `"password"`, `"deleted"`).AccountDeleted)
	})
	t.Run("archived, awaiting a correction, with a reason", func(t *testing.T) {
		t.Parallel()
		got := read(t, `"archived":false`, `"archived":true`, `"motivation":null`, `"motivation":"Hors périmètre"`,
			`"dateDerniereCorrectionEnAttente":null`, `"dateDerniereCorrectionEnAttente":"2026-11-22T10:00:00+01:00"`)
		require.True(t, got.Archived)
		require.True(t, got.AwaitCorrection)
		require.Equal(t, "Hors périmètre", got.Motivation)
	})
	for name, tt := range map[string]struct{ demandeur, want string }{
		"company":       {entreprise, "DINUM"},
		"association":   {`{"siretEntreprise":"1","entreprise":null,"association":{"titre":"Les Amis du libre"}}`, "Les Amis du libre"},
		"unnamed":       {`{"siretEntreprise":"13002526500013","entreprise":null,"association":null}`, "SIRET 13002526500013"},
		"not yet known": {`{"siretIncomplet":"13002526500013"}`, "SIRET 13002526500013"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, read(t, personne, tt.demandeur).Demandeur)
		})
	}
}
