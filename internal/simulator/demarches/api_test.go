package demarches_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

func TestDossier(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()

	data := b.query(`query($n: Int!) { dossier(number: $n) {
		id number state archived motivation connectionUsager
		dateDepot datePassageEnConstruction datePassageEnInstruction dateTraitement dateDerniereModification
		usager { email }
		demandeur { __typename id ... on PersonnePhysique { civilite nom prenom } }
		demarche { number title demarcheUrl revision { id } service { nom typeOrganisme } }
		groupeInstructeur { label number closed instructeurs { id email } }
		instructeurs { email } labels { name } avis { id }
		traitements { event state emailAgentTraitant dateTraitement motivation }
		messages { email body correction { reason } }
		annotations { id label stringValue }
	} }`, map[string]any{"n": number})
	d := data["dossier"].(map[string]any)
	require.Equal(t, demarches.DossierID(number), d["id"])
	require.EqualValues(t, number, d["number"])
	require.Equal(t, "en_construction", d["state"])
	require.Equal(t, "password", d["connectionUsager"])
	require.Equal(t, "2026-11-23T11:15:30+01:00", d["dateDepot"], "whole seconds, Paris time")
	require.Equal(t, d["dateDepot"], d["dateDerniereModification"])
	require.Nil(t, d["datePassageEnInstruction"])
	require.Nil(t, d["motivation"])
	require.Equal(t, "PersonnePhysique", at(d, "demandeur", "__typename"))
	require.Equal(t, "Martin", at(d, "demandeur", "nom"))
	require.Equal(t, b.url+"/commencer/cloud-pi-native", at(d, "demarche", "demarcheUrl"))
	require.Equal(t, demarches.InstructeurID(1), at(d, "groupeInstructeur", "instructeurs", 0, "id"))
	require.Empty(t, d["instructeurs"])
	require.Equal(t, "depose", at(d, "traitements", 0, "event"))
	require.Contains(t, at(d, "messages", 0, "body"), "a bien été déposé")
	require.Equal(t, demarches.ChampID(demarches.AnnotationStep), at(d, "annotations", 0, "id"))
	require.Nil(t, at(d, "annotations", 0, "stringValue"))
}

// Every kind of field gives its own type of the API, and its value.
func TestChamps(t *testing.T) {
	t.Parallel()
	fields := []demarches.Field{
		{StableID: 1, Label: "a", Type: demarches.Text},
		{StableID: 2, Label: "b", Type: demarches.Checkbox},
		{StableID: 3, Label: "c", Type: demarches.YesNo},
		{StableID: 4, Label: "d", Type: demarches.IntegerNumber},
		{StableID: 5, Label: "e", Type: demarches.DecimalNumber},
		{StableID: 6, Label: "f", Type: demarches.DropDownList, Options: []string{"x"}, OtherOption: true},
		{StableID: 7, Label: "g", Type: demarches.MultipleDropDownList, Options: []string{"x", "y"}},
		{StableID: 8, Label: "h", Type: demarches.Date},
		{StableID: 9, Label: "i", Type: demarches.Datetime},
		{StableID: 10, Label: "j", Type: demarches.PieceJustificative},
		{StableID: 11, Label: "k", Type: demarches.Repetition, Fields: []demarches.Field{
			{StableID: 12, Label: "l", Type: demarches.Text},
		}},
		{StableID: 13, Label: "m", Type: demarches.HeaderSection, Level: 2},
	}
	b := setup(t, func(o *demarches.Options) {
		o.Demarches = append(o.Demarches, demarches.Demarche{Form: demarches.Form{Number: 7, Title: "Tout", Fields: fields}})
	})
	number, err := b.File(7, demarches.Application{Answers: demarches.Answers{
		1: "texte", 2: true, 3: false, 4: 1 << 40, 5: 1.5, 6: "autre", 7: []string{"x", "y"}, 8: monday, 9: monday,
		10: []demarches.Attachment{{Filename: "un été.txt", ContentType: "text/plain", Content: []byte("soleil")}},
		11: []demarches.Answers{{12: "ligne 1"}, {12: "ligne 2"}},
	}})
	require.NoError(t, err)

	const champ = `fragment F on Champ { __typename id label stringValue champDescriptorId prefilled updatedAt
		... on TextChamp { text: value } ... on CheckboxChamp { checked: value } ... on YesNoChamp { yes: value }
		... on IntegerNumberChamp { integer: value } ... on DecimalNumberChamp { decimal: value }
		... on DropDownListChamp { choice: value } ... on MultipleDropDownListChamp { values }
		... on DateChamp { date } ... on DatetimeChamp { datetime }
		... on PieceJustificativeChamp { files { filename contentType byteSizeBigInt checksum url } }
		... on HeaderSectionChamp { level }
		... on SiretChamp { etablissement { siret } } ... on CarteChamp { geoAreas { id } }
		... on AddressChamp { address { label } } ... on CiviliteChamp { civilite: value } }`
	query := `query($n: Int!, $id: ID) { dossier(number: $n) { champs(id: $id) { ...F
		... on RepetitionChamp { rows { id champs { ...F } } } } } } ` + champ
	champs := at(b.query(query, map[string]any{"n": number}), "dossier", "champs").([]any)
	require.Len(t, champs, len(fields), "every field, inner ones in their rows")

	for i, want := range []struct {
		typeName, text string
		field          string
		value          any
	}{
		{"TextChamp", "texte", "text", "texte"},
		{"CheckboxChamp", "true", "checked", true},
		{"YesNoChamp", "false", "yes", false},
		{"IntegerNumberChamp", "1099511627776", "integer", "1099511627776"},
		{"DecimalNumberChamp", "1.5", "decimal", 1.5},
		{"DropDownListChamp", "autre", "choice", "autre"},
		{"MultipleDropDownListChamp", "x, y", "values", []any{"x", "y"}},
		{"DateChamp", "2026-11-23", "date", "2026-11-23"},
		{"DatetimeChamp", "2026-11-23T11:15:30+01:00", "datetime", "2026-11-23T11:15:30+01:00"},
	} {
		require.Equal(t, want.typeName, at(champs, i, "__typename"))
		require.Equal(t, demarches.ChampID(i+1), at(champs, i, "id"))
		require.Equal(t, want.text, at(champs, i, "stringValue"))
		require.Equal(t, want.value, at(champs, i, want.field), want.typeName)
	}
	require.Equal(t, "RepetitionChamp", at(champs, 10, "__typename"))
	rows := at(champs, 10, "rows").([]any)
	require.Len(t, rows, 2)
	require.Equal(t, "ligne 2", at(rows, 1, "champs", 0, "text"))
	require.NotEqual(t, demarches.ChampID(12), at(rows, 1, "champs", 0, "id"))
	require.Equal(t, demarches.ChampID(12), at(rows, 1, "champs", 0, "champDescriptorId"))
	require.EqualValues(t, 2, at(champs, 11, "level"))

	file := at(champs, 9, "files", 0)
	require.Equal(t, "6", at(file, "byteSizeBigInt"))
	res, err := http.Get(at(file, "url").(string))
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "soleil", string(content))

	one := at(b.query(query, map[string]any{"n": number, "id": demarches.ChampID(4)}), "dossier", "champs").([]any)
	require.Len(t, one, 1)
}

func TestDemarche(t *testing.T) {
	t.Parallel()
	b := setup(t)
	data := b.query(`{ demarche(number: 42) { id number title state labels { id name }
		groupeInstructeurs { label instructeurs { id email } }
		activeRevision { champDescriptors { __typename id label required type description
			... on DropDownListChampDescriptor { options otherOption }
			... on MultipleDropDownListChampDescriptor { options } }
			annotationDescriptors { id label } } } }`, nil)
	d := data["demarche"].(map[string]any)
	require.Equal(t, demarches.DemarcheID(form), d["id"])
	require.Equal(t, "publiee", d["state"])
	require.Equal(t, "prioritaire", at(d, "labels", 1, "name"))
	require.Equal(t, "ailleurs@dinum.example", at(d, "groupeInstructeurs", 1, "instructeurs", 0, "email"))
	descriptors := at(d, "activeRevision", "champDescriptors").([]any)
	require.Equal(t, demarches.ChampID(demarches.FieldOrganisation), at(descriptors, 1, "id"))
	require.Equal(t, "TextChampDescriptor", at(descriptors, 1, "__typename"))
	require.Equal(t, "text", at(descriptors, 1, "type"))
	require.Equal(t, true, at(descriptors, 1, "required"))
	require.Len(t, at(d, "activeRevision", "annotationDescriptors"), 5)

	descriptor := b.query(`{ demarcheDescriptor(demarche: {number: 42}) { title } }`, nil)
	require.Equal(t, d["title"], at(descriptor, "demarcheDescriptor", "title"))
}

func TestApplicants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number, err := b.File(form, demarches.Application{
		Applicant: demarches.Applicant{Company: &demarches.Company{SIRET: "13002526500013", Name: "DINUM", Incomplete: true}},
		Answers:   demarches.ConsoleAccessAnswers("Projet"),
	})
	require.NoError(t, err)
	require.NoError(t, b.StartInstruction(number))
	const query = `query($n: Int!) { dossier(number: $n) { demandeur { __typename
		... on PersonneMorale { siret address { label } entreprise { siren raisonSociale capitalSocial } }
		... on PersonneMoraleIncomplete { siret } } } }`
	asked := func() any { return at(b.query(query, map[string]any{"n": number}), "dossier", "demandeur") }

	require.Equal(t, map[string]any{"__typename": "PersonneMoraleIncomplete", "siret": "13002526500013"}, asked())
	err = b.Accept(number, "")
	require.ErrorContains(t, err, "Veuillez réessayer plus tard")

	require.NoError(t, b.CompleteCompany(number))
	require.Equal(t, "DINUM", at(asked(), "entreprise", "raisonSociale"))
	require.NoError(t, b.Accept(number, ""))
}

func TestFilingIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answers := demarches.ConsoleAccessAnswers("Projet")
	answers[demarches.FieldPiloteMOE] = "pas une adresse"
	answers[demarches.FieldNorms] = false
	answers[demarches.FieldRequestKind] = "autre chose"
	answers[demarches.FieldOrganisation] = " "
	answers[9999] = "?"
	delete(answers, demarches.FieldRootless)
	_, err := b.File(form, demarches.Application{Answers: answers})
	invalid := new(demarches.InvalidAnswersError)
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid.Problems, 6)
	require.Equal(t, "Le champ « Organisation » doit être rempli", invalid.Problems[demarches.FieldOrganisation])
	require.True(t, strings.HasPrefix(err.Error(), "réponses invalides : "))
	require.Empty(t, b.Dossiers())

	_, err = b.File(404, demarches.Application{})
	require.ErrorIs(t, err, demarches.ErrNotFound)
}
