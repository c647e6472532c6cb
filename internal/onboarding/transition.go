package onboarding

// TransitionKey is the key of a change of state in DS that a command calls for.
func TransitionKey(to State, command string) ResourceKey {
	return ResourceKey{System: InDemarches, Kind: KindTransition, Key: string(to) + " " + command}
}

// transitions plans the changes of state in DS: those that a decision in GitLab calls for
// and, where the journey says so, the start of the instruction. What was changed shows in
// DS at the next look; until then nothing more is planned.
func (p *planner) transitions() {
	wanted, action := p.nextTransition()
	for _, key := range p.record.keys(KindTransition) {
		if key != wanted && p.record.Get(key).Open() {
			p.add(Action{Kind: StartInstruction, Resource: key, Settle: true})
		}
	}
	if wanted == (ResourceKey{}) {
		return
	}
	// What DS still shows otherwise, long after it was changed, was changed back, or never.
	if row := p.record.Get(wanted); !row.Done() || p.record.SeenAt.After(row.DoneAt) {
		p.add(Action{Kind: action, Resource: wanted})
	}
}

func (p *planner) nextTransition() (ResourceKey, ActionKind) {
	d := p.dossier
	if d.AwaitCorrection {
		return ResourceKey{}, "" // DS refuses them
	}
	if command := p.formDecision(); command != nil && (p.standing.Waiting == PartyHub || p.standing.failing()) {
		to, action := p.journey.decided(command)
		switch d.State {
		case EnConstruction:
			return TransitionKey(EnInstruction, command.Key()), StartInstruction
		case EnInstruction:
			return TransitionKey(to, command.Key()), action
		default:
			return ResourceKey{}, ""
		}
	}
	if p.journey.DSTransitions == InstructOnReceipt && d.State == EnConstruction && !d.EverInstructed {
		return InstructKey, StartInstruction
	}
	return ResourceKey{}, ""
}

// formDecision is the command that decides the form's gate.
func (p *planner) formDecision() *Command {
	s := stander{commands: carriedOut(p.record.Commands)}
	return s.decision(p.journey.FormStep(p.dossier), p.dossier.ReopenedAt)
}

// decided is what a decision on the form's gate makes of the dossier in DS.
func (j *Journey) decided(c *Command) (State, ActionKind) {
	if c.Verb == VerbGo {
		return Accepte, AcceptDossier
	}
	if gate := j.Step(c.Step).Gate; gate != nil && gate.NoGo == NoGoClass {
		return SansSuite, ClassDossier
	}
	return Refuse, RefuseDossier
}

// failing reports whether what was decided in GitLab could not be carried out in DS.
func (s *Standing) failing() bool {
	return s.Decision != Undecided && !s.Stopped && !s.Blocked && s.Waiting == PartyAgents
}

// Motivation is the reason that goes to DS with a no-go on the form's gate. That of a go is
// for those who work in GitLab.
func Motivation(j *Journey, d *Dossier, r Record) string {
	p := planner{journey: j, dossier: d, record: r}
	if c := p.formDecision(); c != nil && c.Verb == VerbNoGo {
		return c.Argument
	}
	return ""
}
