package onboarding

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Standing is where an onboarding stands: what everybody is told.
type Standing struct {
	Step int `json:"step"`
	// Decision is what stands at the step's gate, and Reason why.
	Decision Decision `json:"decision,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	// ByDS tells a no-go that was decided in DS.
	ByDS bool `json:"by_ds,omitempty"`
	// Waiting is who has to act next.
	Waiting Party `json:"waiting"`
	// Since is when something moved last.
	Since time.Time `json:"since"`
	// Blocked tells that agents blocked it, and BlockReason why.
	Blocked     bool   `json:"blocked,omitempty"`
	BlockReason string `json:"block_reason,omitempty"`
	// Stopped tells that it ended before the last step; Ended that it is in its last
	// one; Continued that it goes on with the dossier of another form.
	Stopped   bool `json:"stopped,omitempty"`
	Ended     bool `json:"ended,omitempty"`
	Continued bool `json:"continued,omitempty"`
	// Correcting tells that the applicant was asked to correct the dossier.
	Correcting bool `json:"correcting,omitempty"`
	// Passes are the gates that were passed, in their order.
	Passes []Pass `json:"passes,omitempty"`
	// Hosting is the reference of the hosting request.
	Hosting     string      `json:"hosting,omitempty"`
	Eligibility Eligibility `json:"eligibility"`
	// Unmet holds the ids of the hard prerequisites that are not met, and Wanting those of
	// the others.
	Unmet   []string `json:"unmet,omitempty"`
	Wanting []string `json:"wanting,omitempty"`
}

// Decision is a go/no-go.
type Decision string

// The decisions.
const (
	Undecided Decision = ""
	Go        Decision = "go"
	DecidedNo Decision = "no_go"
)

// Pass is a gate that was passed.
type Pass struct {
	Step int       `json:"step"`
	At   time.Time `json:"at"`
	// Overrides holds the ids of the hard prerequisites that were overridden, Reason why.
	// ByDS tells that it was by an acceptance in DS.
	Overrides []string `json:"overrides,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	ByDS      bool     `json:"by_ds,omitempty"`
}

// Eligibility is the case of help that a team is in.
type Eligibility struct {
	// Case is the case's number, 0 when none is known to fit.
	Case int `json:"case"`
	// Reasons are the facts that it follows from, and Missing those that no answer tells.
	Reasons []Fact `json:"reasons,omitempty"`
	Missing []Fact `json:"missing,omitempty"`
}

// Stand returns where an onboarding stands. It is a function of what DS says of the
// dossier and of the set of commands that were carried out: the order in which the hub
// learned of them does not matter.
//
// The decision on the dossier's form is the gate of the form's step, and DS has the last
// word on it; the later gates are decided in GitLab alone. A decision made in GitLab on
// the form's gate stands until DS shows it, or until somebody goes back on the dossier in
// DS afterwards.
func Stand(j *Journey, d *Dossier, r Record) Standing {
	s := stander{journey: j, dossier: d, record: r, commands: carriedOut(r.Commands), links: r.Links}
	s.standing = Standing{Waiting: PartyNobody, Since: s.lastMove(), Eligibility: j.Eligible(d), Correcting: d.AwaitCorrection}
	s.standing.Unmet, s.standing.Wanting = j.Unmet(d)
	if c := s.last(VerbHosting); c != nil {
		s.standing.Hosting = c.Argument
	}
	if form := j.FormStep(d); form != 0 && j.Step(form) != nil {
		s.standing.Step = form
		s.formGate()
		s.blocked()
	}
	return s.standing
}

type stander struct {
	journey  *Journey
	dossier  *Dossier
	record   Record
	commands []Command
	links    Links
	standing Standing
}

// carriedOut returns the commands that had an effect, by the time at which they were given.
func carriedOut(commands []Command) []Command {
	done := slices.DeleteFunc(slices.Clone(commands), func(c Command) bool { return c.Outcome != Done })
	slices.SortFunc(done, func(a, b Command) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Line, b.Line))
	})
	return done
}

// last returns the last command of one of these verbs, nil for none.
func (s *stander) last(verbs ...Verb) *Command {
	for i := range slices.Backward(s.commands) {
		if slices.Contains(verbs, s.commands[i].Verb) {
			return &s.commands[i]
		}
	}
	return nil
}

// decision returns the last go or no-go at a step's gate since a time, of which DS tells the
// second.
func (s *stander) decision(step int, since time.Time) *Command {
	for i := range slices.Backward(s.commands) {
		c := &s.commands[i]
		if (c.Verb == VerbGo || c.Verb == VerbNoGo) && c.Step == step && (since.IsZero() || !c.At.Before(since.Add(time.Second))) {
			return c
		}
	}
	return nil
}

// lastMove is when something happened that brings the onboarding forward or back.
func (s *stander) lastMove() time.Time {
	d := s.dossier
	since := slices.MaxFunc([]time.Time{d.FiledAt, d.ReopenedAt, d.EndedAt, d.AnswersAt, d.CorrectionAt}, time.Time.Compare)
	moves := s.last(VerbGo, VerbNoGo, VerbBlock, VerbUnblock, VerbCorrect, VerbHosting, VerbJoin)
	if moves != nil && moves.At.After(since) {
		return moves.At
	}
	return since
}

// formGate is the gate that the decision on the dossier's form is.
func (s *stander) formGate() {
	d, now := s.dossier, &s.standing
	given := s.decision(now.Step, d.ReopenedAt)
	switch {
	case d.State == Accepte:
		pass := Pass{Step: now.Step, At: d.EndedAt, ByDS: true}
		if given != nil && given.Verb == VerbGo {
			pass.ByDS, pass.Reason = false, given.Argument
		}
		if gate := s.journey.Step(now.Step).Gate; gate != nil && gate.Prerequisites {
			pass.Overrides = now.Unmet
		}
		now.Passes = append(now.Passes, pass)
		now.Step++
		s.laterGates()
	case d.State == Deleted:
		now.Stopped = true
	case d.State.TurnedDown():
		now.Decision, now.Reason, now.Stopped = DecidedNo, d.Motivation, true
		now.ByDS = given == nil || given.Verb != VerbNoGo
	case given != nil && s.pending(given):
		now.Decision, now.Reason, now.Waiting = Go, given.Argument, PartyHub
		if given.Verb == VerbNoGo {
			now.Decision = DecidedNo
		}
		if s.refused(given) {
			now.Waiting = PartyAgents
		}
	case d.AwaitCorrection:
		now.Waiting = PartyApplicant
	default:
		now.Waiting = s.journey.Step(now.Step).Turn
	}
}

// pending reports whether a decision made in GitLab on the form's gate is to be carried out
// in DS: not while DS waits for a correction, which changes what was decided upon, and a go
// not when more is unmet by now than it overrode.
func (s *stander) pending(given *Command) bool {
	if s.dossier.AwaitCorrection {
		return false
	}
	gate := s.journey.Step(given.Step).Gate
	if given.Verb == VerbNoGo || gate == nil || !gate.Prerequisites {
		return true
	}
	return !slices.ContainsFunc(s.standing.Unmet, func(id string) bool { return !slices.Contains(ids(given.Detail), id) })
}

// refused reports whether DS refused for good what a decision calls for.
func (s *stander) refused(given *Command) bool {
	to, _ := s.journey.decided(given)
	return s.record.failed(TransitionKey(to, given.Key())) || s.record.failed(TransitionKey(EnInstruction, given.Key()))
}

// laterGates passes the gates behind the form's that were decided in GitLab.
func (s *stander) laterGates() {
	now := &s.standing
	for ; now.Step < s.journey.Last(); now.Step++ {
		if s.journey.formAt(now.Step) != nil { // that form's dossier goes on from here
			now.Waiting, now.Continued = PartyApplicant, s.links.goOn()
			if now.Continued {
				now.Waiting = PartyNobody
			}
			return
		}
		step := s.journey.Step(now.Step)
		given := s.decision(now.Step, time.Time{})
		switch {
		case given == nil:
			now.Waiting = step.Turn
			return
		case given.Verb == VerbNoGo:
			now.Decision, now.Reason, now.Waiting = DecidedNo, given.Argument, PartyApplicant
			if step.Gate != nil && step.Gate.NoGo == NoGoStop {
				now.Stopped, now.Waiting = true, PartyNobody
			}
			return
		}
		now.Passes = append(now.Passes, Pass{Step: now.Step, At: given.At, Overrides: ids(given.Detail), Reason: given.Argument})
	}
	now.Ended = true
}

func (s *stander) blocked() {
	now := &s.standing
	if now.Stopped || now.Ended || now.Continued {
		return
	}
	if c := s.last(VerbBlock, VerbUnblock); c != nil && c.Verb == VerbBlock {
		now.Blocked, now.BlockReason, now.Waiting = true, c.Argument, PartyAgents
	}
}

// formAt returns the form whose dossiers' decision is the step's gate, or nil.
func (j *Journey) formAt(step int) *Demarche {
	for i := range j.Demarches {
		if j.Demarches[i].Step == step {
			return &j.Demarches[i]
		}
	}
	return nil
}

// ids reads what a command's detail lists.
func ids(detail string) []string { return strings.Fields(detail) }

// inProduction reports whether a gate was passed that puts the product in production.
func (s *Standing) inProduction(j *Journey) bool {
	return slices.ContainsFunc(s.Passes, func(p Pass) bool {
		step := j.Step(p.Step)
		return step != nil && step.Production
	})
}
