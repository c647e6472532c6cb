package onboarding_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	require.Empty(t, example(t).Validate())

	for name, tt := range map[string]struct {
		change func(*onboarding.Journey)
		paths  []string
	}{
		"Language": {func(j *onboarding.Journey) { j.Language = "de" }, []string{"language"}},
		"NoForm":   {func(j *onboarding.Journey) { j.Demarches = nil }, []string{"demarches"}},
		"OneFormTwice": {func(j *onboarding.Journey) {
			j.Demarches = append(j.Demarches, j.Demarches[0])
		}, []string{"demarches[1].number"}},
		"NoProject": {func(j *onboarding.Journey) {
			delete(j.Demarches[0].Fields, onboarding.FactProject)
		}, []string{"demarches[0].fields"}},
		"AFieldWithoutName": {func(j *onboarding.Journey) {
			j.Demarches[0].Fields[onboarding.FactRole] = onboarding.Field{}
		}, []string{"demarches[0].fields.role"}},
		"IDs": {func(j *onboarding.Journey) {
			j.Demarches[0].Fields[onboarding.FactRole] = onboarding.Field{ID: "UHJvY2VkdXJlLTE="} // Procedure-1
			j.Demarches[0].Fields[onboarding.FactSummary] = onboarding.Field{ID: "Q2hhbXAtMXwy"}  // Champ-1|2
		}, []string{"demarches[0].fields.role.id", "demarches[0].fields.summary.id"}},
		"NoSteps": {func(j *onboarding.Journey) { j.Steps = nil }, []string{"steps"}},
		"Steps": {func(j *onboarding.Journey) {
			j.Steps[1].Number = 7
			j.Steps[2].Title = " "
			j.Steps[3].Tasks = []string{"a\nb", ""}
		}, []string{"demarches[0].step", "gitlab.labels.steps.2", "steps[1].number", "steps[2].title", "steps[3].tasks[0]", "steps[3].tasks[1]"}},
		"Policy": {func(j *onboarding.Journey) {
			delete(j.Policy, onboarding.Deleted)
			j.Policy["brouillon"] = onboarding.Policy{}
			j.Policy[onboarding.Refuse] = onboarding.Policy{Issue: "shut", Sandbox: onboarding.SandboxProvision, Message: onboarding.MessageNone}
			j.Policy[onboarding.EnInstruction] = onboarding.Policy{Issue: onboarding.IssueOpen, Sandbox: onboarding.SandboxKeep, Message: onboarding.MessageAccepted, Step: 6}
		}, []string{"policy.brouillon", "policy.en_instruction.message", "policy.en_instruction.step", "policy.refuse.issue", "policy.refuse.sandbox", "policy.supprime"}},
		"Transitions": {func(j *onboarding.Journey) { j.DSTransitions = "always" }, []string{"ds_transitions"}},
		"Sandbox": {func(j *onboarding.Journey) {
			j.GitLab.Sandbox = onboarding.Sandbox{Name: "a/b", Path: "tree", Branch: "-x", CIConfig: "../x.yml "}
		}, []string{"gitlab.sandbox.branch", "gitlab.sandbox.ci_config", "gitlab.sandbox.name", "gitlab.sandbox.path"}},
		"Access": {func(j *onboarding.Journey) {
			j.GitLab.Access = map[onboarding.Audience]string{"friends": "guest", onboarding.AudienceTeam: "root"}
		}, []string{"gitlab.access.friends", "gitlab.access.team"}},
		"Labels": {func(j *onboarding.Journey) {
			j.GitLab.Labels.Steps[1] = "a,b"
			j.GitLab.Labels.States[onboarding.Refuse] = strings.Repeat("x", 256)
			j.GitLab.Labels.States["autre"] = "x"
		}, []string{"gitlab.labels.states.autre", "gitlab.labels.states.refuse", "gitlab.labels.steps.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journey := example(t)
			tt.change(journey)
			problems := journey.Validate()
			var paths []string
			for _, problem := range problems {
				require.NotEmpty(t, problem.What)
				paths = append(paths, problem.Path)
			}
			require.ElementsMatch(t, tt.paths, paths)
			require.Equal(t, problems, journey.Validate(), "always in the same order")
		})
	}
}

// A sandbox path that GitLab refuses is refused here.
func TestValidate_SandboxPath(t *testing.T) {
	t.Parallel()
	for path, good := range map[string]bool{
		"bac-a-sable": true, "a.b_c": true, "": false, "Bac": false, "-a": false, "a-": false, "a--b": false, "a.git": false,
		"a.atom": false, "wikis": false, "a/b": false, "é": false, strings.Repeat("a", 64): false,
	} {
		journey := example(t)
		journey.GitLab.Sandbox.Path = path
		require.Equal(t, good, len(journey.Validate()) == 0, path)
	}
}
