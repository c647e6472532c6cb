package onboarding

import (
	"slices"
	"strconv"
	"strings"
)

// Decide says what comes of a command, given where the onboarding stands, and returns it
// with its step, outcome and detail. allowed says whether its author may decide.
func Decide(j *Journey, d *Dossier, r Record, c Command, allowed bool) Command {
	standing := Stand(j, d, r)
	c.Step = standing.Step
	if observed := c.Verb == VerbRelabel || c.Verb == VerbClose || c.Verb == VerbReopen; observed {
		c.Outcome = Done
		return c
	}
	if !allowed {
		c.Outcome = RefusedRights
		return c
	}
	v := verdict{journey: j, dossier: d, record: r, standing: standing, command: &c}
	c.Outcome = v.outcome()
	if c.Source == FromLabel && c.Outcome == RefusedAlready {
		c.Outcome = Ignored
	}
	return c
}

// Retrace returns a command as a ledger that was lost had decided it, which its answer
// tells.
func Retrace(c Command, answered []Command) (Command, bool) {
	for _, past := range answered {
		if past.Line == c.Line && past.Verb == c.Verb {
			c.Step, c.Outcome, c.Detail = past.Step, past.Outcome, past.Detail
			return c, true
		}
	}
	return c, false
}

type verdict struct {
	journey  *Journey
	dossier  *Dossier
	record   Record
	standing Standing
	command  *Command
}

func (v *verdict) outcome() Outcome {
	switch v.command.Verb {
	case VerbGo:
		return v.first(v.open, v.answered, v.passable, v.effective)
	case VerbNoGo:
		return v.first(v.open, v.answered, v.reasoned, v.effective)
	case VerbBlock:
		return v.first(v.underWay, v.notBlocked, v.explained)
	case VerbUnblock:
		return v.first(v.underWay, v.isBlocked)
	case VerbCorrect:
		return v.first(v.explained, v.correctable)
	case VerbHosting:
		return v.first(v.hosted, v.explained)
	case VerbJoin:
		return v.joinable()
	case VerbStatus, VerbHelp:
		return Done
	default:
		return RefusedUnknown
	}
}

// first is the first refusal of several conditions.
func (v *verdict) first(conditions ...func() Outcome) Outcome {
	for _, condition := range conditions {
		if outcome := condition(); outcome != Done {
			return outcome
		}
	}
	return Done
}

// open: the gate of the step that the onboarding stands in can be decided in GitLab.
func (v *verdict) open() Outcome {
	form := v.standing.Step == v.journey.FormStep(v.dossier)
	step := v.journey.Step(v.standing.Step)
	switch {
	case v.dossier.State.TurnedDown():
		return RefusedDecided
	case v.standing.Continued, !form && v.journey.formAt(v.standing.Step) != nil:
		return RefusedElsewhere
	case step == nil || step.Gate == nil:
		return RefusedStep
	case form && (v.dossier.AwaitCorrection || v.correcting()):
		return RefusedCorrection
	case len(v.standing.Passes) > 0 && !v.command.At.After(v.record.Shown[v.standing.Step]),
		len(v.standing.Passes) > 0 && v.record.Shown[v.standing.Step].IsZero():
		// It was given before the issue showed the step, and meant the one before it.
		return RefusedEarlier
	}
	return Done
}

// correcting: a request for correction is on its way to DS.
func (v *verdict) correcting() bool {
	return slices.ContainsFunc(v.record.Commands, func(c Command) bool {
		return c.Verb == VerbCorrect && c.Outcome == Done && !v.record.Get(CorrectionKey(&c)).Done()
	})
}

// answered: it is not decided so already.
func (v *verdict) answered() Outcome {
	decided := map[Verb]Decision{VerbGo: Go, VerbNoGo: DecidedNo}[v.command.Verb]
	if v.standing.Decision != decided || v.standing.failing() {
		return Done
	}
	if v.tryAgain() && v.command.Source != FromLabel {
		return Done // another reason, after another try
	}
	return RefusedAlready
}

// tryAgain: a no-go at this gate leaves the team in its step.
func (v *verdict) tryAgain() bool { return v.journey.Step(v.standing.Step).Gate.NoGo == NoGoRetry }

// effective: with it the onboarding stands elsewhere, or otherwise. It does not when it was
// given before something that undid it.
func (v *verdict) effective() Outcome {
	with := v.record
	c := *v.command
	c.Outcome = Done
	with.Commands = append(slices.Clone(with.Commands), c)
	if fingerprint(Stand(v.journey, v.dossier, with)) == fingerprint(v.standing) {
		return RefusedStale
	}
	return Done
}

// passable: nothing keeps the gate shut, or somebody gives a reason to pass it all the same.
func (v *verdict) passable() Outcome {
	if v.standing.Blocked {
		return RefusedBlocked
	}
	if !v.journey.Step(v.standing.Step).Gate.Prerequisites || len(v.standing.Unmet) == 0 {
		return Done
	}
	v.command.Detail = strings.Join(v.standing.Unmet, " ")
	if v.command.Argument == "" {
		return RefusedUnmet
	}
	return Done
}

// reasoned: a no-go has a reason; that of a label is the gate's own.
func (v *verdict) reasoned() Outcome {
	if v.standing.Blocked && v.tryAgain() {
		return RefusedBlocked
	}
	if v.command.Source == FromLabel && v.command.Argument == "" {
		v.command.Argument = v.journey.Step(v.standing.Step).Gate.Reason
	}
	return v.explained()
}

// explained: what must stand behind the verb does. A label has no place for it.
func (v *verdict) explained() Outcome {
	if v.command.Argument == "" && v.command.Source != FromLabel {
		return RefusedArgument
	}
	return Done
}

func (v *verdict) underWay() Outcome {
	if v.standing.Stopped || v.standing.Ended || v.standing.Continued {
		return RefusedStep
	}
	return Done
}

func (v *verdict) notBlocked() Outcome {
	if v.standing.Blocked {
		return RefusedAlready
	}
	return Done
}

func (v *verdict) isBlocked() Outcome {
	if !v.standing.Blocked {
		return RefusedAlready
	}
	return Done
}

// correctable: DS takes a request for correction before the decision alone. While one is
// pending it ignores another, and sends the message all the same.
func (v *verdict) correctable() Outcome {
	switch {
	case v.dossier.State.Decided() || v.dossier.State == Deleted:
		return RefusedDecided
	case !v.dossier.Reachable():
		return RefusedUnreachable
	case v.standing.Decision != Undecided:
		return RefusedAlready
	case v.dossier.AwaitCorrection:
		v.command.Detail = CorrectionPending
	}
	return Done
}

// CorrectionPending is the detail of a request for correction that DS takes for an
// ordinary message, because one is pending.
const CorrectionPending = "pending"

// maxReference bounds the reference of a hosting request, in bytes.
const maxReference = 200

func (v *verdict) hosted() Outcome {
	if len(v.command.Argument) > maxReference {
		return RefusedArgument
	}
	for step := v.standing.Step; step > 0; step-- {
		if v.journey.Step(step).HostingURL != "" {
			return Done
		}
	}
	return RefusedStep
}

func (v *verdict) joinable() Outcome {
	number, err := strconv.ParseInt(v.command.Argument, 10, 64)
	switch {
	case err != nil || !slices.Contains(v.record.Links.Joinable, number):
		return RefusedArgument
	case v.record.Links.Follows != nil && v.record.Links.Follows.Number == number:
		return RefusedAlready
	}
	return Done
}

// Joined returns the number of the earlier dossier that agents joined this one to, 0 for
// none.
func Joined(commands []Command) int64 {
	done := carriedOut(commands)
	for i := range slices.Backward(done) {
		if done[i].Verb == VerbJoin {
			number, err := strconv.ParseInt(done[i].Argument, 10, 64)
			if err == nil {
				return number
			}
		}
	}
	return 0
}
