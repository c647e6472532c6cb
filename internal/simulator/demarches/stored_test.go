package demarches_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

// call asks a server without a network.
func call(t require.TestingT, s http.Handler, query string) map[string]any {
	body, err := json.Marshal(map[string]any{"query": query})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/api/v2/graphql", bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer response
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Empty(t, answer.Errors)
	return answer.Data
}

// stored asks as clients do that name a query of the service in place of sending one.
func (b *bundle) stored(bearer, id, operation string, variables map[string]any) response {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"queryId": id, "operationName": operation, "variables": variables})
	require.NoError(b.t, err)
	return b.post(bearer, string(body))
}

func TestStoredQueries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	require.NoError(t, b.WriteMessage(number, "Bonjour", demarches.As("agent@dinum.example")))
	require.NoError(t, b.AskCorrection(number, "À revoir", "incomplete"))
	gone := b.file()
	require.NoError(t, b.Delete(gone))
	get := func(operation string, variables map[string]any) map[string]any {
		r := b.stored(token, "ds-query-v2", operation, variables)
		require.Equal(t, http.StatusOK, r.status, r.text)
		require.Empty(t, r.Errors, r.text)
		return r.Data
	}
	champs := func(d any) map[string]map[string]any {
		found := map[string]map[string]any{}
		for _, c := range at(d, "champs").([]any) {
			found[at(c, "id").(string)] = c.(map[string]any)
		}
		return found
	}

	t.Run("getDossier", func(t *testing.T) {
		t.Parallel()
		d := at(get("getDossier", map[string]any{"dossierNumber": number}), "dossier")
		require.Equal(t, "Dossier", at(d, "__typename"))
		require.Equal(t, "en_construction", at(d, "state"))
		require.Equal(t, "Martin", at(d, "demandeur", "nom"))
		require.Equal(t, "PersonnePhysique", at(d, "demandeur", "__typename"))
		require.Equal(t, "password", at(d, "connectionUsager"))
		require.Contains(t, at(d, "demarche", "demarcheURL"), "/commencer/cloud-pi-native")
		require.Len(t, at(d, "annotations"), 5, "by default")
		require.Len(t, at(d, "traitements"), 1)
		require.NotContains(t, d, "messages")
		require.NotContains(t, d, "avis")
		require.NotContains(t, d, "dateDerniereCorrectionEnAttente")

		c := champs(d)
		id := demarches.ChampID
		require.Equal(t, "Démarche Zéro Papier", c[id(demarches.FieldProjectName)]["stringValue"])
		require.Equal(t, true, c[id(demarches.FieldNorms)]["checked"])
		require.Equal(t, "Démarche Zéro Papier", at(c[id(demarches.FieldProjectName)], "columns", 0, "value"))
		require.Equal(t, true, c[id(demarches.FieldMinistry)]["selected"])
		require.Equal(t, "3", c[id(demarches.FieldServices)]["integerNumber"])
		require.InDelta(t, 4.0, c[id(demarches.FieldCPU)]["decimalNumber"], 0)
		require.Equal(t, demarches.RequestNewProject, c[id(demarches.FieldRequestKind)]["value"])
		require.Len(t, c[id(demarches.FieldExposure)]["values"], 2)
		require.Equal(t, "plan-projet.txt", at(c[id(demarches.FieldProjectPlan)], "files", 0, "filename"))
		require.IsType(t, "", at(c[id(demarches.FieldProjectPlan)], "files", 0, "byteSize"))
	})
	t.Run("getDossier with more and less", func(t *testing.T) {
		t.Parallel()
		d := at(get("getDossier", map[string]any{
			"dossierNumber": number, "includeChamps": false, "includeAnotations": false, "includeInstructeurs": false,
			"includeTraitements": false, "includeMessages": true, "includeCorrections": true, "includeAvis": true,
			"includeLabels": true, "includeRevision": true, "includeService": true, "includeGeometry": true,
		}), "dossier")
		for _, left := range []string{"champs", "annotations", "instructeurs", "traitements"} {
			require.NotContains(t, d, left)
		}
		require.Len(t, at(d, "messages"), 3)
		require.Equal(t, "incomplete", at(d, "messages", 2, "correction", "reason"))
		require.NotNil(t, at(d, "dateDerniereCorrectionEnAttente"))
		require.Empty(t, at(d, "avis"))
		require.NotEmpty(t, at(d, "demarche", "revision", "champDescriptors"))
		require.NotEmpty(t, at(d, "demarche", "service", "organisme"))
		d = at(get("getDossier", map[string]any{"dossierNumber": number, "includeAnnotations": false, "unknown": 1}), "dossier")
		require.NotContains(t, d, "annotations")
	})
	t.Run("getDemarche", func(t *testing.T) {
		t.Parallel()
		d := at(get("getDemarche", map[string]any{"demarcheNumber": form}), "demarche")
		require.Equal(t, demarches.DemarcheID(form), at(d, "id"))
		for _, left := range []string{"dossiers", "deletedDossiers", "pendingDeletedDossiers", "groupeInstructeurs", "activeRevision", "service"} {
			require.NotContains(t, d, left)
		}
		d = at(get("getDemarche", map[string]any{
			"demarcheNumber": form, "state": "en_construction", "order": "ASC", "first": 1, "after": nil, "archived": false,
			"updatedSince": "2020-01-01T00:00:00Z", "includeDossiers": true, "includeChamps": true, "includeMessages": true,
			"includePendingDeletedDossiers": true, "includeDeletedDossiers": true, "includeGroupeInstructeurs": true,
			"includeRevision": true, "includeRevisions": true, "includeService": true,
		}), "demarche")
		require.InDelta(t, number, at(d, "dossiers", "nodes", 0, "number"), 0)
		require.Equal(t, false, at(d, "dossiers", "pageInfo", "hasNextPage"))
		require.NotEmpty(t, champs(at(d, "dossiers", "nodes", 0)))
		require.Len(t, at(d, "dossiers", "nodes", 0, "messages"), 3)
		require.InDelta(t, gone, at(d, "pendingDeletedDossiers", "nodes", 0, "number"), 0)
		require.Len(t, at(d, "groupeInstructeurs"), 2)
		require.NotEmpty(t, at(d, "activeRevision", "champDescriptors"))
	})
	t.Run("getGroupeInstructeur and getDemarcheDescriptor", func(t *testing.T) {
		t.Parallel()
		mine := at(get("getGroupeInstructeur", map[string]any{
			"groupeInstructeurNumber": 1, "includeDossiers": true, "includePendingDeletedDossiers": true, "includeDeletedDossiers": true,
		}), "groupeInstructeur")
		require.Len(t, at(mine, "dossiers", "nodes"), 1)
		require.Len(t, at(mine, "pendingDeletedDossiers", "nodes"), 1)
		others := at(get("getGroupeInstructeur", map[string]any{
			"groupeInstructeurNumber": 2, "includeDossiers": true, "includePendingDeletedDossiers": true,
		}), "groupeInstructeur")
		require.Equal(t, "autre", at(others, "label"))
		require.Empty(t, at(others, "dossiers", "nodes"))
		require.Empty(t, at(others, "pendingDeletedDossiers", "nodes"))
		d := at(get("getDemarcheDescriptor", map[string]any{"demarche": map[string]any{"number": form}, "includeRevision": true}), "demarcheDescriptor")
		require.NotEmpty(t, at(d, "revision", "champDescriptors"))
		r := b.stored(token, "ds-query-v2", "getGroupeInstructeur", map[string]any{"groupeInstructeurNumber": 9})
		require.Equal(t, "not_found", r.code())
	})
	t.Run("mutations and introspection", func(t *testing.T) {
		t.Parallel()
		r := b.stored(token, "ds-mutation-v2", "dossierEnvoyerMessage", map[string]any{"input": map[string]any{
			"dossierId": demarches.DossierID(gone), "instructeurId": demarches.InstructeurID(1), "body": "Bonjour",
		}})
		require.Empty(t, r.Errors, r.text)
		require.NotEmpty(t, at(r.Data, "dossierEnvoyerMessage", "errors"), "it is in the bin")
		r = b.stored(token, "introspection", "IntrospectionQuery", nil)
		require.NotEmpty(t, at(r.Data, "__schema", "types"))
	})
	t.Run("errors", func(t *testing.T) {
		t.Parallel()
		r := b.stored(token, "ds-query-v0", "getDossier", nil)
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, `No query with id "ds-query-v0"`, r.Errors[0].Message)
		require.Equal(t, "bad_request", r.code())
		r = b.stored(token, "ds-query-v2", "getStuff", nil)
		require.Equal(t, `No operation named "getStuff"`, r.Errors[0].Message)
		r = b.stored(token, "ds-query-v2", "", nil)
		require.Equal(t, "An operation name is required", r.Errors[0].Message)
		r = b.stored(token, "ds-query-v2", "getDossier", map[string]any{"dossierNumber": 0})
		require.Equal(t, "not_found", r.code())
		r = b.stored(token, "ds-query-v2", "getDossier", nil)
		require.NotEmpty(t, r.Errors, "a variable is missing")

		// Without a token, a stored query reads what everybody may.
		for _, nobody := range []string{"", "inconnu"} {
			r = b.stored(nobody, "ds-query-v2", "getDossier", map[string]any{"dossierNumber": number})
			require.Equal(t, "An object of type Dossier was hidden due to permissions", r.Errors[0].Message)
			r = b.stored(nobody, "ds-query-v2", "getDemarche", map[string]any{"demarcheNumber": form})
			require.Equal(t, "unauthorized", r.code())
			r = b.stored(nobody, "ds-query-v2", "getDemarcheDescriptor", map[string]any{"demarche": map[string]any{"number": form}})
			require.Empty(t, r.Errors, r.text)
			r = b.stored(nobody, "ds-mutation-v2", "dossierArchiver", map[string]any{"input": map[string]any{
				"dossierId": demarches.DossierID(number), "instructeurId": demarches.InstructeurID(1),
			}})
			require.Equal(t, "unauthorized", r.code())
		}
	})
}

// A query as others write them: one big operation of nested fragments, with fragments
// on kinds of fields that no form of ours has.
func TestQueryOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	query := `query lireDossiers($numero: Int!, $apres: String, $avecGeo: Boolean = false) {
	  demarche(number: $numero) {
	    title draftRevision { id } publishedRevision { ...Rev } chorusConfiguration { centreDeCout }
	    dossiers(first: 30, after: $apres, order: DESC) { pageInfo { hasNextPage endCursor } edges { cursor node { ...D } } }
	  }
	}
	fragment Rev on Revision { id champDescriptors { __typename id type label ... on DropDownListChampDescriptor { options } } }
	fragment D on Dossier {
	  id number demandeur { ... on PersonnePhysique { nom } ... on PersonneMorale { siret adresse codePostal localite entreprise { effectifMensuel { nb } enseigne } } }
	  datePrevisionnelleDecisionSVASVR dateTraitementSVASVR geojson { url }
	  demarche { dpoUrl siteWebUrl noticeUrl opendata tags zones logo { url } }
	  champs { ...C ... on RepetitionChamp { champs { ...C } rows { champs { ...C } } } ... on CarteChamp { geoAreas { id geometry @include(if: $avecGeo) { coordinates } } } }
	  avis { attachment { url } instructeur { email } questionLabel questionAnswer }
	}
	fragment C on Champ {
	  __typename id label stringValue
	  columns { __typename id label ... on TextColumn { texte: value } ... on EnumsColumn { liste: value } ... on IntegerColumn { entier: value }
	    ... on AttachmentsColumn { pieces: value { filename } } ... on BooleanColumn { vrai: value } ... on DecimalColumn { decimal: value }
	    ... on EnumColumn { choix: value } ... on DateColumn { jour: value } ... on DateTimeColumn { heure: value } }
	  ... on RNFChamp { rnf { id address { label } } } ... on RNAChamp { rna { title } } ... on EpciChamp { epci { code name } }
	  ... on EngagementJuridiqueChamp { engagementJuridique { montantEngage } } ... on TitreIdentiteChamp { filled grantType }
	  ... on SiretChamp { etablissement { siret } } ... on LinkedDropDownListChamp { primaryValue }
	}`
	data := b.query(query, map[string]any{"numero": form})
	node := at(data, "demarche", "dossiers", "edges", 0, "node")
	require.InDelta(t, number, at(node, "number"), 0)
	found := map[string]any{}
	for _, c := range at(node, "champs").([]any) {
		if columns := at(c, "columns").([]any); len(columns) == 1 {
			found[fmt.Sprint(at(c, "id"))] = columns[0]
		}
	}
	require.Equal(t, "Démarche Zéro Papier", at(found[demarches.ChampID(demarches.FieldProjectName)], "texte"))
	require.Equal(t, "3", at(found[demarches.ChampID(demarches.FieldServices)], "entier"))
	require.Equal(t, true, at(found[demarches.ChampID(demarches.FieldMinistry)], "vrai"))
	require.Equal(t, demarches.InfrastructureCloudPi, at(found[demarches.ChampID(demarches.FieldInfrastructure)], "choix"))
	require.Len(t, at(found[demarches.ChampID(demarches.FieldEnvironments)], "liste"), 2)
	require.Equal(t, "plan-projet.txt", at(found[demarches.ChampID(demarches.FieldProjectPlan)], "pieces", 0, "filename"))
}

// The real service's own query has an empty fragment, and one name for values of
// several types: its parser takes both, and clients have copied them.
func TestQueryAsTheServiceTakesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	data := b.query(`query($n: Int!) { dossier(number: $n) { champs { id ... on ExplicationChamp { } ... on HeaderSectionChamp {level}
	  ... on TextChamp { value } ... on YesNoChamp { value } ... on IntegerNumberChamp { value } ... on CheckboxChamp { box: value }
	  columns { id ...Text ... on BooleanColumn { value } ... on IntegerColumn { value } ... on AttachmentsColumn { value { filename } } } } } }
	  fragment Text on TextColumn { value }`,
		map[string]any{"n": number})
	byID := map[any]any{}
	for _, c := range at(data, "dossier", "champs").([]any) {
		byID[at(c, "id")] = c
	}
	require.Equal(t, "Démarche Zéro Papier", at(byID[demarches.ChampID(demarches.FieldProjectName)], "value"))
	require.Equal(t, true, at(byID[demarches.ChampID(demarches.FieldMinistry)], "value"))
	require.Equal(t, "3", at(byID[demarches.ChampID(demarches.FieldServices)], "value"))
	require.Equal(t, true, at(byID[demarches.ChampID(demarches.FieldNorms)], "box"))
	values := map[any]any{}
	for _, c := range at(data, "dossier", "champs").([]any) {
		if columns := at(c, "columns").([]any); len(columns) == 1 {
			values[at(c, "id")] = columns[0].(map[string]any)["value"]
		}
	}
	require.Equal(t, "Démarche Zéro Papier", values[demarches.ChampID(demarches.FieldProjectName)])
	require.Equal(t, true, values[demarches.ChampID(demarches.FieldMinistry)])
}
