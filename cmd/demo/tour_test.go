package main

import (
	"context"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

func TestTour(t *testing.T) {
	t.Parallel()

	t.Run("French", func(t *testing.T) {
		t.Parallel()
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		r := runDemoIn(ctx, demo{settled: func(s *scene) {
			defer stop()
			lookAtTour(t, s)
		}}, nil, "-tour", "-pace", "0")
		require.Equal(t, 0, r.code, r.stderr)
		for _, told := range []string{
			" 1. Une équipe remplit le diagnostic flash", "12. Mise en production", "Vouliez-vous dire `/passerelle statut`",
			"fait suite au dossier 1001, par la référence saisie", "bac à sable : en production", "message au demandeur : à corriger",
			"chacun une seule fois ; le registre est intact.", "everything goes on running until Ctrl-C",
		} {
			require.Contains(t, r.stdout, told)
		}
		require.NotContains(t, r.stdout, "passerelle:1", "no marks")
		require.NotContains(t, r.stderr, "demo:")
		require.NoDirExists(t, r.scene.postgres.Dir())
	})

	t.Run("English", func(t *testing.T) {
		t.Parallel()
		r := runDemo(t, demo{}, nil, "-tour", "-once", "-pace", "0", "-lang", "en", "-trouble", "lose:2")
		require.Equal(t, 0, r.code, r.stderr)
		require.Contains(t, r.stdout, "12. Into production")
		require.Contains(t, r.stdout, "goes on from dossier 1001, by the reference given")
		require.Contains(t, r.stdout, "2 dossiers, 1 group, 1 project, 2 issues, 7 messages to the team, each just once; the ledger is intact.")
		require.NotContains(t, r.stdout, "everything goes on running")
	})

	t.Run("DoesNotCome", func(t *testing.T) {
		t.Parallel()
		r := runDemo(t, demo{}, func(s *scene) {
			s.GitLab.Faults().Add(fault.Rule{Operation: "POST /projects/:id/issues", Kind: fault.Status, Status: 400})
		}, "-tour", "-once", "-pace", "0", "-timeout", "2s")
		require.Equal(t, exitFailed, r.code)
		require.Contains(t, r.stderr, "demo: the tour stopped at act 1 (A team fills in the first form): after 2s there is no sign of the tracking issue, "+
			"or of the message that the dossier is received; look at "+r.scene.DSURL+"/dossiers/1001\n")
		require.NotContains(t, r.stdout, " 2. ")
	})

	t.Run("Interrupted", func(t *testing.T) {
		t.Parallel()
		ctx, stop := context.WithCancel(t.Context())
		r := runDemoIn(ctx, demo{}, func(*scene) { stop() }, "-tour")
		require.Equal(t, exitFailed, r.code)
		require.Equal(t, "demo: interrupted before the tour’s end\n", r.stderr)
	})
}

// lookAtTour looks at the pages that a tour leaves behind.
func lookAtTour(t *testing.T, s *scene) {
	t.Helper()
	const first, second = firstNumber, firstNumber + 1
	link := ""
	for _, message := range s.DS.Messages(first) {
		if found := nextFormLink.FindString(message.Body); found != "" {
			link = found
		}
	}
	_, form := get(t, link, "Accept", "text/html")
	require.Contains(t, form, `value="`+newCritic(s).marks.Reference("CPN", first)+`"`)
	require.Contains(t, form, `value="`+tourProject+`"`)
	require.Regexp(t, `name="champ_102" value="true" checked`, form)

	_, desk := get(t, s.deskURL(second), "Accept", "text/html")
	require.Contains(t, desk, `/-/issues/2" rel=`, "a private annotation, as a link")
	require.Contains(t, desk, `/bac-a-sable" rel=`)
	_, thread := get(t, s.GitLabURL+"/"+stage.TrackingProject+"/-/issues/2", "Accept", "text/html")
	require.Contains(t, thread, "c’est noté, go à l’étape 4")
	require.Contains(t, thread, "<option>"+stage.Reporter)
	_, story := get(t, s.control.URL+"/ledger/1002", "Accept", "text/html")
	require.NotRegexp(t, `(?i)>[a-z]+_[a-z_]+<`, story, "every kind is told in words")
	require.Contains(t, story, "jalon de l’étape 2 : go, décidé dans GitLab")
	_, forms := get(t, s.DSURL+"/", "Accept", "text/html")
	require.Less(t, strings.Index(forms, "/commencer/prequalification"), strings.Index(forms, "/commencer/cloud-pi-native"))
	_, home := get(t, s.control.URL+"/", "Accept", "text/html")
	require.Less(t, strings.Index(home, s.formURL(stage.Prequalification)), strings.Index(home, s.formURL(stage.Form)))
	require.Contains(t, html.UnescapeString(home), "Tout est juste")
	dossier, _ := s.DS.Dossier(second)
	require.Equal(t, true, dossier.Answers[demarches.FieldStateless])
}
