package onboarding

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// MessageKey is the key of a message to the applicant. The receipt is sent once; a
// decision's message once in each round, and DS counts the rounds.
func MessageKey(message Message, decisions int) ResourceKey {
	key := string(message)
	if message != MessageReceived {
		key = fmt.Sprintf("%s %d", message, max(decisions, 1))
	}
	return messageKey(key)
}

func messageKey(key string) ResourceKey {
	return ResourceKey{System: InDemarches, Kind: KindMessage, Key: key}
}

// StepMessage is the key of the message that the onboarding has come to a step by a go in
// GitLab, once in each round of decisions in DS.
func StepMessage(step, decisions int) ResourceKey {
	key := fmt.Sprintf("%s %d", MessageStep, step)
	if decisions > 1 { // somebody went back on the dossier and accepted it again
		key += fmt.Sprintf(" %d", decisions)
	}
	return messageKey(key)
}

// NoGoMessage is the key of the message that a gate was not passed.
func NoGoMessage(c *Command) ResourceKey {
	return messageKey(fmt.Sprintf("%s %d %s", MessageNoGo, c.Step, c.Key()))
}

// decisionAt is the command that decides a step's gate.
func (p *planner) decisionAt(step int) *Command {
	s := stander{commands: carriedOut(p.record.Commands)}
	return s.decision(step, time.Time{})
}

// MessageOf returns which message a key is of.
func MessageOf(key ResourceKey) Message {
	message, _, _ := strings.Cut(key.Key, " ")
	return Message(message)
}

// waiverKey is the key of the note that a message cannot be sent.
func waiverKey(message ResourceKey) ResourceKey {
	return ResourceKey{System: InDemarches, Kind: KindWaiver, Key: message.Key}
}

// messages plans what the applicant is to be told now: one message for where the
// onboarding stands, those that ask for a correction, and a reminder that is due. Others
// that a call without an answer may have sent are looked for.
func (p *planner) messages() {
	wanted := p.wantedMessages()
	for _, key := range p.record.keys(KindMessage) {
		if !slices.Contains(wanted, key) {
			p.settle(SendMessage, key)
		}
	}
	for _, key := range wanted {
		switch {
		case p.record.Get(key).Done():
		case !p.dossier.Reachable():
			p.waive(key)
		default:
			p.add(Action{Kind: SendMessage, Resource: key})
		}
	}
}

func (p *planner) wantedMessages() []ResourceKey {
	var wanted []ResourceKey
	if key, tells := p.mainMessage(); tells {
		wanted = append(wanted, key)
	}
	if !p.dossier.State.Decided() && p.dossier.State != Deleted {
		for _, c := range carriedOut(p.record.Commands) {
			if c.Verb == VerbCorrect {
				wanted = append(wanted, CorrectionKey(&c))
			}
		}
	}
	if key, due := p.dueReminder(); due && key.System == InDemarches {
		wanted = append(wanted, key)
	}
	return wanted
}

// CorrectionKey is the key of the message that asks for a correction.
func CorrectionKey(c *Command) ResourceKey {
	return messageKey(fmt.Sprintf("%s %s %d", MessageCorrection, c.Key(), c.Line))
}

// mainMessage is the message for where the onboarding stands. There is one for each state
// of the dossier in each round, and one for each decision at a later gate.
func (p *planner) mainMessage() (ResourceKey, bool) {
	form := p.journey.FormStep(p.dossier)
	if p.dossier.State == Accepte {
		switch {
		case p.standing.Decision == DecidedNo:
			return NoGoMessage(p.decisionAt(p.standing.Step)), true
		case p.standing.Step > form+1:
			return StepMessage(p.standing.Step, p.dossier.Decisions), true
		}
	}
	if p.dossier.State == Deleted || p.policy.Message == MessageNone ||
		p.policy.Message == MessageAccepted && !SandboxReady(p.record) {
		return ResourceKey{}, false
	}
	return MessageKey(p.policy.Message, p.dossier.Decisions), true
}

// waive notes that DS does not take a message, once what may have been sent is known.
func (p *planner) waive(key ResourceKey) {
	if p.record.Get(key).Open() {
		p.settle(SendMessage, key)
		return
	}
	waiver := waiverKey(key)
	if why := string(p.dossier.Unreachable()); p.record.Get(waiver).Applied != why {
		p.add(Action{Kind: WaiveMessage, Resource: waiver, Want: why})
	}
}

// Unreachable says why DS takes no message to the applicant.
type Unreachable string

// The reasons.
const (
	UnreachableArchived Unreachable = "archived"
	UnreachableHidden   Unreachable = "hidden"
	UnreachableAccount  Unreachable = "account_deleted"
	UnreachableDeleted  Unreachable = "deleted"
)

// Unreachable says why DS takes no message, empty when it does.
func (d *Dossier) Unreachable() Unreachable {
	switch {
	case d.State == Deleted:
		return UnreachableDeleted
	case d.AccountDeleted:
		return UnreachableAccount
	case d.HiddenByUsager:
		return UnreachableHidden
	case d.Archived:
		return UnreachableArchived
	default:
		return ""
	}
}
