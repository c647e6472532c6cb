package main

import (
	"slices"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

// act is what an agent does with a dossier in DS.
type act string

const (
	instruct act = "instruct"
	accept   act = "accept"
	refuse   act = "refuse"
	class    act = "class"
	reopen   act = "reopen"
)

// do does the act in DS.
func (a act) do(ds *demarches.Server, number int, reason string) error {
	switch a {
	case instruct:
		return ds.StartInstruction(number)
	case accept:
		return ds.Accept(number, "")
	case refuse:
		return ds.Refuse(number, reason)
	case class:
		return ds.Class(number, reason)
	default:
		return ds.BackToInstruction(number)
	}
}

// ending is how a dossier must look, in DS and in GitLab, once all is done. It is
// written from what the journey promises, not from the hub's code.
type ending struct {
	state    onboarding.State
	step     int
	closed   bool // the tracking issue, with a no-go
	sandbox  sandbox
	messages []onboarding.Message // to the applicant, in order
}

// sandbox is what a team has in GitLab.
type sandbox string

const (
	none     sandbox = "none"
	active   sandbox = "active"
	archived sandbox = "archived"
)

// filed is the ending of a dossier that nobody acted on.
func filed() ending {
	return ending{
		state: onboarding.EnConstruction, step: 2, sandbox: none, messages: []onboarding.Message{onboarding.MessageReceived},
	}
}

// after is the ending after one more act.
func (e ending) after(a act) ending {
	e.messages = slices.Clone(e.messages)
	e.closed, e.step = false, 2
	switch a {
	case instruct, reopen:
		e.state = onboarding.EnInstruction
	case accept:
		e.state, e.step, e.sandbox = onboarding.Accepte, 3, active
		e.messages = append(e.messages, onboarding.MessageAccepted)
	case refuse, class:
		e.state, e.closed = onboarding.Refuse, true
		if a == class {
			e.state = onboarding.SansSuite
		}
		if e.sandbox == active {
			e.sandbox = archived
		}
		e.messages = append(e.messages, onboarding.MessageRefused)
	}
	return e
}
