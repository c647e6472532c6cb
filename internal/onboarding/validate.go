package onboarding

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Problem is something in a journey that makes no sense.
type Problem struct {
	// Path is where, in the terms of the journey file.
	Path   string
	What   string
	Advice string
}

// Validate returns everything that makes no sense in the journey.
func (j *Journey) Validate() []Problem {
	v := validation{journey: j}
	v.oneOf("language", j.Language, "fr", "en")
	v.oneOf("ds_transitions", string(j.DSTransitions), string(TransitionsNone), string(InstructOnReceipt))
	v.programme()
	v.demarches()
	v.policy()
	v.gitlab()
	v.steps()
	v.prerequisites()
	v.eligibility()
	v.training()
	v.reminders()
	return v.problems
}

type validation struct {
	journey  *Journey
	problems []Problem
}

func (v *validation) add(path, what, advice string) {
	v.problems = append(v.problems, Problem{path, what, advice})
}

func (v *validation) oneOf(path, value string, choices ...string) {
	if slices.Contains(choices, value) {
		return
	}
	what := fmt.Sprintf("%q is none of the choices", value)
	if value == "" {
		what = "is missing"
	}
	v.add(path, what, "write one of "+strings.Join(choices, ", "))
}

func (v *validation) demarches() {
	if len(v.journey.Demarches) == 0 {
		v.add("demarches", "is missing", "name at least one form, by its number")
	}
	numbers := map[int64]bool{}
	for i, demarche := range v.journey.Demarches {
		path := fmt.Sprintf("demarches[%d]", i)
		switch {
		case demarche.Number <= 0:
			v.add(path+".number", "is not the number of a form", "write the number that stands in its address in DS")
		case numbers[demarche.Number]:
			v.add(path+".number", fmt.Sprintf("form %d stands here twice", demarche.Number), "remove one of them")
		}
		numbers[demarche.Number] = true
		v.step(path+".step", demarche.Step)
		if _, err := demarche.Import.Since(time.Time{}); err != nil {
			v.add(path+".import", err.Error(), "")
		}
		if _, mapped := demarche.Fields[FactProject]; !mapped {
			v.add(path+".fields", "does not say which field holds the project's name", "add project: with its id or label")
		}
		for _, fact := range slices.Sorted(maps.Keys(demarche.Fields)) {
			if !slices.Contains(Facts(), fact) {
				v.add(path+".fields."+string(fact), "is no fact that a form can feed", "write one of "+join(Facts()))
				continue
			}
			v.field(path+".fields."+string(fact), demarche.Fields[fact])
		}
		v.form(path, &v.journey.Demarches[i])
	}
}

func (v *validation) field(path string, field Field) {
	if field.ID == "" && field.Label == "" {
		v.add(path, "names no field", "give its id, its label, or both")
	}
	if field.ID != "" {
		decoded, err := base64.StdEncoding.DecodeString(field.ID)
		if err != nil || !champID.Match(decoded) {
			v.add(path+".id", fmt.Sprintf("%q is not the id of a field", field.ID), "copy it from the API: it is the base64 of Champ- and a number")
		}
	}
}

// step says nothing where there are no steps at all, which is a problem already.
func (v *validation) step(path string, step int) {
	if len(v.journey.Steps) > 0 && v.journey.Step(step) == nil {
		v.add(path, fmt.Sprintf("%d is no step of this journey", step), "write the number of one of the steps")
	}
}

func (v *validation) policy() {
	for _, state := range slices.Sorted(maps.Keys(v.journey.Policy)) {
		if !slices.Contains(States(), state) {
			v.add("policy."+string(state), "is no state of a dossier", "write one of "+join(States()))
		}
	}
	for _, state := range States() {
		policy, given := v.journey.Policy[state]
		path := "policy." + string(state)
		if !given {
			v.add(path, "is missing", "say what this state leads to")
			continue
		}
		v.policyOf(path, state, policy)
	}
}

// policyOf checks what one state leads to.
func (v *validation) policyOf(path string, state State, policy Policy) {
	v.oneOf(path+".issue", string(policy.Issue), string(IssueOpen), string(IssueClose))
	v.oneOf(path+".sandbox", string(policy.Sandbox), string(SandboxProvision), string(SandboxArchive), string(SandboxKeep))
	v.oneOf(path+".message", string(policy.Message),
		string(MessageNone), string(MessageReceived), string(MessageAccepted), string(MessageRefused), string(MessageQualified))
	if policy.Sandbox == SandboxProvision && state != Accepte {
		v.add(path+".sandbox", "a sandbox is made for an accepted dossier alone", "write archive or keep")
	}
	if policy.Message == MessageAccepted && policy.Sandbox != SandboxProvision {
		v.add(path+".message", "tells the sandbox's addresses, and this state makes none", "write none, or sandbox: provision")
	}
}

var (
	champID     = regexp.MustCompile(`^Champ-\d+$`)
	pathSegment = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)
	branchName  = regexp.MustCompile(`^[A-Za-z0-9]+([._/-][A-Za-z0-9]+)*$`)
	fileName    = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*\.ya?ml$`)
)

func (v *validation) gitlab() {
	sandbox := v.journey.GitLab.Sandbox
	if displayName(sandbox.Name) != sandbox.Name || sandbox.Name == "" {
		v.add("gitlab.sandbox.name", "is not a name that GitLab takes", "use letters, digits, blanks, hyphens and dots")
	}
	if !pathSegment.MatchString(sandbox.Path) || len(sandbox.Path) > maxPath || slices.Contains(reservedPaths, sandbox.Path) ||
		strings.HasSuffix(sandbox.Path, ".git") || strings.HasSuffix(sandbox.Path, ".atom") {
		v.add("gitlab.sandbox.path", "is not a path that GitLab takes", "use small letters, digits and single hyphens, such as bac-a-sable")
	}
	if !branchName.MatchString(sandbox.Branch) {
		v.add("gitlab.sandbox.branch", "is not the name of a branch", "write main")
	}
	if !fileName.MatchString(sandbox.CIConfig) {
		v.add("gitlab.sandbox.ci_config", "is not the path of a YAML file", "write .gitlab-ci-dso.yml")
	}
	for _, audience := range slices.Sorted(maps.Keys(v.journey.GitLab.Access)) {
		path := "gitlab.access." + string(audience)
		if !slices.Contains(Audiences(), audience) {
			v.add(path, "is no audience", "write one of "+join(Audiences()))
		}
		v.oneOf(path, v.journey.GitLab.Access[audience], Levels()...)
	}
	v.oneOf("gitlab.decide", v.journey.GitLab.Decide, Levels()...)
	v.label("gitlab.sandbox.provisional_topic", sandbox.ProvisionalTopic)
	v.label("gitlab.sandbox.permanent_topic", sandbox.PermanentTopic)
	if sandbox.ProvisionalTopic != "" && sandbox.ProvisionalTopic == sandbox.PermanentTopic {
		v.add("gitlab.sandbox.permanent_topic", "is the provisional one, too", "write another")
	}
	v.labels()
}

func (v *validation) labels() {
	labels := v.journey.GitLab.Labels
	for number := range v.journey.Last() {
		if _, given := labels.Steps[number+1]; !given {
			v.label(fmt.Sprintf("gitlab.labels.steps.%d", number+1), "")
		}
	}
	for _, step := range slices.Sorted(maps.Keys(labels.Steps)) {
		path := fmt.Sprintf("gitlab.labels.steps.%d", step)
		v.step(path, step)
		v.label(path, labels.Steps[step])
	}
	for _, state := range States() {
		if _, given := labels.States[state]; !given {
			v.label("gitlab.labels.states."+string(state), "")
		}
	}
	for _, state := range slices.Sorted(maps.Keys(labels.States)) {
		path := "gitlab.labels.states." + string(state)
		if !slices.Contains(States(), state) {
			v.add(path, "is no state of a dossier", "write one of "+join(States()))
		}
		v.label(path, labels.States[state])
	}
	v.label("gitlab.labels.go", labels.Go)
	v.label("gitlab.labels.no_go", labels.NoGo)
	v.label("gitlab.labels.blocked", labels.Blocked)
	v.distinctLabels()
}

// distinctLabels: a label that means two things decides nothing.
func (v *validation) distinctLabels() {
	labels := v.journey.GitLab.Labels
	seen := map[string]string{}
	once := func(path, label string) {
		name := strings.ToLower(label)
		if first, twice := seen[name]; twice && label != "" {
			v.add(path, fmt.Sprintf("%q is the label of %s, too", label, first), "write another")
			return
		}
		seen[name] = path
	}
	for _, step := range slices.Sorted(maps.Keys(labels.Steps)) {
		once(fmt.Sprintf("gitlab.labels.steps.%d", step), labels.Steps[step])
	}
	for _, state := range slices.Sorted(maps.Keys(labels.States)) {
		once("gitlab.labels.states."+string(state), labels.States[state])
	}
	once("gitlab.labels.go", labels.Go)
	once("gitlab.labels.no_go", labels.NoGo)
	once("gitlab.labels.blocked", labels.Blocked)
}

func (v *validation) label(path, label string) {
	switch {
	case label == "":
		v.add(path, "is missing", "write a text without commas")
	case len(label) > 255 || strings.Contains(label, ",") || !oneLine(label) || strings.TrimSpace(label) != label:
		v.add(path, "is not a label that GitLab takes", "write a text without commas")
	}
}

func (v *validation) line(path, text string) {
	if !oneLine(text) {
		v.add(path, "has more than one line", "write it on one")
	}
}

// words asks for a text of one line.
func (v *validation) words(path, text, advice string) {
	if strings.TrimSpace(text) == "" {
		v.add(path, "is missing", advice)
	}
	v.line(path, text)
}

// lines asks for texts of one line each.
func (v *validation) lines(path string, texts []string) {
	for n, text := range texts {
		if strings.TrimSpace(text) == "" || !oneLine(text) {
			v.add(fmt.Sprintf("%s[%d]", path, n), "is not a text of one line", "write one, or remove it")
		}
	}
}

func oneLine(text string) bool { return !strings.ContainsFunc(text, unicode.IsControl) }

func join[S ~string](words []S) string { return strings.Join(plainWords(words), ", ") }
