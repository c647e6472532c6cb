package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestLoadJourney_Example(t *testing.T) {
	t.Parallel()
	journey, err := config.LoadJourney("../../deploy/journey.example.yaml")
	require.NoError(t, err)
	require.Equal(t, "fr", journey.Language)
	require.Equal(t, "étape::3", journey.GitLab.Labels.Steps[3])
	require.Equal(t, "Q2hhbXAtMTAx", journey.Demarches[0].Fields["organisation"].ID)
	require.Len(t, journey.Steps[2].Tasks, 6)
	require.True(t, journey.Steps[3].Production)
	require.False(t, journey.Steps[2].Production)
	require.Equal(t, onboarding.NoGoRefuse, journey.Steps[1].Gate.NoGo)
	require.Nil(t, journey.Steps[4].Gate)
}

func TestLoadJourney_TooLarge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journey.yaml")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20+1), 0o600))
	_, err := config.LoadJourney(path)
	require.ErrorContains(t, err, "more than 1048576 bytes")
}

// spoil changes the example in places and returns what is wrong with it, as
// "line:column path what".
func spoil(t *testing.T, changes ...string) []string {
	t.Helper()
	text := string(deploy.ExampleJourney)
	for i := 0; i < len(changes); i += 2 {
		require.Equal(t, 1, strings.Count(text, changes[i]), changes[i])
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return wrong(t, text)
}

func wrong(t *testing.T, text string) []string {
	t.Helper()
	_, err := config.ParseJourney("j.yaml", []byte(text))
	var problems *config.Problems
	require.ErrorAs(t, err, &problems)
	var list []string
	for _, problem := range problems.List {
		require.Regexp(t, `^j\.yaml\b`, problem.Where)
		list = append(list, strings.TrimLeft(strings.TrimPrefix(problem.Where, "j.yaml")+" "+problem.What, ": "))
	}
	return list
}

func TestParseJourney_EveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	const text = `langage: fr
language: [fr]
demarches:
  - number: "12345"
    step: 9
    import: some
    feilds: {}
    fields:
      project: {id: Q2hhbXAtMTAz, labl: x}
      projekt: {label: y}
      summary: {id: 103}
      role: 12
  - number: 7
    step: 1
    number: 8
    fields: {project: {label: z}}
policy:
  acepte: {issue: open}
  accepte: {issue: opened, sandbox: provision, message: accepted, step: 2.5}
  refuse: none
  sans_suite: {issue: close, sandbox: archive, message: refused, step: 4}
  en_construction: {issue: open, sandbox: provision, message: received, message: none}
  en_instruction:
ds_transitions: yes
gitlab:
  sandbox: {name: "<b>", path: Bac, branch: main, ci_config: x.sh}
  access: {applicant: king, friend: guest}
  labels:
    steps: {1: "a,b", two: b, 4: c}
    states: {refuse: ""}
steps:
  - number: 1
    title: One
    tasks: one
  - {number: 3, title: ""}
  - &three {number: 3, title: x}
templates:
  message_received: "{{.Nobody}}"
  issue: "{{if}}"
  post: x
`
	require.Equal(t, []string{
		"programme is missing",
		"1:1 langage is no key of a journey file",
		"2:11 language is not a text",
		"4:13 demarches[0].number is not a whole number",
		`5:5 demarches[0].step 9 is no step of this journey`,
		`6:5 demarches[0].import "some": write none, all, or from and a date such as from 2026-09-01`,
		"7:5 demarches[0].feilds is no key of a journey file",
		"9:35 demarches[0].fields.project.labl is no key of a journey file",
		"10:7 demarches[0].fields.projekt is no fact that a form can feed",
		`11:17 demarches[0].fields.summary.id "103" is not the id of a field`,
		"12:13 demarches[0].fields.role is not a mapping of keys to values",
		"15:5 demarches[1].number stands there twice",
		"18:3 policy.acepte is no state of a dossier",
		`19:13 policy.accepte.issue "opened" is none of the choices`,
		"19:67 policy.accepte.step is no key of a journey file",
		"20:11 policy.refuse is not a mapping of keys to values",
		"21:66 policy.sans_suite.step is no key of a journey file",
		"22:34 policy.en_construction.sandbox a sandbox is made for an accepted dossier alone",
		"22:73 policy.en_construction.message stands there twice",
		"23:3 policy.en_instruction.issue is missing",
		"23:3 policy.en_instruction.sandbox is missing",
		"23:3 policy.en_instruction.message is missing",
		`24:1 ds_transitions "yes" is none of the choices`,
		"25:1 gitlab.decide is missing",
		"26:3 gitlab.sandbox.provisional_topic is missing",
		"26:3 gitlab.sandbox.permanent_topic is missing",
		"26:13 gitlab.sandbox.name is not a name that GitLab takes",
		"26:26 gitlab.sandbox.path is not a path that GitLab takes",
		"26:51 gitlab.sandbox.ci_config is not the path of a YAML file",
		`27:12 gitlab.access.applicant "king" is none of the choices`,
		"27:29 gitlab.access.friend is no audience",
		"28:3 gitlab.labels.go is missing",
		"28:3 gitlab.labels.no_go is missing",
		"28:3 gitlab.labels.blocked is missing",
		"29:5 gitlab.labels.steps.2 is missing",
		"29:5 gitlab.labels.steps.3 is missing",
		"29:13 gitlab.labels.steps.1 is not a label that GitLab takes",
		"29:23 gitlab.labels.steps.two is not a whole number",
		"29:31 gitlab.labels.steps.4 4 is no step of this journey",
		"30:5 gitlab.labels.states.en_construction is missing",
		"30:5 gitlab.labels.states.en_instruction is missing",
		"30:5 gitlab.labels.states.accepte is missing",
		"30:5 gitlab.labels.states.sans_suite is missing",
		"30:5 gitlab.labels.states.supprime is missing",
		"30:14 gitlab.labels.states.refuse is missing",
		"32:5 steps[0].goal is missing",
		"32:5 steps[0].turn is missing",
		"32:5 steps[0].deliverable is missing",
		"32:5 steps[0].gate is missing",
		"34:12 steps[0].tasks is not a list",
	}, without(wrong(t, text), "17:1", "steps[1]", "steps[2]", "templates", "reminders"))
	require.Equal(t, []string{
		"17:1 policy.supprime is missing",
		"35:5 steps[1].goal is missing",
		"35:5 steps[1].turn is missing",
		"35:5 steps[1].deliverable is missing",
		"35:5 steps[1].gate is missing",
		"35:6 steps[1].number is 3, in the place of step 2",
		"35:17 steps[1].title is missing",
		"36:5 steps[2] is an anchor, an alias or a tag",
	}, only(wrong(t, text), "17:1", "steps[1]", "steps[2]"))
	templates := only(wrong(t, text), "templates")
	require.Len(t, templates, 3)
	require.Regexp(t, `^38:3 templates\.message_received does not work: .*Nobody`, templates[0])
	require.Regexp(t, `^39:3 templates\.issue does not work: .*missing value for if`, templates[1])
	require.Equal(t, "40:3 templates.post is no template", templates[2])
}

// What came with the gates has its place, too.
func TestParseJourney_Journey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to string
		want     []string
	}{
		"AProgramme":   {"  team: L’équipe Cloud Pi Native", "  teams: Nous", []string{"programme.team is missing", "programme.teams is no key of a journey file"}},
		"AGate":        {"      no_go: class", "      no_go: retry", []string{`steps[0].gate.no_go "retry" cannot stand here, where a form's decision is the gate`}},
		"AKeyOfAGate":  {"      no_go: class", "      nogo: class", []string{"steps[0].gate.no_go is missing", "steps[0].gate.nogo is no key of a journey file"}},
		"ATruthValue":  {"    production: true", "    production: vrai", []string{"steps[3].production is not true or false"}},
		"ANumberOfThe": {"  days: [10, 20, 40]", "  days: [10, deux]", []string{"reminders.days[1] is not a whole number"}},
		"HardOrNot":    {"secrets sont gérés\n    hard: true", "secrets sont gérés", []string{"prerequisites[1].hard is missing"}},
		"AZone":        {"  zone: Europe/Paris", "  zone: Paris", []string{`reminders.zone "Paris" is no time zone`}},
		"AFormsPolicy": {"        message: qualified", "        message: step", []string{`demarches[1].policy.accepte.message "step" is none of the choices`}},
		"ARole":        {"  pilot: [Pilote MOE]", "  pilote: [Pilote MOE]", []string{"roles.pilote is no audience that a role can belong to"}},
		"ACondition":   {`      public_interest: ["no",`, `      publicinterest: ["no",`, []string{"eligibility[3].when.publicinterest is no fact that a form can feed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := spoil(t, tt.from, tt.to)
			require.Len(t, problems, len(tt.want))
			for i, problem := range problems {
				place, what, _ := strings.Cut(problem, " ")
				require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, place)
				require.Equal(t, tt.want[i], what)
			}
		})
	}

	t.Run("WithoutTheNewKeys", func(t *testing.T) {
		t.Parallel()
		before, _, found := strings.Cut(string(deploy.ExampleJourney), "\nreminders:")
		require.True(t, found)
		require.Equal(t, []string{"reminders is missing"}, wrong(t, before))
	})
}

func TestParseJourney_DidYouMean(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{"language: fr": "langage: fr", "      no_go: class": "      nogo: class", "  zone: Europe/Paris": "  xyz: Europe/Paris"} {
		_, err := config.ParseJourney("j.yaml", []byte(strings.Replace(string(deploy.ExampleJourney), from, to, 1)))
		meant, _, _ := strings.Cut(strings.TrimSpace(from), ":")
		if meant == "zone" {
			require.NotContains(t, err.Error(), "did you mean", "it is near to nothing")
		} else {
			require.ErrorContains(t, err, "did you mean "+meant+"?")
		}
	}
}

func only(list []string, words ...string) (kept []string) {
	for _, line := range list {
		for _, word := range words {
			if strings.Contains(line, word) {
				kept = append(kept, line)
				break
			}
		}
	}
	return kept
}

func without(list []string, words ...string) (kept []string) {
	for _, line := range list {
		if only([]string{line}, words...) == nil {
			kept = append(kept, line)
		}
	}
	return kept
}

func TestParseJourney_Files(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Empty": "", "CommentsAlone": "# nothing\n", "ANull": "~", "TwoDocuments": "a: 1\n---\nb: 2\n", "AList": "- language: fr\n",
		"AText": "fr", "NoYAML": "language: fr\n  steps: [\n", "Tabs": "gitlab:\n\tsandbox:\n", "Alias": "language: *fr\n",
		"MergeKey": "x: &a {b: 1}\n<<: *a\n", "Binary": "\x00\x01\xff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, wrong(t, text))
		})
	}

	t.Run("SyntaxHasItsPlace", func(t *testing.T) {
		t.Parallel()
		require.Regexp(t, `^2:\d+ is no YAML: `, wrong(t, "language: fr\nsteps: [\n")[0])
	})

	t.Run("WhatIsMissingIsToldWhereItBelongs", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{
			"37:5 demarches[0].number is not the number of a form", "161:5 demarches[1].next form 12345 is not configured",
		}, spoil(t, "number: 12345", ""))
		require.Contains(t, wrong(t, "{}"), "steps is missing")
	})

	t.Run("NumbersAndWordsAreTextsToo", func(t *testing.T) {
		t.Parallel()
		text := strings.Replace(string(deploy.ExampleJourney), "label: Organisation", "label: 2026", 1)
		text = strings.Replace(text, "title: Juger de l’opportunité", "title: on", 1)
		journey, err := config.ParseJourney("j.yaml", []byte(text))
		require.NoError(t, err)
		require.Equal(t, "2026", journey.Demarches[0].Fields["organisation"].Label)
		require.Equal(t, "on", journey.Steps[0].Title)
	})

	t.Run("ManyLines", func(t *testing.T) {
		t.Parallel()
		text := strings.Replace(string(deploy.ExampleJourney), "templates: {}", "templates:\n  message_received: |\n    Bonjour,\n\n    {{.Number}}\n", 1)
		journey, err := config.ParseJourney("j.yaml", []byte(text))
		require.NoError(t, err)
		require.Equal(t, "Bonjour,\n\n{{.Number}}\n", journey.Templates["message_received"])
	})
}

func FuzzParseJourney(f *testing.F) {
	f.Add(deploy.ExampleJourney)
	for _, text := range []string{"", "language: fr", "steps:\n- &a {number: 1}\n- *a\n", "policy: {refuse: {step: 1e9}}", "templates: {issue: '{{.}}'}", "? [a]\n: b\n", "<<: {a: 1}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		journey, err := config.ParseJourney("j.yaml", content)
		if err == nil {
			require.Empty(t, journey.Validate())
			return
		}
		var problems *config.Problems
		require.ErrorAs(t, err, &problems)
		require.NotEmpty(t, problems.List)
	})
}
