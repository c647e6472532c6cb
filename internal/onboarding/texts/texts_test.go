package texts

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

type testBundle struct {
	journey *onboarding.Journey
	marks   onboarding.Marks
	texts   *Texts
}

func setup(t *testing.T, change ...func(*onboarding.Journey)) *testBundle {
	t.Helper()
	fields := map[onboarding.Fact]onboarding.Field{}
	for _, fact := range onboarding.Facts() {
		fields[fact] = onboarding.Field{ID: string(fact)}
	}
	prerequisites := map[string]onboarding.Field{"rootless": {ID: "rootless"}, "tested": {ID: "tested"}}
	bundle := &testBundle{
		journey: &onboarding.Journey{
			Language: "fr",
			Programme: onboarding.Programme{
				Name: "Cloud Pi Native", Offer: "l’offre Cloud Pi Native", Team: "L’équipe Cloud Pi Native", Reference: "CPN",
				Links: []onboarding.ProgrammeLink{{Title: "L’offre", URL: "https://example.org/offre"}},
			},
			Demarches: []onboarding.Demarche{
				{Number: 7, Step: 2, Path: "acces", Fields: fields, Prerequisites: prerequisites},
				{Number: 6, Step: 1, Next: 7, Fields: fields},
			},
			GitLab: onboarding.GitLab{
				Sandbox: onboarding.Sandbox{Branch: "main", CIConfig: ".gitlab-ci-dso.yml"}, Decide: "developer",
				Labels: onboarding.Labels{Go: "go", NoGo: "no-go", Blocked: "bloqué"},
			},
			Prerequisites: []onboarding.Prerequisite{{ID: "rootless", Label: "Images sans root", Hard: true}, {ID: "tested", Label: "Tests écrits"}},
			Eligibility: []onboarding.EligibilityCase{{
				Number: 1, Who: "ministère", Help: "tout", When: map[onboarding.Fact][]string{onboarding.FactMinistry: {"yes"}},
			}},
			Training: []onboarding.Training{
				{Step: 3, Audience: onboarding.TrainingAll, Title: "Le guide", URL: "https://example.org/guide"},
				{Step: 2, Audience: onboarding.TrainingTeam, Title: "Le cours", URL: "https://example.org/cours"},
			},
			Reminders: onboarding.Reminders{Days: []int{10, 20}},
			Steps: []onboarding.Step{
				{
					Number: 1, Title: "Juger de l’opportunité", Turn: onboarding.PartyAgents, RunBy: "équipe adoption",
					Gate: &onboarding.Gate{Question: "Pertinent ?", NoGo: onboarding.NoGoClass},
				},
				{
					Number: 2, Title: "Structurer un plan projet", Goal: "Le but", Deliverable: "draft", RunBy: "équipe adoption",
					Tasks: []string{"Rédiger"}, Turn: onboarding.PartyAgents, Needs: []string{"un plan projet"}, Next: []string{"un examen"},
					Gate: &onboarding.Gate{Question: "Prêts ?", Prerequisites: true, NoGo: onboarding.NoGoRefuse},
				},
				{
					Number: 3, Title: "Lancer son projet", Deliverable: "MVP", RunBy: "service team", Tasks: []string{"Entretien", "Hello world"},
					Turn: onboarding.PartyApplicant, Needs: []string{"accepter les invitations"}, Gate: &onboarding.Gate{Question: "Testé ?", NoGo: onboarding.NoGoRetry},
				},
				{
					Number: 4, Title: "Passer en production", Turn: onboarding.PartyApplicant, HostingURL: "https://example.org/demande",
					Gate: &onboarding.Gate{Question: "En production ?", NoGo: onboarding.NoGoStop}, Production: true,
				},
				{Number: 5, Title: "Progresser", Turn: onboarding.PartyApplicant, AtEnd: onboarding.EndCheckUp},
			},
		},
		marks: onboarding.NewMarks("a key"),
	}
	for _, f := range change {
		f(bundle.journey)
	}
	var err error
	bundle.texts, err = New(bundle.journey, bundle.marks,
		Site{DSURL: "https://ds.example.org/", PublicURL: "https://passerelle.example.org"})
	require.NoError(t, err)
	return bundle
}

// dossier gives every answer the same text.
func dossier(state onboarding.State, typed string) *onboarding.Dossier {
	d := &onboarding.Dossier{
		Number: 42, Demarche: 7, State: state, Motivation: typed, Demandeur: typed, UsagerEmail: "camille@example.org",
		FiledAt: time.Date(2026, time.March, 1, 10, 0, 0, 0, time.UTC),
	}
	for _, fact := range onboarding.Facts() {
		d.Answers = append(d.Answers, onboarding.Answer{Champ: string(fact), Text: typed})
	}
	return d
}

func provisioned() onboarding.Record {
	done := time.Unix(1, 0)
	return onboarding.Record{Resources: map[onboarding.ResourceKey]onboarding.Resource{
		onboarding.GroupKey:   {DoneAt: done, URL: "https://gitlab.example.org/groups/demo"},
		onboarding.ProjectKey: {DoneAt: done, URL: "https://gitlab.example.org/demo/bac-a-sable"},
	}}
}

func TestIssue(t *testing.T) {
	t.Parallel()

	t.Run("TellsAll", func(t *testing.T) {
		t.Parallel()
		bundle := setup(t)
		d := dossier(onboarding.EnConstruction, "Préfecture")
		yes := true
		for i := range d.Answers {
			switch onboarding.Fact(d.Answers[i].Champ) {
			case onboarding.FactMinistry:
				d.Answers[i].Checked = &yes
			case onboarding.FactTeamEmails:
				d.Answers[i].Text = "a@example.org, b_c@example.org personne"
			}
		}
		text := bundle.texts.IssueDescription(d)
		for _, part := range []string{
			"https://ds.example.org/procedures/7/dossiers/42", "1er mars 2026", "`camille@example.org`", "`a@example.org`, `b_c@example.org`",
			"ministère\u00a0:** oui", "\n> Préfecture\n", "\n### Étape 2\u00a0: Structurer un plan projet\n",
			"\n- [ ] Entretien\n- [ ] Hello world\n", "**Accompagnement\u00a0:** service team · **Livrable\u00a0:** MVP\n\n**Jalon (go/no-go)\u00a0:** Testé ?\n\n- [ ] Entretien", "\n## Parcours", "3 ne sont pas utilisables",
		} {
			require.Contains(t, text, part)
		}
		require.NotContains(t, text, "\n\n\n")
		require.True(t, bundle.marks.In(text, 42, onboarding.IssueKey))
		require.Equal(t, "Dossier n°\u00a042 · Préfecture · Préfecture", bundle.texts.IssueTitle(d))
	})

	t.Run("TitleFits", func(t *testing.T) {
		t.Parallel()
		bundle := setup(t)
		require.LessOrEqual(t, utf8.RuneCountInString(bundle.texts.IssueTitle(dossier("", strings.Repeat("@a", 500)))), 255)
		require.Equal(t, "Dossier n°\u00a042", bundle.texts.IssueTitle(dossier("", "")))
	})

	t.Run("ManyAddresses", func(t *testing.T) {
		t.Parallel()
		bundle := setup(t)
		var emails strings.Builder
		for i := range maxList + 5 {
			emails.WriteString(strings.Repeat("a", i+1) + "@example.org ")
		}
		text := bundle.texts.IssueDescription(dossier("", emails.String()))
		require.Contains(t, text, " et 5 de plus")
	})
}

func TestNote(t *testing.T) {
	t.Parallel()

	bundle := setup(t)
	d := dossier(onboarding.Refuse, "x")
	text := bundle.texts.Note(d, onboarding.Note{
		State: onboarding.Refuse, GroupURL: "https://gitlab.example.org/g", ProjectURL: "https://gitlab.example.org/g/p", Archived: true,
		Motivation: "Prérequis\nmanquants", Failures: []string{"GitLab a répondu 403"}, BadEmails: 2,
	})
	for _, part := range []string{
		"refusé", "<https://gitlab.example.org/g>", "<https://gitlab.example.org/g/p> (archivé", "> Prérequis\n> manquants", "- GitLab a répondu 403", "formulaire\u00a0: 2",
	} {
		require.Contains(t, text, part)
	}
	require.True(t, bundle.marks.In(text, 42, onboarding.NoteKey))
	for _, state := range onboarding.States() {
		text := bundle.texts.Note(dossier(state, ""), onboarding.Note{State: state})
		require.Contains(t, text, bundle.texts.words.states[state])
		require.NotContains(t, text, "intervention")
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()

	bundle := setup(t)
	for _, test := range []struct {
		message onboarding.Message
		state   onboarding.State
		want    []string
	}{
		{onboarding.MessageReceived, onboarding.EnConstruction, []string{"bien reçu", "https://ds.example.org/dossiers/42"}},
		{onboarding.MessageAccepted, onboarding.Accepte, []string{"https://gitlab.example.org/groups/demo", "https://gitlab.example.org/demo/bac-a-sable", "étape 3"}},
		{onboarding.MessageRefused, onboarding.Refuse, []string{"n’a pas pu être acceptée", "Motif indiqué par l’équipe\u00a0:\n\nde la santé"}},
		{onboarding.MessageRefused, onboarding.SansSuite, []string{"classée sans suite"}},
	} {
		key := onboarding.MessageKey(test.message, 1)
		body, reference := bundle.texts.Message(dossier(test.state, "de la santé"), test.message, key, provisioned())
		for _, part := range append(test.want, "n°\u00a042", "«\u00a0de la santé\u00a0»") {
			require.Contains(t, body, part)
		}
		require.True(t, strings.HasSuffix(body, "\n\nRéférence : "+reference))
		require.Equal(t, bundle.marks.Mark(42, key), reference)
		require.NotRegexp(t, `<[a-z/]`, body)
		require.NotContains(t, body, "\n\n\n")
	}
	body, reference := bundle.texts.Message(dossier(onboarding.Refuse, "x"), onboarding.MessageNone, onboarding.ResourceKey{}, provisioned())
	require.Empty(t, body)
	require.Empty(t, reference)
}

func TestSandbox(t *testing.T) {
	t.Parallel()

	for language := range vocabulary {
		bundle := setup(t, func(j *onboarding.Journey) { j.Language = language })
		d := dossier(onboarding.Accepte, `<b onclick="x">Été & "co"</b>`)
		contents := map[string]string{}
		for _, file := range bundle.texts.SandboxFiles(d, provisioned()) {
			contents[file.Path] = file.Content
		}
		require.ElementsMatch(t, slices.Collect(maps.Keys(contents)),
			[]string{"README.md", "index.html", "Dockerfile", ".dockerignore", ".gitlab-ci-dso.yml"})

		require.Contains(t, contents["README.md"], "https://gitlab.example.org/demo/bac-a-sable")
		require.Contains(t, contents["README.md"], "Lancer son projet")
		require.Contains(t, contents["README.md"], "\n- Images sans root\n- Tests écrits\n\n## ")
		require.Contains(t, contents["README.md"], "](https://example.org/offre)\n")
		require.Contains(t, contents["README.md"], "\n- Entretien\n- Hello world\n")

		require.Contains(t, contents["index.html"], `<html lang="`+language+`">`)
		require.Contains(t, contents["index.html"], "&lt;b onclick=")
		require.NotContains(t, contents["index.html"], "<b ")

		require.Regexp(t, `(?m)^FROM docker\.io/library/\w+:\d+\.\d+\.\d+$`, contents["Dockerfile"])
		require.Regexp(t, `(?m)^USER [1-9]\d+:[1-9]\d+$`, contents["Dockerfile"])
		require.Regexp(t, `(?m)^EXPOSE 8080$`, contents["Dockerfile"])

		var pipeline struct {
			Include []struct {
				Project string   `yaml:"project"`
				File    []string `yaml:"file"`
				Ref     string   `yaml:"ref"`
			} `yaml:"include"`
			Stages     []string   `yaml:"stages"`
			ReadSecret testedJobs `yaml:"read_secret"`
			Build      testedJobs `yaml:"docker-build"`
		}
		require.NoError(t, yaml.UnmarshalWithOptions([]byte(contents[".gitlab-ci-dso.yml"]), &pipeline, yaml.Strict()))
		require.Equal(t, "$CATALOG_PATH", pipeline.Include[0].Project)
		require.Equal(t, []string{"vault-ci.yml", "kaniko-ci.yml"}, pipeline.Include[0].File)
		require.Equal(t, []string{pipeline.ReadSecret.Stage, pipeline.Build.Stage}, pipeline.Stages)
		require.Equal(t, []string{".kaniko:build-push"}, pipeline.Build.Extends)
		require.Contains(t, pipeline.Build.Variables["IMAGE_NAMES"], "$CI_PROJECT_NAME:$CI_COMMIT_SHORT_SHA")

		require.NotContains(t, bundle.texts.CommitMessage(d), "co")
	}
}

type testedJobs struct {
	Stage     string            `yaml:"stage"`
	Extends   []string          `yaml:"extends"`
	Variables map[string]string `yaml:"variables"`
}

func TestDescriptions(t *testing.T) {
	t.Parallel()

	bundle := setup(t)
	for _, typed := range []string{"Mon projet", "", strings.Repeat("@", 5000)} {
		group := bundle.texts.GroupDescription(dossier(onboarding.Accepte, typed))
		require.True(t, bundle.marks.In(group, 42, onboarding.GroupKey))
		require.LessOrEqual(t, utf8.RuneCountInString(group), 500)
		for permanent, word := range map[bool]string{false: "bac à sable provisoire", true: "en production"} {
			project := bundle.texts.ProjectDescription(dossier(onboarding.Accepte, typed), permanent)
			require.True(t, bundle.marks.In(project, 42, onboarding.ProjectKey))
			require.Contains(t, project, "Cloud Pi Native")
			require.Contains(t, project, word)
			require.NotContains(t, project, "%!")
			require.LessOrEqual(t, utf8.RuneCountInString(project), 500)
		}
	}
}

func TestReplacedTemplates(t *testing.T) {
	t.Parallel()

	t.Run("Replaces", func(t *testing.T) {
		t.Parallel()
		bundle := setup(t, func(j *onboarding.Journey) {
			j.Templates = map[string]string{
				"issue":            "{{.Project}}{{.Organisation}}",
				"message_received": "Reçu : {{.Number}}",
				"note":             "{{if gt (len .Failures) 2}}{{index .Failures 40}}{{end}}remplacée",
			}
		})
		text := bundle.texts.IssueDescription(dossier("", "/close"))
		requireNoQuickAction(t, text)
		require.True(t, bundle.marks.In(text, 42, onboarding.IssueKey))
		body, reference := bundle.texts.Message(dossier("", ""), onboarding.MessageReceived, onboarding.MessageKey(onboarding.MessageReceived, 0), onboarding.Record{})
		require.Equal(t, "Reçu : 42\n\nRéférence : "+reference, body)

		require.Contains(t, bundle.texts.Note(dossier("", ""), onboarding.Note{}), "remplacée")
		fallback := bundle.texts.Note(dossier("", ""), onboarding.Note{Failures: []string{"a", "b", "c"}})
		require.Contains(t, fallback, "intervention", "a replacement that fails gives way")
	})

	t.Run("EveryProblemAtOnce", func(t *testing.T) {
		t.Parallel()
		_, err := New(&onboarding.Journey{Language: "fr", Templates: map[string]string{
			"isue":    "x",
			"issue":   "a\n{{.Nothing}}",
			"note":    "a\n\n{{if}}",
			"page":    "<a href='{{.Project}}",
			"readme":  "fine",
			"message": "x",
		}}, onboarding.NewMarks("k"), Site{})
		for _, part := range []string{`none named "isue"`, `none named "message"`, "issue:2", "note:3", "page", "message_received"} {
			require.ErrorContains(t, err, part)
		}
		require.NotContains(t, err.Error(), "readme:")
	})

	t.Run("UnknownLanguage", func(t *testing.T) {
		t.Parallel()
		_, err := New(&onboarding.Journey{Language: "de"}, onboarding.NewMarks("k"), Site{})
		require.ErrorContains(t, err, `"de" is not known: write en or fr`)
	})
}

var (
	fences    = regexp.MustCompile("(?s)```.*?\n```")
	codeSpan  = regexp.MustCompile("`[^`\n]+`")
	autolink  = regexp.MustCompile(`<https?://[^>\s]*>`)
	target    = regexp.MustCompile(`\]\(https?://[^)\s]*\)`)
	ourMark   = regexp.MustCompile(`<!-- passerelle:42:[0-9a-f]{32}( [0-9a-z?:+%-]+)* -->`)
	quoteLine = regexp.MustCompile(`(?m)^>.*\n?`)
)

// skeleton is what a document has of Markdown's active characters besides quotes.
func skeleton(document string) (active, rendered string) {
	// Escaped backticks open nothing.
	document = strings.ReplaceAll(document, "\\`", "\ufffc")
	for _, inactive := range []*regexp.Regexp{fences, codeSpan, autolink, ourMark, quoteLine} {
		document = inactive.ReplaceAllString(document, "")
	}
	document = target.ReplaceAllString(document, "]")
	return activeIn(document)
}

var messages = []onboarding.Message{
	onboarding.MessageReceived, onboarding.MessageAccepted, onboarding.MessageRefused, onboarding.MessageQualified,
	onboarding.MessageStep, onboarding.MessageNoGo, onboarding.MessageCorrection, onboarding.MessageReminder,
}

// typedStanding holds words that people typed wherever it can.
func typedStanding(typed string) onboarding.Standing {
	return onboarding.Standing{
		Step: 3, Decision: onboarding.DecidedNo, Reason: typed, Blocked: true, BlockReason: typed, Hosting: typed,
		Passes:      []onboarding.Pass{{Step: 1, Overrides: []string{"rootless"}, Reason: typed}},
		Eligibility: onboarding.Eligibility{Case: 1, Reasons: onboarding.Facts()},
	}
}

// TestNothingTypedIsActive compares each document with hostile words in every field to
// the same with harmless ones: they have the same structure, and no more of what GitLab
// would act upon.
func TestNothingTypedIsActive(t *testing.T) {
	t.Parallel()

	for language := range vocabulary {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			bundle := setup(t, func(j *onboarding.Journey) { j.Language = language })
			documents := func(d *onboarding.Dossier, typed string, verb onboarding.Verb) []string {
				standing := typedStanding(typed)
				all := []string{
					bundle.texts.IssueDescription(d), bundle.texts.Note(d, onboarding.Note{
						State: d.State, Motivation: typed, Failures: []string{typed, typed}, GroupURL: "https://gitlab.example.org/g", Standing: standing,
					}), bundle.texts.GroupDescription(d), bundle.texts.ProjectDescription(d, false), bundle.texts.ProjectDescription(d, true),
					bundle.texts.Reminder(d, onboarding.ResourceKey{Key: "reminder 1 1"}, standing),
				}
				c := onboarding.Command{Source: onboarding.FromNote, ID: 1, Verb: verb, Outcome: onboarding.Done, Argument: typed, Step: 2}
				if verb == onboarding.VerbUnknown {
					c.Outcome = onboarding.RefusedUnknown
				}
				all = append(all, bundle.texts.Answer(d, []onboarding.Command{c}, standing, onboarding.Record{}))
				for _, file := range bundle.texts.SandboxFiles(d, provisioned()) {
					if file.Path == "README.md" {
						all = append(all, file.Content)
					}
				}
				return all
			}
			rapid.Check(t, func(t *rapid.T) {
				state := rapid.SampledFrom(onboarding.States()).Draw(t, "state")
				typed := hostileText().Draw(t, "typed")
				verb := rapid.SampledFrom(append(onboarding.Verbs(), onboarding.VerbUnknown)).Draw(t, "verb")
				harmless := documents(dossier(state, "mot"), "mot", verb)
				for i, document := range documents(dossier(state, typed), typed, verb) {
					requireNoQuickAction(t, document)
					require.Empty(t, onboarding.ParseCommands(document))
					require.True(t, utf8.ValidString(document))
					wantActive, wantText := skeleton(harmless[i])
					active, text := skeleton(document)
					require.Equal(t, wantActive, active)
					for name, pattern := range inText {
						require.Len(t, pattern.FindAllString(text, -1), len(pattern.FindAllString(wantText, -1)), name)
					}
				}
				message := rapid.SampledFrom(messages).Draw(t, "message")
				key := onboarding.MessageKey(message, 1)
				r := provisioned()
				r.Commands = []onboarding.Command{
					{Source: onboarding.FromNote, ID: 1, Verb: onboarding.VerbCorrect, Outcome: onboarding.Done, Argument: typed},
					{Source: onboarding.FromNote, ID: 2, Verb: onboarding.VerbNoGo, Outcome: onboarding.Done, Argument: typed, Step: 3},
				}
				if message == onboarding.MessageCorrection {
					key = onboarding.CorrectionKey(&r.Commands[0])
				}
				body, reference := bundle.texts.Message(dossier(state, typed), message, key, r)
				require.Equal(t, 1, strings.Count(strings.ToLower(body), "passerelle:"))
				require.Contains(t, body, reference)
				require.Empty(t, onboarding.ParseCommands(body))
				requireNoQuickAction(t, body)
				for _, annotation := range onboarding.Annotations() {
					shown := onboarding.Shown{Step: 2, SandboxURL: typed, IssueURL: typed}
					text := bundle.texts.Annotation(dossier(state, typed), annotation, shown)
					require.LessOrEqual(t, utf8.RuneCountInString(text), 250)
					require.NotContains(t, text, "\n")
				}
				d := dossier(state, typed)
				requireInertText(t, bundle.texts.IssueTitle(d))
				page := func(typed string) string {
					for _, file := range bundle.texts.SandboxFiles(dossier(state, typed), provisioned()) {
						if file.Path == "index.html" {
							return file.Content
						}
					}
					return ""
				}
				require.Equal(t, strings.Count(page("mot"), "<"), strings.Count(page("mot "+typed), "<"))
			})
		})
	}
}
