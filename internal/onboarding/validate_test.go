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
		"Language":    {func(j *onboarding.Journey) { j.Language = "de" }, []string{"language"}},
		"NoProgramme": {func(j *onboarding.Journey) { j.Programme = onboarding.Programme{Offer: "x"} }, []string{"programme"}},
		"Programme": {func(j *onboarding.Journey) {
			j.Programme = onboarding.Programme{
				Name: strings.Repeat("x", 101), Offer: "a\nb", Team: " ", Reference: "Cpn",
				Links: []onboarding.ProgrammeLink{{URL: "ftp://example.org"}},
			}
		}, []string{"programme.name", "programme.offer", "programme.team", "programme.reference", "programme.links[0].title", "programme.links[0].url"}},
		"NoForm": {func(j *onboarding.Journey) { j.Demarches = nil }, []string{"demarches"}},
		"OneFormTwice": {func(j *onboarding.Journey) {
			j.Demarches = append(j.Demarches, j.Demarches[0])
		}, []string{"demarches[2].number"}},
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
		}, []string{"steps[1].number", "steps[2].title", "steps[3].tasks[0]", "steps[3].tasks[1]"}},
		"Policy": {func(j *onboarding.Journey) {
			delete(j.Policy, onboarding.Deleted)
			j.Policy["brouillon"] = onboarding.Policy{}
			j.Policy[onboarding.Refuse] = onboarding.Policy{Issue: "shut", Sandbox: onboarding.SandboxProvision, Message: onboarding.MessageNone}
			j.Policy[onboarding.EnInstruction] = onboarding.Policy{Issue: onboarding.IssueOpen, Sandbox: onboarding.SandboxKeep, Message: onboarding.MessageAccepted}
		}, []string{"policy.brouillon", "policy.en_instruction.message", "policy.refuse.issue", "policy.refuse.sandbox", "policy.supprime"}},
		"Transitions": {func(j *onboarding.Journey) { j.DSTransitions = "always" }, []string{"ds_transitions"}},
		"Sandbox": {func(j *onboarding.Journey) {
			j.GitLab.Sandbox = onboarding.Sandbox{Name: "a/b", Path: "tree", Branch: "-x", CIConfig: "../x.yml "}
		}, []string{"gitlab.sandbox.branch", "gitlab.sandbox.ci_config", "gitlab.sandbox.name", "gitlab.sandbox.path", "gitlab.sandbox.permanent_topic", "gitlab.sandbox.provisional_topic"}},
		"Access": {func(j *onboarding.Journey) {
			j.GitLab.Access = map[onboarding.Audience]string{"friends": "guest", onboarding.AudienceTeam: "root"}
		}, []string{"gitlab.access.friends", "gitlab.access.team"}},
		"Labels": {func(j *onboarding.Journey) {
			j.GitLab.Labels.Steps[1] = "a,b"
			j.GitLab.Labels.States[onboarding.Refuse] = strings.Repeat("x", 256)
			j.GitLab.Labels.States["autre"] = "x"
		}, []string{"gitlab.labels.states.autre", "gitlab.labels.states.refuse", "gitlab.labels.steps.1"}},
		"AFormOfNoStep": {func(j *onboarding.Journey) { j.Demarches[0].Step = 9 }, []string{"demarches[0].step"}},
		"NoLabels": {func(j *onboarding.Journey) {
			delete(j.GitLab.Labels.Steps, 3)
			delete(j.GitLab.Labels.States, onboarding.SansSuite)
		}, []string{"gitlab.labels.steps.3", "gitlab.labels.states.sans_suite"}},
		"Conditions": {func(j *onboarding.Journey) {
			j.Eligibility[0].When[onboarding.FactMinistry] = []string{"yes", "oui"}
			for i := range j.Demarches {
				delete(j.Demarches[i].Fields, onboarding.FactPartnership)
			}
		}, []string{"eligibility[0].when.attached_to_ministry[1]", "eligibility[2].when.public_interest", "eligibility[3].when.public_interest"}},
		"Gates": {func(j *onboarding.Journey) {
			j.Steps[0].Gate.NoGo = onboarding.NoGoRetry
			j.Steps[1].Gate.Question = ""
			j.Steps[1].Deliverable = " "
			j.Steps[2].Gate.NoGo = onboarding.NoGoClass
			j.Steps[2].Gate.Reason = "a\nb"
			j.Steps[3].Gate = nil
			j.Steps[4].Gate = &onboarding.Gate{}
		}, []string{
			"steps[0].gate.no_go", "steps[1].deliverable", "steps[1].gate.question", "steps[2].gate.no_go", "steps[2].gate.reason",
			"steps[3].gate", "steps[4].gate",
		}},
		"StepsOtherwise": {func(j *onboarding.Journey) {
			j.Steps[0].Goal = ""
			j.Steps[0].Turn = onboarding.PartyHub
			j.Steps[0].AtEnd = onboarding.EndClose
			j.Steps[1].Needs = []string{"a\nb"}
			j.Steps[1].Next = []string{" "}
			j.Steps[2].HostingURL = "ftp://example.org"
			j.Steps[2].Production = true
			j.Steps[4].Production = true
			j.Steps[4].AtEnd = "party"
		}, []string{
			"steps[0].goal", "steps[0].turn", "steps[0].at_end", "steps[1].needs[0]", "steps[1].next[0]", "steps[2].hosting_url",
			"steps[3].production", "steps[4].production", "steps[4].production", "steps[4].at_end",
		}},
		"OneNumberTwice": {func(j *onboarding.Journey) { j.Steps[1].Number = 1 }, []string{"steps[1].number"}},
		"Forms": {func(j *onboarding.Journey) {
			j.Demarches[0].Path = "Cloud Pi"
			j.Demarches[0].Next = 12346
			j.Demarches[0].Prerequisites["fly"] = onboarding.Field{ID: j.Demarches[0].Fields[onboarding.FactRole].ID}
			j.Demarches[0].Prerequisites["rootless"] = onboarding.Field{}
			j.Demarches[0].Annotations["colour"] = onboarding.Field{}
			j.Demarches[0].Annotations[onboarding.AnnotationStep] = onboarding.Field{ID: "x"}
			j.Demarches[0].Labels = map[int]string{3: "Étape 3", 9: "Étape 9", 4: ""}
			j.Demarches[1].Next = 0
			j.Demarches[1].Policy["brouillon"] = onboarding.Policy{}
			j.Demarches[1].Policy[onboarding.Refuse] = onboarding.Policy{Issue: onboarding.IssueClose, Sandbox: onboarding.SandboxKeep, Message: onboarding.MessageStep}
		}, []string{
			"demarches[0].path", "demarches[0].next", "demarches[0].prerequisites.fly", "demarches[0].prerequisites.rootless",
			"demarches[0].annotations.colour", "demarches[0].annotations.step.id", "demarches[0].labels.4", "demarches[0].labels.9",
			"demarches[1].next", "demarches[1].policy.brouillon", "demarches[1].policy.refuse.message",
		}},
		"TheNextFormCannotBeLedTo": {func(j *onboarding.Journey) {
			j.Demarches[0].Path = ""
		}, []string{"demarches[1].next"}},
		"TheNextFormTakesNoReference": {func(j *onboarding.Journey) {
			delete(j.Demarches[0].Fields, onboarding.FactReference)
		}, []string{"demarches[1].next"}},
		"TheNextFormIsNotThere": {func(j *onboarding.Journey) { j.Demarches[1].Next = 3 }, []string{"demarches[1].next"}},
		"AFormOfTheLastStep":    {func(j *onboarding.Journey) { j.Demarches[0].Step = 5 }, []string{"demarches[0].step"}},
		"Prerequisites": {func(j *onboarding.Journey) {
			j.Prerequisites[1].ID = "containerised"
			j.Prerequisites[2].ID = "Sans état"
			j.Prerequisites[3].Label = ""
		}, []string{
			"demarches[0].prerequisites.configuration", "demarches[0].prerequisites.stateless", "prerequisites[1].id",
			"prerequisites[2].id", "prerequisites[3].label", "steps[1].gate.prerequisites",
		}},
		"NobodyAsksForThem": {func(j *onboarding.Journey) { delete(j.Demarches[0].Prerequisites, "rootless") }, []string{"steps[1].gate.prerequisites"}},
		"NoneIsHard": {func(j *onboarding.Journey) {
			for i := range j.Prerequisites {
				j.Prerequisites[i].Hard = false
			}
		}, []string{"steps[1].gate.prerequisites"}},
		"Eligibility": {func(j *onboarding.Journey) {
			j.Eligibility[0].Number = 0
			j.Eligibility[2].Number = 2
			j.Eligibility[2].Help = ""
			j.Eligibility[3].Who = " "
			j.Eligibility[3].When = map[onboarding.Fact][]string{"weather": {"fine"}, onboarding.FactRole: nil, onboarding.FactMinistry: {""}}
		}, []string{
			"eligibility[0].case", "eligibility[2].case", "eligibility[2].help", "eligibility[3].who", "eligibility[3].when.weather",
			"eligibility[3].when.role", "eligibility[3].when.attached_to_ministry[0]",
		}},
		"Training": {func(j *onboarding.Journey) {
			j.Training[0].Step = 9
			j.Training[1].Audience = "dogs"
			j.Training[2].Title = ""
			j.Training[3].URL = "javascript:alert(1)"
			j.Roles = map[onboarding.TrainingAudience][]string{onboarding.TrainingAll: {"x"}, onboarding.TrainingTeam: {""}}
		}, []string{"training[0].step", "training[1].audience", "training[2].title", "training[3].url", "roles.all", "roles.team[0]"}},
		"Reminders": {func(j *onboarding.Journey) {
			j.Reminders = onboarding.Reminders{Days: []int{10, 10, 0}, From: "17:00", To: "9:00", Zone: "Europe/Lutèce", Holidays: "xx"}
		}, []string{"reminders.days[1]", "reminders.days[2]", "reminders.to", "reminders.zone", "reminders.holidays"}},
		"NoReminders": {func(j *onboarding.Journey) {
			j.Reminders = onboarding.Reminders{}
		}, []string{"reminders"}},
		"NoDays":       {func(j *onboarding.Journey) { j.Reminders.Days = nil }, []string{"reminders.days"}},
		"WorkingHours": {func(j *onboarding.Journey) { j.Reminders.From = "18:00" }, []string{"reminders.to"}},
		"DecisiveLabels": {func(j *onboarding.Journey) {
			j.GitLab.Labels.Go = ""
			j.GitLab.Labels.NoGo = "Étape::3"
			j.GitLab.Labels.Blocked = j.GitLab.Labels.States[onboarding.Refuse]
			j.GitLab.Decide = "king"
			j.GitLab.Sandbox.PermanentTopic = j.GitLab.Sandbox.ProvisionalTopic
		}, []string{"gitlab.labels.go", "gitlab.labels.no_go", "gitlab.labels.blocked", "gitlab.decide", "gitlab.sandbox.permanent_topic"}},
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
