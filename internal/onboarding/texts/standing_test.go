package texts

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// spaces makes no-break spaces plain ones, to compare.
func spaces(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

func requireParts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		require.Contains(t, spaces(text), part)
	}
	require.NotContains(t, text, "\n\n\n")
	require.NotContains(t, text, "<no value>")
}

var since = time.Date(2026, time.March, 3, 10, 0, 0, 0, time.UTC)

// rich is a dossier of the second step that says everything.
func rich() *onboarding.Dossier {
	d := dossier(onboarding.EnConstruction, "Portail")
	yes := true
	for i := range d.Answers {
		if d.Answers[i].Champ == string(onboarding.FactMinistry) {
			d.Answers[i].Checked = &yes
		}
	}
	return d
}

func TestNote_Standing(t *testing.T) {
	t.Parallel()
	bundle := setup(t)
	note := func(change func(*onboarding.Note)) string {
		n := onboarding.Note{State: onboarding.EnConstruction, Standing: onboarding.Standing{
			Step: 2, Waiting: onboarding.PartyAgents, Since: since, Unmet: []string{"rootless"}, Wanting: []string{"tested"},
			Eligibility: onboarding.Eligibility{Case: 1, Reasons: []onboarding.Fact{onboarding.FactMinistry}},
		}}
		change(&n)
		return bundle.texts.Note(rich(), n)
	}

	t.Run("WhereItStands", func(t *testing.T) {
		t.Parallel()
		text := note(func(*onboarding.Note) {})
		requireParts(t, text,
			"**Étape 2 sur 5 : Structurer un plan projet** (dernier mouvement le 3 mars 2026)", "- Prochaine action : les agents (équipe adoption)",
			"- Objectif de l’étape, pour l’équipe : Le but\n", "- Jalon de l’étape : Prêts ?", "- Livrable attendu : draft", "nécessaires au go : Images sans root", "Autres prérequis non remplis : Tests écrits",
			"- Accompagnement prévu : tout (cas 1 : ministère), d’après les réponses : rattachement à un ministère : oui", "\nCommandes : `/passerelle aide`\n")
		require.Less(t, strings.Count(text, "\n"), 20, "it is tidy")
	})
	for name, tt := range map[string]struct {
		change func(*onboarding.Note)
		want   []string
	}{
		"AnswersAreMissing": {func(n *onboarding.Note) {
			n.Standing.Eligibility = onboarding.Eligibility{Missing: []onboarding.Fact{onboarding.FactMinistry, onboarding.FactInfrastructure}}
		}, []string{"faute de réponse sur : rattachement à un ministère · infrastructure visée"}},
		"Blocked": {func(n *onboarding.Note) { n.Standing.Blocked, n.Standing.BlockReason = true, "audit\nen cours" }, []string{"**Embarquement bloqué** :\n\n> audit\n> en cours\n"}},
		"GoOnItsWay": {func(n *onboarding.Note) {
			n.Standing.Decision, n.Standing.Waiting, n.Standing.Reason = onboarding.Go, onboarding.PartyHub, "vu"
		}, []string{"Décision : **go**, en cours de report dans Démarches Simplifiées.", "> vu", "- Prochaine action : Passerelle, le temps que"}},
		"NoGo": {func(n *onboarding.Note) {
			n.Standing.Step, n.Standing.Decision, n.Standing.Reason, n.Standing.Waiting = 3, onboarding.DecidedNo, "tests", onboarding.PartyApplicant
		}, []string{"Décision : **no-go** ; l’étape est à reprendre.", "> tests", "- Prochaine action : le demandeur", "- Jalon de l’étape : Testé ?\n- Pour décider à nouveau : `/passerelle go`\n"}},
		"NoGoFailed": {func(n *onboarding.Note) {
			n.Standing.Decision, n.Standing.Waiting, n.Failures = onboarding.DecidedNo, onboarding.PartyHub, []string{"DS refused"}
		}, []string{"Décision : **no-go**, qui n’est pas reportée dans Démarches Simplifiées : une intervention est nécessaire", "- Prochaine action : l’administrateur de Passerelle"}},
		"Refused": {func(n *onboarding.Note) {
			n.State, n.Standing.Decision, n.Standing.Stopped, n.Standing.Waiting = onboarding.Refuse, onboarding.DecidedNo, true, onboarding.PartyNobody
		}, []string{"- Jalon de l’étape : Prêts ?\n- Pour décider à nouveau : rouvrir le dossier dans [Démarches Simplifiées](https://ds"}},
		"NoCase": {func(n *onboarding.Note) { n.Standing.Eligibility = onboarding.Eligibility{} }, []string{"- Accompagnement : aucun cas ne correspond aux réponses\n"}},
		"InProduction": {func(n *onboarding.Note) {
			n.Standing.Step, n.Standing.Passes, n.ProjectURL = 5, []onboarding.Pass{{Step: 4}}, "https://gitlab.example.org/g/p"
		}, []string{"- Projet dans GitLab : <https://gitlab.example.org/g/p>"}},
		"Stopped": {func(n *onboarding.Note) {
			n.Standing.Stopped, n.Standing.Waiting, n.Standing.Reason, n.Motivation = true, onboarding.PartyNobody, "motif", "motif"
		}, []string{"s’est arrêté à cette étape", "Motif donné dans Démarches Simplifiées :\n\n> motif"}},
		"Continued": {func(n *onboarding.Note) {
			n.Standing.Continued, n.Standing.Waiting = true, onboarding.PartyNobody
			n.Links.FollowedBy = []onboarding.Link{{Number: 77, State: onboarding.EnConstruction, IssueURL: "https://gitlab.example.org/s/-/issues/7"}}
		}, []string{"se poursuit avec le dossier d’un autre formulaire", "- Se poursuit avec le dossier n° 77 (déposé) : <https://gitlab.example.org/s/-/issues/7>"}},
		"Follows": {func(n *onboarding.Note) {
			n.Links.Follows = &onboarding.Link{Number: 12, State: onboarding.Accepte}
			n.Links.Candidates = []int64{13}
		}, []string{"- Fait suite au dossier n° 12 (accepté)\n"}},
		"Candidates":   {func(n *onboarding.Note) { n.Links.Candidates = []int64{13} }, []string{"- Peut-être la suite du dossier n° 13 (même demandeur, même projet) : `/passerelle rattacher 13`\n"}},
		"BadReference": {func(n *onboarding.Note) { n.BadReference = true }, []string{"n’est celle d’aucun dossier"}},
		"Unsent":       {func(n *onboarding.Note) { n.Unsent = onboarding.UnreachableArchived }, []string{"n’a pas pu être prévenu : le dossier est archivé"}},
		"Correcting": {func(n *onboarding.Note) {
			n.Standing.Correcting, n.Standing.Waiting = true, onboarding.PartyApplicant
		}, []string{"le demandeur, qui doit corriger son dossier"}},
		"Hosting":   {func(n *onboarding.Note) { n.Standing.Step, n.Standing.Hosting = 4, "REF-12" }, []string{"- Demande d’hébergement : `REF-12`"}},
		"NoHosting": {func(n *onboarding.Note) { n.Standing.Step = 4 }, []string{"référence à fournir par `/passerelle hébergement RÉFÉRENCE` ([faire la demande](https://example.org/demande))"}},
		"Passes": {func(n *onboarding.Note) {
			n.Standing.Step = 3
			n.Standing.Passes = []onboarding.Pass{
				{Step: 1, At: since, ByDS: true, Overrides: []string{"rootless", "tested"}}, {Step: 2, Overrides: []string{"rootless"}, Reason: "audit\nfait"},
			}
		}, []string{
			"- Étape 1 franchie le 3 mars 2026, par acceptation dans Démarches Simplifiées ; prérequis outrepassés : Images sans root · Tests écrits\n",
			"- Étape 2 franchie, par décision d’un agent dans GitLab ; prérequis outrepassés : Images sans root ; motif : audit fait\n",
		}},
		"Ended": {func(n *onboarding.Note) {
			n.Standing.Step, n.Standing.Ended, n.Standing.Waiting = 5, true, onboarding.PartyNobody
		}, []string{"Étape 5 sur 5", "arrivé à sa dernière étape"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := note(tt.change)
			requireParts(t, text, tt.want...)
			require.LessOrEqual(t, strings.Count(text, "> motif"), 1, "a reason is told once")
		})
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	bundle := setup(t)
	answer := func(r onboarding.Record, commands ...onboarding.Command) string {
		for i := range commands {
			commands[i].ID, commands[i].Line = 9, i
			if commands[i].Source == "" {
				commands[i].Source = onboarding.FromNote
			}
		}
		return bundle.texts.Answer(rich(), commands, onboarding.Stand(bundle.journey, rich(), onboarding.Record{}), r)
	}
	type command = onboarding.Command
	for name, tt := range map[string]struct {
		command command
		want    []string
	}{
		"GoAtTheForm":   {command{Verb: onboarding.VerbGo, Outcome: onboarding.Done, Step: 2}, []string{"**`/passerelle go`** : c’est noté, go à l’étape 2", "Passerelle accepte le dossier"}},
		"GoLater":       {command{Verb: onboarding.VerbGo, Outcome: onboarding.Done, Step: 3}, []string{"passe à l’étape 4, « Passer en production »"}},
		"Overridden":    {command{Verb: onboarding.VerbGo, Outcome: onboarding.Done, Step: 2, Detail: "rootless", Argument: "audit"}, []string{"Prérequis outrepassés", "\n- Images sans root\n", "> audit"}},
		"Unmet":         {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedUnmet, Step: 2, Detail: "rootless tested"}, []string{"\n- Images sans root\n- Tests écrits\n", "`/passerelle corriger TEXTE`", "`/passerelle go MOTIF`"}},
		"NoGoRefuse":    {command{Verb: onboarding.VerbNoGo, Outcome: onboarding.Done, Step: 2, Argument: "non"}, []string{"Passerelle refuse le dossier", "> non"}},
		"NoGoClass":     {command{Verb: onboarding.VerbNoGo, Outcome: onboarding.Done, Step: 1, Argument: "non"}, []string{"classe le dossier sans suite"}},
		"NoGoRetry":     {command{Verb: onboarding.VerbNoGo, Outcome: onboarding.Done, Step: 3, Argument: "non"}, []string{"L’étape reste ouverte"}},
		"NoGoStop":      {command{Verb: onboarding.VerbNoGo, Outcome: onboarding.Done, Step: 4, Argument: "non"}, []string{"L’embarquement s’arrête"}},
		"GoNoHosting":   {command{Verb: onboarding.VerbGo, Outcome: onboarding.Done, Step: 4}, []string{"passe à l’étape 5", "d’hébergement n’est pas notée : `/passerelle hébergement RÉFÉRENCE`."}},
		"LabelRights":   {command{Source: onboarding.FromLabel, Verb: onboarding.VerbGo, Outcome: onboarding.RefusedRights}, []string{"L’étiquette est retirée."}},
		"UnlabelRights": {command{Source: onboarding.FromLabel, Verb: onboarding.VerbUnblock, Outcome: onboarding.RefusedRights}, []string{"L’étiquette est remise."}},
		"CorrectLate":   {command{Verb: onboarding.VerbCorrect, Outcome: onboarding.RefusedDecided, Step: 2}, []string{"le dossier est déjà déposé : Démarches Simplifiées ne prend plus de correction. Écrivez au demandeur"}},
		"LastStep":      {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedStep, Step: 5}, []string{"il n’y a plus de jalon à décider : c’est la dernière étape."}},
		"BlockLate":     {command{Verb: onboarding.VerbBlock, Outcome: onboarding.RefusedStep, Step: 5}, []string{"l’embarquement est terminé ou se poursuit ailleurs."}},
		"AlreadyGo":     {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedAlready, Step: 2}, []string{"le go est déjà donné à l’étape 2, « Structurer un plan projet ». Reste possible : `/passerelle no-go MOTIF`"}},
		"AlreadyNoGo":   {command{Verb: onboarding.VerbNoGo, Outcome: onboarding.RefusedAlready, Step: 3}, []string{"le no-go est déjà donné à l’étape 3, « Lancer son projet ». Reste possible : `/passerelle go`."}},
		"ALabel":        {command{Source: onboarding.FromLabel, Verb: onboarding.VerbNoGo, Outcome: onboarding.Done, Step: 2}, []string{"**Étiquette `no-go` posée**"}},
		"ALabelOff":     {command{Source: onboarding.FromLabel, Verb: onboarding.VerbUnblock, Outcome: onboarding.Done, Step: 2}, []string{"**Étiquette `bloqué` retirée** : l’embarquement reprend"}},
		"Rights":        {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedRights}, []string{"au niveau `developer` ou au-dessus"}},
		"Nearest":       {command{Verb: onboarding.VerbUnknown, Outcome: onboarding.RefusedUnknown, Argument: "debloqer vite", Detail: "debloquer"}, []string{"« debloqer vite » n’est pas une commande", "Vouliez-vous dire `/passerelle débloquer` ?"}},
		"NotNear":       {command{Verb: onboarding.VerbUnknown, Outcome: onboarding.RefusedUnknown, Argument: "vendre"}, []string{"« vendre » n’est pas une commande. La liste"}},
		"TooMany":       {command{Verb: onboarding.VerbUnknown, Outcome: onboarding.RefusedUnknown, Detail: onboarding.TooManyCommands}, []string{"trop de commandes"}},
		"NoReason":      {command{Verb: onboarding.VerbNoGo, Outcome: onboarding.RefusedArgument}, []string{"Il faut un motif : `/passerelle no-go MOTIF`"}},
		"NoText":        {command{Verb: onboarding.VerbCorrect, Outcome: onboarding.RefusedArgument}, []string{"ce qui est à corriger"}},
		"NoNumber":      {command{Verb: onboarding.VerbJoin, Outcome: onboarding.RefusedArgument}, []string{"`/passerelle rattacher NUMÉRO`"}},
		"Decided":       {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedDecided}, []string{"a une décision (dossier déposé), et c’est elle qui vaut"}},
		"IsBlocked":     {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedBlocked}, []string{"D’abord `/passerelle débloquer`"}},
		"Elsewhere":     {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedElsewhere}, []string{"pas encore déposé"}},
		"Step":          {command{Verb: onboarding.VerbHosting, Outcome: onboarding.RefusedStep, Step: 2}, []string{"la référence se note à partir de l’étape 4, « Passer en production »."}},
		"Already":       {command{Verb: onboarding.VerbBlock, Outcome: onboarding.RefusedAlready}, []string{"déjà bloqué"}},
		"Correction":    {command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedCorrection}, []string{"doit d’abord le corriger"}},
		"Correct":       {command{Verb: onboarding.VerbCorrect, Outcome: onboarding.Done, Argument: "les URL"}, []string{"rendu au demandeur", "> les URL"}},
		"Pending":       {command{Verb: onboarding.VerbCorrect, Outcome: onboarding.Done, Argument: "x", Detail: onboarding.CorrectionPending}, []string{"déjà en attente"}},
		"Hosting":       {command{Verb: onboarding.VerbHosting, Outcome: onboarding.Done, Argument: "REF-12"}, []string{"notée, `REF-12`."}},
		"Join":          {command{Verb: onboarding.VerbJoin, Outcome: onboarding.Done, Argument: "1001"}, []string{"fait désormais suite au dossier n° 1001"}},
		"Status":        {command{Verb: onboarding.VerbStatus, Outcome: onboarding.Done}, []string{"**Étape 2 sur 5 : Structurer un plan projet**"}},
		"Help":          {command{Verb: onboarding.VerbHelp, Outcome: onboarding.Done}, []string{"\n- `/passerelle débloquer` : ", "\n- `/passerelle hébergement RÉFÉRENCE` : ", "`go` pour un go"}},
		"Relabel":       {command{Source: onboarding.FromLabel, Verb: onboarding.VerbRelabel, Outcome: onboarding.Done}, []string{"**Étiquettes modifiées**", "remis celles qui conviennent", "`no-go` pour un no-go"}},
		"Close":         {command{Source: onboarding.FromState, Verb: onboarding.VerbClose, Outcome: onboarding.Done}, []string{"**Ticket fermé**", "l’a rouvert", "`/passerelle no-go MOTIF`"}},
		"Reopen":        {command{Source: onboarding.FromState, Verb: onboarding.VerbReopen, Outcome: onboarding.Done}, []string{"**Ticket rouvert**", "l’a refermé"}},
		"Cut":           {command{Verb: onboarding.VerbBlock, Outcome: onboarding.Done, Argument: strings.Repeat("é", 3999) + "…"}, []string{"trop long"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := answer(onboarding.Record{}, tt.command)
			requireParts(t, text, tt.want...)
			require.True(t, bundle.marks.In(text, 42, onboarding.AnswerKey("note 9")) || tt.command.Source != "")
			traced := onboarding.ReadTrace(text)
			require.Len(t, traced, 1)
			require.Equal(t, tt.command.Verb, traced[0].Verb)
			require.Equal(t, tt.command.Detail, traced[0].Detail)
		})
	}

	t.Run("Late", func(t *testing.T) {
		t.Parallel()
		late := func(outcome onboarding.Outcome) string {
			c := command{Source: onboarding.FromNote, Verb: onboarding.VerbGo, Outcome: outcome, Step: 4}
			return bundle.texts.Answer(rich(), []command{c}, onboarding.Standing{Step: 4, Passes: []onboarding.Pass{{Step: 3, At: since}}}, onboarding.Record{})
		}
		requireParts(t, late("earlier"), "sans effet, l’étape 3 a été franchie entre-temps, le 3 mars 2026 : redire la commande si elle vaut pour l’étape 4, « Passer en production ».")
		requireParts(t, late("stale"), "sans effet, une décision plus récente vaut déjà.")
	})
	t.Run("ElsewhereLeadsThere", func(t *testing.T) {
		t.Parallel()
		text := answer(onboarding.Record{Links: onboarding.Links{FollowedBy: []onboarding.Link{{Number: 77, IssueURL: "https://gitlab.example.org/7"}}}},
			command{Verb: onboarding.VerbGo, Outcome: onboarding.RefusedElsewhere})
		requireParts(t, text, "- dossier n° 77 : <https://gitlab.example.org/7>")
	})
	t.Run("Several", func(t *testing.T) {
		t.Parallel()
		text := answer(onboarding.Record{}, command{Verb: onboarding.VerbBlock, Outcome: onboarding.Done, Argument: "a"}, command{Verb: onboarding.VerbStatus, Outcome: onboarding.Done})
		require.Len(t, onboarding.ReadTrace(text), 2)
		require.True(t, bundle.marks.In(text, 42, onboarding.AnswerKey("note 9")))
	})
	t.Run("None", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, bundle.texts.Answer(rich(), nil, onboarding.Standing{}, onboarding.Record{}))
	})
}

// Every verb that can come out so says something, in either language.
func TestAnswer_SaysSomething(t *testing.T) {
	t.Parallel()
	said := regexp.MustCompile(`(?m)^\*\*[^*]+\*\*\s?: ?\S.*|^\*\*[^*]+\*\*\s?:$`)
	for language := range vocabulary {
		bundle := setup(t, func(j *onboarding.Journey) { j.Language = language })
		for _, c := range sampleCommands() {
			if (c.Verb == onboarding.VerbUnknown) != (c.Outcome == onboarding.RefusedUnknown) {
				continue
			}
			c.Source = onboarding.FromNote
			text := bundle.texts.Answer(rich(), []onboarding.Command{c}, onboarding.Standing{Step: 2}, onboarding.Record{})
			require.Regexp(t, said, spaces(text), "%s %s", c.Verb, c.Outcome)
		}
	}
}

func TestReminder(t *testing.T) {
	t.Parallel()
	bundle := setup(t)
	standing := onboarding.Standing{Step: 3, Waiting: onboarding.PartyAgents, Since: since}
	for key, want := range map[string][]string{
		"reminder 1772532000 1": {"**Rappel n° 1 : rien n’a bougé depuis le 3 mars 2026**", "Ce qui est attendu : décider (`/passerelle go`", "Étape 3 sur 5", "/passerelle aide"},
		"reminder 1772532000 2": {"Rappel n° 2", "C’est le dernier rappel"},
		"check_up 3":            {"**Point annuel n° 3 : dossier n° 42, Portail**", "faire le point"},
	} {
		resource := onboarding.ResourceKey{System: onboarding.InGitLab, Kind: onboarding.KindReminder, Key: key}
		text := bundle.texts.Reminder(rich(), resource, standing)
		requireParts(t, text, want...)
		require.True(t, bundle.marks.In(text, 42, resource))
		require.LessOrEqual(t, strings.Count(text, "3 mars"), 1)
		require.NotContains(t, text, "Accompagnement")
		require.NotContains(t, text, "/passerelle corriger", "DS takes none in this step")
		require.Equal(t, strings.HasSuffix(key, "1 2") || strings.HasSuffix(key, "000 2"), strings.Contains(text, "dernier rappel"))
	}
	standing.Blocked = true
	requireParts(t, bundle.texts.Reminder(rich(), onboarding.ResourceKey{Key: "reminder 1 1"}, standing), "lever le blocage (`/passerelle débloquer`)")
}

func TestMessages_Standing(t *testing.T) {
	t.Parallel()
	bundle := setup(t)
	message := func(d *onboarding.Dossier, m onboarding.Message, key onboarding.ResourceKey, commands ...onboarding.Command) string {
		r := provisioned()
		r.Commands = commands
		body, _ := bundle.texts.Message(d, m, key, r)
		return body
	}

	t.Run("All", func(t *testing.T) {
		t.Parallel()
		body := message(rich(), onboarding.MessageReceived, onboarding.MessageKey(onboarding.MessageReceived, 0))
		requireParts(t, body, "étape 2 sur 5, « Structurer un plan projet ».\nObjectif de cette étape, pour votre équipe : Le but.\n", "à l’équipe qui vous accompagne (équipe adoption) d’agir",
			"d’agir.\n\nPrérequis non remplis d’après vos réponses, à compléter ou à expliquer :\n- Images sans root\n\nCe qui peut accélérer l’examen :\n- un plan projet\n\nCe qui se passe ensuite :\n- un examen\n", "- Le cours : https://example.org/cours", "https://ds.example.org/dossiers/42")
		require.NotContains(t, body, "camille@example.org")
	})
	t.Run("Qualified", func(t *testing.T) {
		t.Parallel()
		d := rich()
		d.Demarche, d.State = 6, onboarding.Accepte
		reference := bundle.marks.Reference("CPN", 42)
		requireParts(t, message(d, onboarding.MessageQualified, onboarding.MessageKey(onboarding.MessageQualified, 1)),
			"https://ds.example.org/commencer/acces?champ_project=Portail", "&champ_reference="+reference+"\n", "référence, à conserver : "+reference, "C’est maintenant à vous d’agir.")
	})
	t.Run("Step", func(t *testing.T) {
		t.Parallel()
		d := rich()
		d.State = onboarding.Accepte
		body := message(d, onboarding.MessageStep, onboarding.MessageKey(onboarding.MessageStep, 4),
			onboarding.Command{Verb: onboarding.VerbGo, Step: 3, Outcome: onboarding.Done, At: since})
		requireParts(t, body, "passe à l’étape 4, « Passer en production »", "votre demande d’hébergement (la demande se fait ici : https://example.org/demande)", "Votre bac à sable : ", "https://gitlab.example.org/demo/bac-a-sable")
	})
	t.Run("NoGo", func(t *testing.T) {
		t.Parallel()
		d := rich()
		d.State = onboarding.Accepte
		no := func(step int) onboarding.Command {
			return onboarding.Command{Verb: onboarding.VerbNoGo, Step: step, Outcome: onboarding.Done, At: since, Argument: "tests\nen échec"}
		}
		requireParts(t, message(d, onboarding.MessageNoGo, onboarding.MessageKey(onboarding.MessageNoGo, 3), no(3)),
			"ne peut pas encore passer à l’étape suivante", "tests\nen échec", "le livrable de l’étape : MVP", "C’est maintenant à vous")
		stopped := message(d, onboarding.MessageNoGo, onboarding.MessageKey(onboarding.MessageNoGo, 4),
			onboarding.Command{Verb: onboarding.VerbGo, Step: 3, Outcome: onboarding.Done, At: since}, no(4))
		requireParts(t, stopped, "s’arrête à l’étape 4", "rien n’est supprimé")
		require.NotContains(t, stopped, "d’agir")
	})
	t.Run("Correction", func(t *testing.T) {
		t.Parallel()
		one := onboarding.Command{Source: onboarding.FromNote, ID: 1, Verb: onboarding.VerbCorrect, Outcome: onboarding.Done, Argument: "les URL"}
		two := one
		two.ID, two.Argument = 2, "le nom\ndu projet"
		body := message(rich(), onboarding.MessageCorrection, onboarding.CorrectionKey(&two), one, two)
		requireParts(t, body, "Ce que demande l’équipe :\n\nle nom\ndu projet\n", "d’après vos réponses :\n- Images sans root\n", "sans que cela bloque votre dossier :\n- Tests écrits", "« Modifier le dossier »", "C’est maintenant à vous")
		require.NotContains(t, body, "les URL")
	})
	t.Run("Reminder", func(t *testing.T) {
		t.Parallel()
		d := rich()
		d.AwaitCorrection = true
		requireParts(t, message(d, onboarding.MessageReminder, onboarding.ResourceKey{Key: "reminder 1 1"},
			onboarding.Command{Verb: onboarding.VerbCorrect, Outcome: onboarding.Done, ID: 2, Argument: "le nom", At: since.Add(-100 * time.Hour)},
			onboarding.Command{Verb: onboarding.VerbCorrect, Outcome: onboarding.Done, ID: 1, Argument: "les URL", At: since.Add(-200 * time.Hour)}), "attend une action de votre part depuis le 1er mars 2026", "Votre dossier est à corriger : https://ds.example.org/dossiers/42 (« Modifier le dossier »", "Ce que demande l’équipe :\n\nle nom\n", "\n- Images sans root\n", "Si vous nous avez répondu entre-temps, ne tenez pas compte de ce rappel.")
	})
	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		d := rich()
		d.State = onboarding.Refuse
		body := message(d, onboarding.MessageRefused, onboarding.MessageKey(onboarding.MessageRefused, 1))
		requireParts(t, body, "s’est arrêté à l’étape 2 sur 5, « Structurer un plan projet »", "Motif indiqué par l’équipe :\n\nPortail")
		require.NotContains(t, spaces(body), "besoin de votre part :")
		require.NotContains(t, body, "https://example.org/cours", "what helps in the step that was left")
		requireParts(t, body, "Vous n’avez rien de plus à faire.")
	})
	t.Run("AtMostSixResources", func(t *testing.T) {
		t.Parallel()
		bundle := setup(t, func(j *onboarding.Journey) {
			j.Training = nil
			for range 10 {
				for _, audience := range onboarding.TrainingAudiences() {
					j.Training = append(j.Training, onboarding.Training{Step: 2, Audience: audience, Title: "Pour " + string(audience), URL: "https://example.org/x"})
				}
			}
		})
		body, _ := bundle.texts.Message(rich(), onboarding.MessageReceived, onboarding.MessageKey(onboarding.MessageReceived, 0), onboarding.Record{})
		for audience, count := range map[string]int{"all": 2, "governance": 2, "pilot": 1, "team": 1} {
			require.Equal(t, count, strings.Count(body, "Pour "+audience), audience)
		}
	})
}

func TestAnnotation(t *testing.T) {
	t.Parallel()
	bundle := setup(t)
	shown := onboarding.Shown{Step: 3, SandboxURL: "https://gitlab.example.org/a/b", IssueURL: "https://gitlab.example.org/s/-/issues/1", Eligibility: 1}
	for annotation, want := range map[onboarding.Annotation]string{
		onboarding.AnnotationStep: "Étape 3 sur 5 : Lancer son projet", onboarding.AnnotationSandbox: shown.SandboxURL,
		onboarding.AnnotationIssue: shown.IssueURL, onboarding.AnnotationEligibility: "Cas 1 : tout",
	} {
		require.Equal(t, want, spaces(bundle.texts.Annotation(rich(), annotation, shown)))
	}
	require.Equal(t, "Se poursuit avec le dossier n° 1002", spaces(bundle.texts.Annotation(rich(), onboarding.AnnotationStep, onboarding.Shown{Step: 2, Continues: 1002})))
	require.Equal(t, "À déterminer ; sans réponse dans le formulaire : rattachement à un ministère",
		spaces(bundle.texts.Annotation(&onboarding.Dossier{Demarche: 7}, onboarding.AnnotationEligibility, onboarding.Shown{})))
	require.Empty(t, bundle.texts.Annotation(rich(), onboarding.AnnotationSandbox, onboarding.Shown{}))
	require.Empty(t, bundle.texts.Annotation(rich(), onboarding.AnnotationStep, onboarding.Shown{Step: 9}))

	without := setup(t, func(j *onboarding.Journey) { j.Eligibility = nil })
	require.Empty(t, without.texts.Annotation(rich(), onboarding.AnnotationEligibility, onboarding.Shown{}))

	long := setup(t, func(j *onboarding.Journey) { j.Eligibility[0].Help = strings.Repeat("é ", 500) })
	require.LessOrEqual(t, utf8.RuneCountInString(long.texts.Annotation(rich(), onboarding.AnnotationEligibility, shown)), 250)
}

func TestIssue_HowToDecide(t *testing.T) {
	t.Parallel()
	requireParts(t, setup(t).texts.IssueDescription(rich()),
		"**Objectif, pour l’équipe :** Le but", "**Jalon (go/no-go) :** Prêts ? Se décide dans Démarches Simplifiées, ou ici. Les prérequis",
		"**Jalon (go/no-go) :** Testé ?\n", "\n## Décider\n", "ou l’étiquette `no-go`", "**Gouvernance :**")
}

// The issue of the first form's dossier says what is decided on it, and has its tasks alone.
func TestIssue_OfTheFirstForm(t *testing.T) {
	t.Parallel()
	d := rich()
	d.Demarche = 6
	text := setup(t).texts.IssueDescription(d)
	requireParts(t, text, "Pertinent ? Se décide dans Démarches Simplifiées, ou ici.", "Prêts ? Se décide sur le dossier du formulaire suivant.", "Testé ? Se décide sur le dossier du formulaire suivant.")
	require.Equal(t, 1, strings.Count(text, "ou ici."))
	require.NotContains(t, text, "- [ ]", "the test's first step has no tasks")
}

func TestMessage_InProduction(t *testing.T) {
	t.Parallel()
	bundle := setup(t)
	d, r := rich(), provisioned()
	d.State = onboarding.Accepte
	for step := 3; step <= 4; step++ {
		r.Commands = append(r.Commands, onboarding.Command{Verb: onboarding.VerbGo, Step: step, Outcome: onboarding.Done, At: since})
	}
	body, _ := bundle.texts.Message(d, onboarding.MessageStep, onboarding.MessageKey(onboarding.MessageStep, 5), r)
	requireParts(t, body, "Votre projet dans GitLab : https://gitlab.example.org/demo/bac-a-sable")
	require.NotContains(t, body, "bac à sable :")
}
