package jobs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// trail is what people did on a tracking issue, as GitLab tells it.
type trail struct {
	issue       gitlab.Issue
	discussions []gitlab.Discussion
	labels      []gitlab.LabelEvent
	states      []gitlab.StateEvent
	self        int64
}

// trail reads what people did on a tracking issue.
func (c *crew) trail(ctx context.Context, iid int64) (t trail, err error) {
	if t.self, err = c.GitLab.Self(ctx); err != nil {
		return t, err
	}
	if t.issue, err = c.GitLab.Issue(ctx, c.TrackingProject, iid); err != nil {
		return t, err
	}
	if t.discussions, err = c.GitLab.Discussions(ctx, c.TrackingProject, iid); err != nil {
		return t, err
	}
	if t.labels, err = c.GitLab.LabelEvents(ctx, c.TrackingProject, iid); err != nil {
		return t, err
	}
	t.states, err = c.GitLab.StateEvents(ctx, c.TrackingProject, iid)
	return t, err
}

// comments counts what people wrote.
func (t *trail) comments() (n int32) {
	for i := range t.discussions {
		for _, note := range t.discussions[i].Notes {
			if !note.System && note.AuthorID != t.self {
				n++
			}
		}
	}
	return n
}

// written returns the commands in comments, not yet decided.
func (t *trail) written() []onboarding.Command {
	var commands []onboarding.Command
	for i := range t.discussions {
		for _, note := range t.discussions[i].Notes {
			if note.System || note.AuthorID == t.self {
				continue
			}
			for _, command := range onboarding.ParseCommands(note.Body) {
				command.Source, command.ID, command.At, command.Author = onboarding.FromNote, note.ID, note.CreatedAt, note.AuthorID
				if note.UpdatedAt.After(note.CreatedAt) {
					command.At = note.UpdatedAt // it may not have been there from the start
				}
				commands = append(commands, command)
			}
		}
	}
	return commands
}

// answered returns what an answer of ours tells of the commands of a comment, when the
// ledger that knew them was lost.
func (t *trail) answered(mark string) ([]onboarding.Command, bool) {
	for i := range t.discussions {
		for _, note := range t.discussions[i].Notes {
			if note.AuthorID == t.self && slices.Contains(onboarding.MarksIn(note.Body), mark) {
				return onboarding.ReadTrace(note.Body), true
			}
		}
	}
	return nil, false
}

// decided returns the commands that labels stand for: the last thing that somebody did
// with each of those that decide.
func (t *trail) decided(labels onboarding.Labels) []onboarding.Command {
	var commands []onboarding.Command
	for _, decides := range []struct {
		label      string
		added, off onboarding.Verb
	}{
		{labels.Go, onboarding.VerbGo, ""},
		{labels.NoGo, onboarding.VerbNoGo, ""},
		{labels.Blocked, onboarding.VerbBlock, onboarding.VerbUnblock},
	} {
		event := t.lastOn(func(label string) bool { return label == decides.label })
		if event == nil {
			continue
		}
		verb := decides.added
		if !event.Added {
			verb = decides.off
		}
		if verb != "" {
			commands = append(commands, labelCommand(event, verb))
		}
	}
	return commands
}

// shown is when the hub put the label of each step on the issue last, by GitLab's clock.
func (t *trail) shown(labels onboarding.Labels) map[int]time.Time {
	shown := map[int]time.Time{}
	for step, label := range labels.Steps {
		for _, event := range t.labels {
			if event.AuthorID == t.self && event.Added && event.Label == label && event.At.After(shown[step]) {
				shown[step] = event.At
			}
		}
	}
	return shown
}

func labelCommand(event *gitlab.LabelEvent, verb onboarding.Verb) onboarding.Command {
	return onboarding.Command{Source: onboarding.FromLabel, ID: event.ID, Verb: verb, At: event.At, Author: event.AuthorID}
}

// lastOn returns the last thing that somebody else than the hub did with a label.
func (t *trail) lastOn(which func(label string) bool) *gitlab.LabelEvent {
	var last *gitlab.LabelEvent
	for i := range t.labels {
		event := &t.labels[i]
		if event.AuthorID != t.self && which(event.Label) && (last == nil || event.ID > last.ID) {
			last = event
		}
	}
	return last
}

// wrong returns what the hub has to put right because the issue does not look as it left
// it: labels, and whether it is open. Each is the last thing that somebody did there, or
// nobody's where GitLab does not tell.
func (t *trail) wrong(face onboarding.Face, others []string) []onboarding.Command {
	var wrong []onboarding.Command
	misplaced := func(label string) bool {
		has := slices.Contains(t.issue.Labels, label)
		return slices.Contains(face.Labels, label) && !has || slices.Contains(others, label) && has
	}
	if slices.ContainsFunc(slices.Concat(face.Labels, others), misplaced) {
		relabelled := onboarding.Command{Source: onboarding.FromLabel, Verb: onboarding.VerbRelabel}
		if event := t.lastOn(misplaced); event != nil {
			relabelled = labelCommand(event, onboarding.VerbRelabel)
		}
		wrong = append(wrong, relabelled)
	}
	closed := t.issue.State == "closed"
	if closed == face.Closed {
		return wrong
	}
	shut := onboarding.Command{Source: onboarding.FromState, Verb: onboarding.VerbReopen}
	if closed {
		shut.Verb = onboarding.VerbClose
	}
	for _, event := range t.states {
		if event.AuthorID != t.self && (event.State == "closed") == closed && event.ID > shut.ID {
			shut.ID, shut.At, shut.Author = event.ID, event.At, event.AuthorID
		}
	}
	return append(wrong, shut)
}

// inOrder sorts commands by when they were given.
func inOrder(commands []onboarding.Command) {
	slices.SortStableFunc(commands, func(a, b onboarding.Command) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(string(a.Source), string(b.Source)), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Line, b.Line))
	})
}

// known reports whether the comment, or the event, of a command was dealt with already.
func known(commands []onboarding.Command, c *onboarding.Command) bool {
	return slices.ContainsFunc(commands, func(k onboarding.Command) bool { return k.Source == c.Source && k.ID == c.ID })
}
