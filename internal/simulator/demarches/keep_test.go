package demarches_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

// everyKind is a form with a field of every kind.
func everyKind() demarches.Form {
	return demarches.Form{
		Number: 7, Title: "De tout", Path: "de-tout",
		Fields: []demarches.Field{
			{StableID: 1, Label: "Texte", Type: demarches.Text},
			{StableID: 2, Label: "Case", Type: demarches.Checkbox},
			{StableID: 3, Label: "Entier", Type: demarches.IntegerNumber},
			{StableID: 4, Label: "Décimal", Type: demarches.DecimalNumber},
			{StableID: 5, Label: "Choix", Type: demarches.MultipleDropDownList, Options: []string{"a", "b"}},
			{StableID: 6, Label: "Jour", Type: demarches.Date},
			{StableID: 7, Label: "Heure", Type: demarches.Datetime},
			{StableID: 8, Label: "Fichiers", Type: demarches.PieceJustificative},
			{StableID: 9, Label: "Lignes", Type: demarches.Repetition, Fields: []demarches.Field{
				{StableID: 10, Label: "Nom", Type: demarches.Text},
				{StableID: 11, Label: "Pièce", Type: demarches.PieceJustificative},
			}},
		},
		Annotations: []demarches.Field{{StableID: 20, Label: "Note", Type: demarches.Text}},
	}
}

func keptOptions(c *clock) demarches.Options {
	return demarches.Options{
		Token: token, Clock: c.time,
		Demarches: []demarches.Demarche{
			{Form: everyKind(), Labels: []string{"vu"}, Groups: []demarches.Group{
				{Label: "un", Agents: []string{"a@dinum.example"}}, {Label: "deux", Agents: []string{"b@dinum.example"}},
			}},
			{Form: demarches.ConsoleAccessForm(form)},
		},
	}
}

func drawnAnswers(t *rapid.T) demarches.Answers {
	at := monday.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "at")))
	file := demarches.Attachment{
		Filename: rapid.String().Draw(t, "filename"), ContentType: "text/plain",
		Content: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "content"),
	}
	all := demarches.Answers{
		1: rapid.String().Draw(t, "text"), 2: rapid.Bool().Draw(t, "box"), 3: rapid.Int().Draw(t, "whole"),
		4: rapid.Float64().Draw(t, "number"), 5: rapid.SliceOf(rapid.SampledFrom([]string{"a", "b"})).Draw(t, "list"),
		6: at, 7: at, 8: []demarches.Attachment{file},
		9: []demarches.Answers{{10: "ligne", 11: []demarches.Attachment{file}}, {}},
	}
	for id := range all {
		if rapid.Bool().Draw(t, "left out") {
			delete(all, id)
		}
	}
	return all
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &clock{now: monday}
		s := demarches.New(keptOptions(c))
		defer s.Close()
		var numbers []int
		for range rapid.IntRange(0, 30).Draw(t, "acts") {
			c.advance(time.Duration(rapid.IntRange(0, 3e9).Draw(t, "wait")))
			if len(numbers) == 0 || rapid.IntRange(0, 3).Draw(t, "file") == 0 {
				n, err := s.File(7, demarches.Application{
					Email:     rapid.SampledFrom([]string{"", "x@example.org"}).Draw(t, "email"),
					Applicant: demarches.Applicant{LastName: "Martin", Company: &demarches.Company{SIRET: "13002526500013"}},
					Answers:   drawnAnswers(t),
				})
				require.NoError(t, err)
				numbers = append(numbers, n)
				continue
			}
			n := rapid.SampledFrom(numbers).Draw(t, "number")
			// What is refused changes nothing, which is as good a state as any.
			_ = rapid.SampledFrom([]func() error{
				func() error { return s.StartInstruction(n) },
				func() error { return s.Accept(n, "bien") },
				func() error { return s.Refuse(n, "non") },
				func() error { return s.BackToInstruction(n) },
				func() error { return s.BackToConstruction(n) },
				func() error { return s.Archive(n) },
				func() error { return s.Delete(n) },
				func() error { return s.Restore(n) },
				func() error { return s.Purge(n) },
				func() error { return s.Expire(n) },
				func() error { return s.HideByApplicant(n) },
				func() error { return s.Reroute(n, "deux") },
				func() error { return s.WriteMessage(n, "bonjour") },
				func() error { return s.AskCorrection(n, "à revoir", "incomplete") },
				func() error { return s.Annotate(n, demarches.Answers{20: "noté"}) },
				func() error { return s.Edit(n, drawnAnswers(t)) },
				func() error { return s.Edit(n, demarches.Answers{1: nil}) },
				func() error { return s.DeleteAccount(n) },
			}).Draw(t, "act")()
		}

		var saved, again bytes.Buffer
		require.NoError(t, s.Save(&saved))
		loaded := demarches.New(keptOptions(c))
		defer loaded.Close()
		require.NoError(t, loaded.Load(bytes.NewReader(saved.Bytes())))
		require.NoError(t, loaded.Save(&again))
		require.Equal(t, saved.String(), again.String())

		require.Len(t, loaded.Dossiers(), len(s.Dossiers()))
		for _, n := range numbers {
			require.Equal(t, s.History(n), loaded.History(n))
			require.Equal(t, s.Messages(n), loaded.Messages(n))
			require.Equal(t, s.FileLinks(n), loaded.FileLinks(n))
		}
		query := `{ demarche(number: 7) { dossiers { nodes { number state dateDerniereModification
			groupeInstructeur { number } instructeurs { id } champs { label stringValue } messages { id body } traitements { id } } }
			deletedDossiers { nodes { number reason } } pendingDeletedDossiers { nodes { number } } } }`
		require.Equal(t, call(t, s, query), call(t, loaded, query))

		next, err := s.File(form, demarches.Application{Answers: demarches.ConsoleAccessAnswers("Suite")})
		require.NoError(t, err)
		other, err := loaded.File(form, demarches.Application{Answers: demarches.ConsoleAccessAnswers("Suite")})
		require.NoError(t, err)
		require.Equal(t, next, other, "numbers go on")
		require.Equal(t, s.FileLinks(next), loaded.FileLinks(other))
	})
}

func TestLoadRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := &clock{now: monday}
	s := demarches.New(keptOptions(c))
	t.Cleanup(s.Close)
	number, err := s.File(7, demarches.Application{Answers: demarches.Answers{1: "gardé"}})
	require.NoError(t, err)
	var saved bytes.Buffer
	require.NoError(t, s.Save(&saved))
	good := strings.TrimSpace(saved.String())

	replace := func(old, with string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, with, 1)
	}
	for name, bad := range map[string]string{
		"empty":            "",
		"cut off":          good[:len(good)/2],
		"no file of ours":  `{"format":"other","version":1}`,
		"more":             good + "{}",
		"newer":            replace(`"version":1`, `"version":2`),
		"no version":       replace(`"version":1`, `"version":0`),
		"unknown state":    replace(`"state":"en_construction"`, `"state":"perdu"`),
		"unknown group":    replace(`"group":1`, `"group":99`),
		"unknown démarche": replace(`"demarche":7`, `"demarche":8`),
		"other field":      replace(`"1":"text"`, `"1":"checkbox"`),
		"no value":         replace(`{"text":"gardé"}`, `{}`),
		"wrong type":       replace(`{"text":"gardé"}`, `{"int":"x"}`),
	} {
		require.Error(t, s.Load(strings.NewReader(bad)), name)
		var after bytes.Buffer
		require.NoError(t, s.Save(&after))
		require.Equal(t, good, strings.TrimSpace(after.String()), "%s: nothing half loaded", name)
	}
	require.ErrorContains(t, s.Load(strings.NewReader(replace(`"version":1`, `"version":2`))), "newer program")

	// An agent, a group and a label that came since keep out of the way of old ones.
	options := keptOptions(c)
	options.Demarches[0].Groups = append([]demarches.Group{{Label: "zéro", Agents: []string{"z@dinum.example"}}}, options.Demarches[0].Groups...)
	options.Demarches[0].Labels = []string{"nouveau", "vu"}
	later := demarches.New(options)
	t.Cleanup(later.Close)
	require.NoError(t, later.Load(strings.NewReader(good)))
	d, _ := later.Dossier(number)
	require.Equal(t, "un", d.Group)
	answer := call(t, later, "{ demarche(number: 7) { labels { id name } groupeInstructeurs { number label instructeurs { id } } } }")
	require.Equal(t, []any{"vu", "nouveau"}, []any{at(answer, "demarche", "labels", 0, "name"), at(answer, "demarche", "labels", 1, "name")})
	seen := map[any]bool{}
	for n := range 3 {
		seen[at(answer, "demarche", "groupeInstructeurs", n, "number")] = true
		seen[at(answer, "demarche", "groupeInstructeurs", n, "instructeurs", 0, "id")] = true
	}
	require.Len(t, seen, 6)
}
