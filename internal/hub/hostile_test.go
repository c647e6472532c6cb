package hub_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// hostile are texts that want to be more than text, by what they try.
func hostile(r *rig) map[string]string {
	forged := r.mark(firstNumber+1, onboarding.IssueKey)
	return map[string]string{
		"quick actions":         "/close\n/confidential false\n/label ~urgent\n/assign @root\n/lock\n/due tomorrow",
		"behind other breaks":   "a\r/close\u2028/close\u2029/close\u0085/close\v/close\f/close\x00\n\ufeff/close",
		"behind a comment":      "-->\n/close\n<!--\n/close",
		"behind markup":         "```\n/close\n```\n/close\n> /close\n\n>>>\n/close\n>>>\n<pre>\n/close\n</pre>\n/close",
		"mentions":              "@all @root @passerelle @embarquement cc @programme/suivi!",
		"references":            "#1 !1 ~bug %v1 $1 &1 programme/suivi#1 GL-1 [x](javascript:alert(1)) https://evil.example/",
		"HTML":                  `<script>alert(1)</script><img src=x onerror=alert(1)><details open ontoggle=alert(1)></title>`,
		"images":                "![](https://evil.example/pixel.png) <img src='https://evil.example/p.png'>",
		"templates":             "{{.Motivation}} {{range}} ${CI_JOB_TOKEN} %{issue} $(id) `id`",
		"forged mark":           "<!-- " + forged + " -->\n" + forged,
		"right to left":         "\u202egnp.exe\u202c \u2066abc\u2069 \u200b\u200d\u2060",
		"emoji":                 "👩🏽‍🚀 :smile: 🇫🇷 e\u0301\u0301\u0301\u0301",
		"a path":                "../../../etc/passwd\\..\\-.git",
		"a checked box":         "- [x] Vérifier les prérequis techniques\n- [ ] rien",
		"a table":               "a | b\n--- | ---\n=1+1 | -cmd",
		"very long":             strings.Repeat("é@all\n/close ", 3_000),
		"one very long word":    strings.Repeat("@", 30_000),
		"nothing that can be a": "/close @all",
	}
}

func TestHostileText(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.GitLab.AddUser("mallory", false)
	r.start()
	fields := []int{
		demarches.FieldOrganisation, demarches.FieldProjectName, demarches.FieldDescription, demarches.FieldApplicantRole,
		demarches.FieldTeam, demarches.FieldTechnologies, demarches.FieldStorage, demarches.FieldCurrentHosting, demarches.FieldCurrentForge,
	}
	var numbers []int
	for _, text := range hostile(r) {
		answers := demarches.ConsoleAccessAnswers("")
		for _, field := range fields {
			answers[field] = text
		}
		answers[demarches.FieldProjectName] = "Projet " + text
		numbers = append(numbers, r.fileAnswers(answers))
	}
	r.settled()
	for _, number := range numbers {
		r.accept(number)
	}
	r.settled()
	all := len(numbers)
	want := accepted(all)
	// The team's addresses are some that GitLab does not mind, or none, which fails.
	want.Invitations = r.stock().Invitations
	r.sound(want, "provision_sandbox")

	harmless := func(text string) {
		require.NotContains(t, text, "<script")
		require.NotContains(t, text, "<img")
		require.NotContains(t, text, r.mark(firstNumber+1, onboarding.NoteKey))
	}
	// An agent adds a line: what was inert stays so when GitLab reads it again.
	require.NoError(t, r.GitLab.AddGroupMember("programme", "root", gitlab.Owner))
	for _, issue := range r.GitLab.Issues(stage.TrackingProject) {
		harmless(issue.Title)
		require.NotContains(t, issue.Description, "![](")
		harmless(issue.Description)
		require.Equal(t, "opened", issue.State)
		require.Equal(t, []string{"étape::3", "état::accepté"}, issue.Labels)
		require.NoError(t, r.GitLab.EditDescription(stage.TrackingProject, issue.IID, "root", issue.Description+"\n\nVu."))
	}
	r.sound(want, "provision_sandbox")
	for _, number := range numbers {
		group := r.groupOf(number)
		require.Regexp(t, `^embarquement/[a-z0-9]+(-[a-z0-9]+)*$`, group)
		require.LessOrEqual(t, len(group), len("embarquement/")+63)
		harmless(r.GitLab.Files(group + "/bac-a-sable")["README.md"])
		harmless(r.GitLab.Files(group + "/bac-a-sable")["index.html"])
	}
	r.GitLab.Read(func(v gitlab.View) {
		for _, issue := range v.Issues(stage.TrackingProject) {
			require.Equal(t, 1, strings.Count(issue.Description, "<!-- passerelle:"), "one mark")
		}
	})
}

// What agents type as their reason is no more believed than what applicants type.
func TestHostileMotivation(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	texts := hostile(r)
	var numbers []int
	for range texts {
		numbers = append(numbers, r.file("Portail des agents"))
	}
	r.settled()
	i := 0
	for _, text := range texts {
		r.act(r.DS.StartInstruction(numbers[i]))
		r.act(r.DS.Refuse(numbers[i], text))
		i++
	}
	all := len(numbers)
	r.sound(stock{Issues: all, Closed: all, Notes: all, Messages: 2 * all})
}

// A form with nothing in it but what DS makes people fill in, and an account that
// was deleted since.
func TestBareAnswers(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	answers := demarches.ConsoleAccessAnswers("Portail des agents")
	for _, field := range []int{
		demarches.FieldTeam, demarches.FieldServices, demarches.FieldTechnologies, demarches.FieldStorage,
		demarches.FieldCurrentHosting, demarches.FieldCurrentForge, demarches.FieldExposure, demarches.FieldEnvironments,
		demarches.FieldCPU, demarches.FieldMemory, demarches.FieldDisk, demarches.FieldProjectPlan,
	} {
		delete(answers, field)
	}
	number, err := r.DS.File(stage.Form, demarches.Application{
		Email:     "camille.durand@example.org",
		Applicant: demarches.Applicant{Company: &demarches.Company{SIRET: "13002526500013", Incomplete: true}}, Answers: answers,
	})
	r.act(err)
	r.settled()
	r.quietly(r.DS.CompleteCompany(number))
	r.accept(number)
	want := accepted(1)
	want.Invitations = 2
	r.sound(want)

	// Nobody can be written to any more: that is no failure.
	r.quietly(r.DS.DeleteAccount(number))
	r.turnDown(number)
	want.Archived, want.Closed = 1, 1
	r.sound(want)
}
