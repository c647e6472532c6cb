package verdict

import (
	"fmt"
	"slices"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// judgeAnswers looks for the hub's answers to what agents did on the tracking issue: one
// to each comment with a command, at most one to each change of a label. What they tell
// is what was decided.
func (t *trial) judgeAnswers() {
	if len(t.held.issues) != 1 {
		return
	}
	iid := t.held.issues[0].IID
	notes := t.view.Notes(stage.TrackingProject, iid)
	for i := range notes {
		note := &notes[i]
		if note.System || note.Author == stage.User {
			continue
		}
		commands := onboarding.ParseCommands(note.Body)
		if len(commands) == 0 {
			continue
		}
		past := t.answer(notes, fmt.Sprintf("%s %d", onboarding.FromNote, note.ID), true)
		for _, c := range commands {
			c.Source, c.ID, c.At = onboarding.FromNote, int64(note.ID), note.CreatedAt
			t.carriedOut(c, past)
		}
	}
	labels := t.judge.Journey.GitLab.Labels
	for _, event := range t.view.LabelEvents(stage.TrackingProject, iid) {
		if event.Author == stage.User {
			continue
		}
		c := onboarding.Command{Source: onboarding.FromLabel, ID: int64(event.ID), At: event.At}
		switch {
		case event.Label == labels.Blocked && !event.Added:
			c.Verb = onboarding.VerbUnblock
		case event.Label == labels.Blocked:
			c.Verb = onboarding.VerbBlock
		case event.Label == labels.Go:
			c.Verb = onboarding.VerbGo
		case event.Label == labels.NoGo:
			c.Verb = onboarding.VerbNoGo
		}
		t.carriedOut(c, t.answer(notes, c.Key(), false))
	}
}

// answer returns what the answer to a comment, or to an event, tells.
func (t *trial) answer(notes []gitlab.Note, key string, must bool) (past []onboarding.Command) {
	mark, answers := t.judge.Marks.Mark(int64(t.dossier.Number), onboarding.AnswerKey(key)), 0
	for i := range notes {
		if notes[i].Author == stage.User && slices.Contains(onboarding.MarksIn(notes[i].Body), mark) {
			past = onboarding.ReadTrace(notes[i].Body)
			answers++
		}
	}
	t.count("answer to "+key, answers, must)
	return past
}

func (t *trial) carriedOut(c onboarding.Command, past []onboarding.Command) {
	if decided, told := onboarding.Retrace(c, past); told {
		t.record.Commands = append(t.record.Commands, decided)
	}
}

// gateMessages are those that decisions at the gates behind the form's call for, each
// once.
func (t *trial) gateMessages() (keys []onboarding.ResourceKey) {
	for i := range t.record.Commands {
		c := &t.record.Commands[i]
		switch {
		case c.Outcome != onboarding.Done:
		case c.Verb == onboarding.VerbGo:
			for round := range len(t.decisions()) {
				keys = append(keys, onboarding.StepMessage(c.Step+1, round+1))
			}
		case c.Verb == onboarding.VerbNoGo:
			keys = append(keys, onboarding.NoGoMessage(c))
		case c.Verb == onboarding.VerbCorrect:
			keys = append(keys, onboarding.CorrectionKey(c))
		}
	}
	return keys
}

// mainMessage is the message for where the onboarding stands.
func (t *trial) mainMessage(message onboarding.Message, decisions int) onboarding.ResourceKey {
	if t.state() == onboarding.Accepte {
		switch form := t.judge.Journey.FormStep(t.reading()); {
		case t.standing.Decision == onboarding.DecidedNo:
			return t.lastNoGo()
		case t.standing.Step > form+1:
			return onboarding.StepMessage(t.standing.Step, decisions)
		}
	}
	return onboarding.MessageKey(message, decisions)
}

// lastNoGo is the message of the last no-go at the gate where the onboarding stands.
func (t *trial) lastNoGo() onboarding.ResourceKey {
	var last *onboarding.Command
	for i := range t.record.Commands {
		c := &t.record.Commands[i]
		if c.Verb == onboarding.VerbNoGo && c.Outcome == onboarding.Done && c.Step == t.standing.Step && (last == nil || c.At.After(last.At)) {
			last = c
		}
	}
	return onboarding.NoGoMessage(last)
}
