package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// critic compares samples to how they must look. It reads the simulated services
// alone and asks the hub nothing; it knows the hub's key, to tell its marks.
type critic struct {
	scene *scene
	marks onboarding.Marks
}

func newCritic(s *scene) *critic {
	return &critic{scene: s, marks: onboarding.NewMarks(s.settings.MarkKey)}
}

// look returns what is not, or not yet, as the ending says.
func (c *critic) look(s *sample, want ending) []string {
	var f findings
	c.lookAtDS(&f, s, want)
	c.scene.GitLab.Read(func(v gitlab.View) {
		c.lookAtIssue(&f, v, s, want)
		c.lookAtGroup(&f, v, s, want)
	})
	return f
}

// findings collects what is wrong.
type findings []string

func (f *findings) addf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// same notes a difference.
func (f *findings) same(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.addf("%s: %v, not %v", what, got, want)
	}
}

func (c *critic) lookAtDS(f *findings, s *sample, want ending) {
	dossier, _ := c.scene.DS.Dossier(s.number)
	f.same("state in DS", dossier.State, want.state)
	sent := c.sent(s)
	f.same("messages to the applicant", len(sent), len(want.messages))
	for i, message := range sent[:min(len(sent), len(want.messages))] {
		for _, part := range s.told(want.messages[i]) {
			if !strings.Contains(message.Body, part) {
				f.addf("message %d to the applicant does not say %q", i+1, part)
			}
		}
		c.harmless(f, s, "a message to the applicant", message.Body)
	}
}

// sent returns the messages that the hub sent to the applicant.
func (c *critic) sent(s *sample) []demarches.Message {
	return slices.DeleteFunc(c.scene.DS.Messages(s.number), func(m demarches.Message) bool {
		return m.Automatic || m.From != stage.Agent
	})
}

// told is what a message must say.
func (s *sample) told(message onboarding.Message) []string {
	switch message {
	case onboarding.MessageReceived:
		return []string{"bien reçu", fmt.Sprintf("/dossiers/%d", s.number)}
	case onboarding.MessageAccepted:
		return []string{"acceptée", s.groupPath(), s.groupPath() + "/" + sandboxPath}
	default:
		return []string{s.reason}
	}
}

// find looks for the sample's tracking issue among those that are new.
func (c *critic) find(v gitlab.View, s *sample) (gitlab.Issue, bool) {
	s.looked = max(s.looked, c.scene.earlier.issue)
	for s.issue == 0 {
		issue, there := v.Issue(stage.TrackingProject, s.looked+1)
		if !there {
			return gitlab.Issue{}, false
		}
		s.looked++
		if c.marks.In(issue.Description, int64(s.number), onboarding.IssueKey) {
			s.issue = issue.IID
		}
	}
	return v.Issue(stage.TrackingProject, s.issue)
}

func (c *critic) lookAtIssue(f *findings, v gitlab.View, s *sample, want ending) {
	issue, found := c.find(v, s)
	if !found {
		f.addf("no tracking issue in %s", stage.TrackingProject)
		return
	}
	labels := c.scene.settings.Journey.GitLab.Labels
	wanted := []string{labels.Steps[want.step], labels.States[want.state]}
	if want.closed {
		wanted = append(wanted, labels.NoGo)
	}
	f.same("labels of the tracking issue", slices.Sorted(slices.Values(issue.Labels)), slices.Sorted(slices.Values(wanted)))
	f.same("tracking issue is closed", issue.State == "closed", want.closed)
	f.same("tracking issue is confidential", issue.Confidential, true)
	f.same("assignees of the tracking issue", len(issue.AssigneeIDs), 0)
	if !strings.Contains(issue.Title, fmt.Sprint(s.number)) || issue.Author != stage.User {
		f.addf("the tracking issue's title or author is not the hub's")
	}
	c.harmless(f, s, "the tracking issue", issue.Title+"\n"+issue.Description)
	c.lookAtNote(f, v, s, want)
	for _, action := range v.QuickActions() {
		if action.By == stage.User && action.IssueIID == s.issue {
			f.addf("GitLab took /%s out of the hub's text", action.Command)
		}
	}
	for _, mention := range v.Mentions() {
		if mention.By == stage.User && mention.IssueIID == s.issue {
			f.addf("GitLab found a mention of %s in the hub's text", mention.Name)
		}
	}
}

func (c *critic) lookAtNote(f *findings, v gitlab.View, s *sample, want ending) {
	notes := slices.DeleteFunc(v.Notes(stage.TrackingProject, s.issue), func(n gitlab.Note) bool {
		return !c.isNote(n, s.number)
	})
	f.same("notes of the hub on the tracking issue", len(notes), 1)
	for _, note := range notes {
		c.harmless(f, s, "the note on the tracking issue", note.Body)
		if want.sandbox != none && !strings.Contains(note.Body, s.groupPath()+"/"+sandboxPath) {
			f.addf("the note does not lead to the sandbox")
		}
		if want.closed && !strings.Contains(note.Body, s.reason) {
			f.addf("the note does not give the reason")
		}
	}
}

// harmless looks for what an attacker would like to see as it was typed.
func (c *critic) harmless(f *findings, s *sample, where, text string) {
	if !s.hostile {
		return
	}
	if strings.Contains(text, forgedMark(s.number)) {
		f.addf("the forged mark stands in %s", where)
	}
	if !strings.HasPrefix(where, "a message") && (strings.Contains(text, "<script") || strings.Contains(text, "<b ")) {
		f.addf("HTML from the form stands in %s", where)
	}
}

// The sandbox project, as the journey names it, and what must be in it.
const sandboxPath = "bac-a-sable"

func sandboxFiles() []string {
	return []string{".dockerignore", ".gitlab-ci-dso.yml", "Dockerfile", "README.md", "index.html"}
}

func (c *critic) lookAtGroup(f *findings, v gitlab.View, s *sample, want ending) {
	path := s.groupPath()
	group, there := v.Group(path)
	ours := there && c.marks.In(group.Description, int64(s.number), onboarding.GroupKey)
	switch {
	case want.sandbox == none && ours:
		f.addf("there is a group at %s", path)
		return
	case want.sandbox == none:
		return
	case !ours:
		f.addf("no group at %s", path)
		return
	}
	f.same("visibility of the group", group.Visibility, gitlab.Private)
	c.harmless(f, s, "the group", group.Name+"\n"+group.Description)
	invited := map[string]int{}
	for _, invitation := range v.Invitations(path) {
		invited[invitation.Email] = invitation.AccessLevel
	}
	// No address is told: two numbers do.
	if !maps.Equal(invited, s.invited()) {
		f.addf("invitations to the group: %d, or other levels, not the %d of the form", len(invited), len(s.invited()))
	}
	c.lookAtProject(f, v, s, want)
}

func (c *critic) lookAtProject(f *findings, v gitlab.View, s *sample, want ending) {
	path := s.groupPath() + "/" + sandboxPath
	project, there := v.Project(path)
	if !there || !c.marks.In(project.Description, int64(s.number), onboarding.ProjectKey) {
		f.addf("no project at %s", path)
		return
	}
	f.same("visibility of the project", project.Visibility, gitlab.Private)
	f.same("project is archived", project.Archived, want.sandbox == archived)
	files := v.Files(path)
	f.same("files in the project", slices.Sorted(maps.Keys(files)), sandboxFiles())
	f.same("commits in the project", v.Commits(path), 1)
	c.harmless(f, s, "the project", project.Description+"\n"+files["README.md"]+"\n"+files["index.html"])
}
