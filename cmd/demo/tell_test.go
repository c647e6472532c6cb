package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// TestTell tells facts of the journey in both languages.
func TestTell(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind   ledger.EntryKind
		data   string
		where  string
		fr, en string
	}{
		{ledger.EligibilityAssessed, `{"case":0,"missing":["role"],"unmet":["stateless","rootless"]}`, "Passerelle", "aide du programme : à déterminer ; prérequis non remplis : 2", "the programme’s help: to be determined; prerequisites not met: 2"},
		{ledger.GateDecided, `{"step":2,"decision":"go","by":"demarches"}`, "Passerelle", "jalon de l’étape 2 : go, décidé dans Démarches Simplifiées", "gate of step 2: go, decided in Démarches Simplifiées"},
		{ledger.GateDecided, `{"step":3,"decision":"no_go"}`, "Passerelle", "jalon de l’étape 3 : no-go", "gate of step 3: no-go"},
		{ledger.GateOverridden, `{"step":2,"prerequisites":["stateless"],"by":"gitlab"}`, "Passerelle", "prérequis outrepassés à l’étape 2 : stateless (dans GitLab)", "prerequisites overridden at step 2: stateless (in GitLab)"},
		{ledger.CommandGiven, `{"command":"note 12","verb":"debloquer","step":2,"outcome":"done"}`, "GitLab", "/passerelle débloquer : pris en compte", "/passerelle débloquer: taken into account"},
		{ledger.CommandGiven, `{"command":"label 3","verb":"no-go","step":2,"outcome":"decided"}`, "GitLab", "étiquette no-go : refusé, DS a déjà une décision", "label no-go: refused, DS has a decision already"},
		{ledger.CommandGiven, `{"command":"state 4","verb":"close","step":2,"outcome":"done"}`, "GitLab", "ticket fermé à la main : pris en compte", "issue closed by hand: taken into account"},
		{ledger.CommandGiven, `{"command":"note 5","verb":"?","step":2,"outcome":"unknown"}`, "GitLab", "commande inconnue : refusé, avec une proposition", "unknown command: refused, with a proposal"},
		{ledger.DossiersJoined, `{"follows":1001,"by":"agent"}`, "Passerelle", "fait suite au dossier 1001, rattaché par un agent", "goes on from dossier 1001, joined by an agent"},
		{ledger.MessageWaived, `{"message":"accepted 1","reason":"archived"}`, "DS", "pas de message au demandeur (accepté) : dossier archivé", "no message to the applicant (accepted): dossier archived"},
		{ledger.ReminderGiven, `{"to":"agents","reminder":"reminder 1 1"}`, "GitLab", "rappel donné : aux agents", "reminder given: to the agents"},
		{ledger.TransitionMade, `{"to":"refuse","command":"note 5"}`, "DS", "dossier passé à « refusé », comme décidé dans GitLab", "dossier set to “refused”, as decided in GitLab"},
		{ledger.SandboxMarked, `{"status":"permanent"}`, "GitLab", "bac à sable : en production", "sandbox: in production"},
		{ledger.DossierTagged, `{"label":"Étape 3"}`, "DS", "étiquette du dossier : Étape 3", "label of the dossier: Étape 3"},
		{ledger.MessageSent, `{"message":"no_go 3"}`, "DS", "message au demandeur : no-go à l’étape 3", "message to the applicant: no-go at step 3"},
		{ledger.MessageSent, `{"message":"reminder 1 1"}`, "DS", "message au demandeur : rappel", "message to the applicant: reminder"},
		{"brand_new", `{}`, "Passerelle", "brand_new", "brand_new"},
	} {
		e := &ledger.LedgerEntry{Kind: string(test.kind), Data: test.data}
		require.Equal(t, test.where, tell(page.French, e).Where)
		require.Equal(t, test.fr, tell(page.French, e).What)
		require.Equal(t, test.en, tell(page.English, e).What)
	}
}
