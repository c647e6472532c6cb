package onboarding

import (
	"fmt"
	"time"
)

// Command is something that people did in GitLab that the hub has to answer for: a
// comment with a command, a label put on or taken off, an issue closed. It is carried
// out once, whatever becomes of the comment.
type Command struct {
	Source Source
	// ID is GitLab's id of the note, label event or state event, and Line which of a
	// note's commands this is, from 0.
	ID   int64
	Line int
	Verb Verb
	// Argument is what was written behind the verb, as typed.
	Argument string
	// At is when it was done, by GitLab's clock.
	At time.Time
	// Author is GitLab's id of who did it.
	Author int64
	// Step is the step that the dossier stood in when it was carried out.
	Step int
	// Outcome is what came of it, and Detail what goes with it, such as the nearest verb.
	Outcome Outcome
	Detail  string
}

// Source is where a command comes from.
type Source string

// The sources of commands.
const (
	FromNote  Source = "note"
	FromLabel Source = "label"
	FromState Source = "state"
	// Overruled is no source of commands: it stands for a decision that was carried out
	// and that DS contradicts.
	Overruled Source = "overruled"
)

// Key names what the command was part of: all commands of a comment are answered
// together.
func (c *Command) Key() string { return fmt.Sprintf("%s %d", c.Source, c.ID) }

// Verb is what a command asks for.
type Verb string

// The verbs. Those behind VerbUnknown cannot be written: they are read off labels and
// the state.
const (
	VerbGo      Verb = "go"
	VerbNoGo    Verb = "no-go"
	VerbBlock   Verb = "bloquer"
	VerbUnblock Verb = "debloquer"
	VerbCorrect Verb = "corriger"
	VerbHosting Verb = "hebergement"
	VerbJoin    Verb = "rattacher"
	VerbStatus  Verb = "statut"
	VerbHelp    Verb = "aide"
	// VerbUnknown is none of these; Detail of the command is the nearest one.
	VerbUnknown Verb = "?"
	// VerbRelabel is a set of labels that makes no sense.
	VerbRelabel Verb = "relabel"
	VerbClose   Verb = "close"
	VerbReopen  Verb = "reopen"
)

// Verbs lists the verbs that can be written, in the order in which help lists them.
func Verbs() []Verb {
	return []Verb{VerbGo, VerbNoGo, VerbBlock, VerbUnblock, VerbCorrect, VerbHosting, VerbJoin, VerbStatus, VerbHelp}
}

// Outcome is what came of a command.
type Outcome string

// The outcomes. Only what was done has an effect.
const (
	Done Outcome = "done"
	// Ignored: a label says what is so already. It is not answered.
	Ignored Outcome = "ignored"
	// RefusedRights: its author is no member with the right to decide.
	RefusedRights Outcome = "rights"
	// RefusedUnknown: there is no such command.
	RefusedUnknown Outcome = "unknown"
	// RefusedArgument: what must stand behind the verb is missing, or is none.
	RefusedArgument Outcome = "argument"
	// RefusedUnmet: hard prerequisites are not met, and no reason to override them was
	// given. Detail lists their ids.
	RefusedUnmet Outcome = "unmet"
	// RefusedDecided: DS has a final decision, which wins.
	RefusedDecided Outcome = "decided"
	// RefusedBlocked: the onboarding is blocked.
	RefusedBlocked Outcome = "blocked"
	// RefusedElsewhere: it is to be decided on another dossier, or on no dossier yet.
	RefusedElsewhere Outcome = "elsewhere"
	// RefusedStep: it makes no sense in this step.
	RefusedStep Outcome = "step"
	// RefusedUnreachable: DS takes no message to the applicant.
	RefusedUnreachable Outcome = "unreachable"
	// RefusedAlready: it is so already.
	RefusedAlready Outcome = "already"
	// RefusedEarlier: it was given before the issue showed the step.
	RefusedEarlier Outcome = "earlier"
	// RefusedStale: a later decision stands, or somebody went back on the dossier since.
	RefusedStale Outcome = "stale"
	// RefusedCorrection: the applicant has to correct the dossier first.
	RefusedCorrection Outcome = "correction"
)
