package demarches_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

func tenThousand(b *testing.B) *bundle {
	b.Helper()
	s := demarches.New(demarches.Options{
		Token: token, Demarches: []demarches.Demarche{{Form: demarches.ConsoleAccessForm(form)}},
	})
	b.Cleanup(s.Close)
	made := &bundle{Server: s, t: b}
	for range 10_000 {
		made.file()
	}
	return made
}

func BenchmarkFile(b *testing.B) {
	s := tenThousand(b)
	b.ReportAllocs()
	for b.Loop() {
		s.file()
	}
}

// BenchmarkPage reads a full page, answers included, from the middle of 10,000 dossiers.
func BenchmarkPage(b *testing.B) {
	s := tenThousand(b)
	const query = `query($after: String) { demarche(number: 42) { dossiers(updatedSince: "2020-01-01", after: $after) {
		pageInfo { hasNextPage endCursor } nodes { id number state dateDerniereModification
		usager { email } groupeInstructeur { id } demandeur { __typename ... on PersonnePhysique { nom } }
		champs { __typename id label stringValue ... on MultipleDropDownListChamp { values } }
		annotations { id stringValue } messages { id body } } } } }`
	var after any
	for range 50 {
		after = at(s.direct(`query($after: String) { demarche(number: 42) { dossiers(updatedSince: "2020-01-01", after: $after) {
			pageInfo { endCursor } } } }`, map[string]any{"after": after}), "demarche", "dossiers", "pageInfo", "endCursor")
	}
	b.ReportAllocs()
	for b.Loop() {
		page := s.direct(query, map[string]any{"after": after})
		require.Len(b, at(page, "demarche", "dossiers", "nodes"), 100)
	}
}
