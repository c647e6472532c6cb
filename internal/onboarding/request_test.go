package onboarding_test

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestRequest(t *testing.T) {
	t.Parallel()

	t.Run("TheIDComesBeforeTheLabel", func(t *testing.T) {
		t.Parallel()
		w := newWorld(example(t))
		field := w.journey.Demarches[0].Fields[onboarding.FactProject]
		w.dossier.Answers = []onboarding.Answer{
			{Champ: "another", Label: field.Label, Text: "by its label"},
			{Champ: field.ID, Label: "renamed", Text: " by its id "},
		}
		require.Equal(t, "by its id", w.journey.Request(&w.dossier).Project)
	})

	t.Run("TheLabelIsTheFallback", func(t *testing.T) {
		t.Parallel()
		w := newWorld(example(t))
		w.dossier.Answers = []onboarding.Answer{{Champ: "another", Label: " nom  DU\tprojet ", Text: "Portail"}}
		require.Equal(t, "Portail", w.journey.Request(&w.dossier).Project)
	})

	t.Run("EmptyNamesMatchNothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(example(t))
		w.journey.Demarches[0].Fields = map[onboarding.Fact]onboarding.Field{
			onboarding.FactProject: {ID: "x"}, onboarding.FactSummary: {Label: "y"}, onboarding.FactRole: {},
		}
		w.dossier.Answers = []onboarding.Answer{{Text: "nobody's"}}
		request := w.journey.Request(&w.dossier)
		require.Empty(t, request.Project+request.Summary+request.Role)
	})

	t.Run("WithoutAnOrganisationTheDemandeur", func(t *testing.T) {
		t.Parallel()
		w := newWorld(example(t))
		w.dossier.Demandeur = "Commune de Sète"
		require.Equal(t, "Commune de Sète", w.journey.Request(&w.dossier).Organisation)
	})

	t.Run("AMinistryIsYesNoOrUnknown", func(t *testing.T) {
		t.Parallel()
		w, no := newWorld(example(t)), false
		require.Nil(t, w.journey.Request(&w.dossier).Ministry)
		w.dossier.Answers = []onboarding.Answer{{Champ: w.journey.Demarches[0].Fields[onboarding.FactMinistry].ID, Checked: &no}}
		require.Equal(t, &no, w.journey.Request(&w.dossier).Ministry)
	})

	t.Run("OfAFormThatIsNotConfigured", func(t *testing.T) {
		t.Parallel()
		w := newWorld(example(t))
		w.dossier.Demarche = 1
		require.Empty(t, w.journey.Request(&w.dossier).Project)
		require.Zero(t, onboarding.Stand(w.journey, &w.dossier, w.record).Step)
	})
}

// team returns what is read of the field for the team's addresses.
func team(t require.TestingT, text string) onboarding.Request {
	w := newWorld(example(t))
	w.dossier.UsagerEmail = ""
	w.dossier.Answers = []onboarding.Answer{{Champ: w.journey.Demarches[0].Fields[onboarding.FactTeamEmails].ID, Text: text}}
	return w.journey.Request(&w.dossier)
}

func TestRequest_Emails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		emails []string
		bad    int
	}{
		{"", nil, 0},
		{"a@x.fr", []string{"a@x.fr"}, 0},
		{"A.B@X.fr;a.b@x.fr", []string{"a.b@x.fr"}, 0},
		{"a@x.fr, b@x.fr\n\tc@x.fr\u00a0d@x.fr;;e@x.fr\r\n", []string{"a@x.fr", "b@x.fr", "c@x.fr", "d@x.fr", "e@x.fr"}, 0},
		{"jean et a@x.fr", []string{"a@x.fr"}, 2},
		{"a@localhost a@x..fr a@.fr a@x.fr. @x.fr a@ a@@x.fr a@b@x.fr", nil, 8},
		{"a@x.fr\x00 /assign@x.fr <b@x.fr> \"c d\"@x.fr (c)a@x.fr a@[127.0.0.1]", nil, 7},
		{"é@x.fr a@é.fr", nil, 2},
		{strings.Repeat("a", 250) + "@x.fr", nil, 1},
		{"o'brien+x@sous.domaine.gouv.fr", []string{"o'brien+x@sous.domaine.gouv.fr"}, 0},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			request := team(t, tt.text)
			require.Equal(t, tt.emails, request.Emails[onboarding.AudienceTeam])
			require.Equal(t, tt.bad, request.BadEmails[onboarding.AudienceTeam])
		})
	}

	t.Run("WhateverIsTyped", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			word := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z.+'=@<>"/-]{0,12}@[a-z.-]{0,10}`))
			text := strings.Join(rapid.SliceOf(word).Draw(t, "words"), " ")
			seen := map[string]bool{}
			for _, email := range team(t, text).Emails[onboarding.AudienceTeam] {
				require.False(t, seen[email])
				seen[email] = true
				address, err := mail.ParseAddress(email)
				require.NoError(t, err)
				require.Equal(t, strings.ToLower(email), address.Address)
				require.NotRegexp(t, "[\\s,;<>\"()/\\\\`\\[\\]*|]", email)
			}
		})
	})
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(example(t))
	fields := w.journey.Demarches[0].Fields
	w.dossier.UsagerEmail = "Camille@x.fr"
	w.dossier.Answers = []onboarding.Answer{
		{Champ: fields[onboarding.FactPilotEmails].ID, Text: "pilote@x.fr"},
		{Champ: fields[onboarding.FactTeamEmails].ID, Text: "zoe@x.fr camille@x.fr pilote@x.fr anne@x.fr"},
	}
	require.Equal(t, []onboarding.Invitation{
		{Level: "maintainer", Emails: []string{"pilote@x.fr"}},
		{Level: "developer", Emails: []string{"anne@x.fr", "camille@x.fr", "zoe@x.fr"}},
	}, w.journey.Invitations(&w.dossier), "somebody named twice gets the higher level")

	w.journey.GitLab.Access = nil
	require.Empty(t, w.journey.Invitations(&w.dossier))
}
