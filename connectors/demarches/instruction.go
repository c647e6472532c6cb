package demarches

import (
	"context"
	"strings"
)

// instructionInput is what everything that an agent answers for takes.
type instructionInput struct {
	DossierID     string `json:"dossierId"`
	InstructeurID string `json:"instructeurId"`
}

type startInput struct{ instructionInput }

// GetGraphQLType names the type in DS's schema.
func (startInput) GetGraphQLType() string { return "DossierPasserEnInstructionInput" }

// StartInstruction takes a dossier from en_construction to en_instruction, in our
// agent's name. One that is in instruction already is a success; one that is
// decided is not.
func (c *Client) StartInstruction(ctx context.Context, demarche, number int64, dossierID string) error {
	op := operation{name: opStartInstruction, mutation: true, subject: subject(number)}
	agent, err := c.agent(ctx, demarche)
	if err != nil {
		return err
	}
	var answer struct {
		Payload *transition `graphql:"dossierPasserEnInstruction(input: $input)"`
	}
	input := startInput{instructionInput{DossierID: dossierID, InstructeurID: agent}}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		return err
	}
	return c.moved(op, answer.Payload, "en instruction")
}

// transition is the answer of the mutations that change a dossier's state.
type transition struct {
	Dossier *struct{ ID string }
	Errors  []validationError
}

// moved reads an answer. A dossier that is in the wanted state already is a success.
func (c *Client) moved(op operation, payload *transition, wanted string) error {
	switch {
	case payload == nil:
		return c.unreadable(op, errUnreadable)
	case len(payload.Errors) == 1 && already(payload.Errors[0].Message, wanted):
		return nil
	case len(payload.Errors) > 0:
		return c.rejected(op, payload.Errors)
	case payload.Dossier == nil:
		return c.unreadable(op, errUnreadable)
	}
	return nil
}

// already reads the state out of "Le dossier est déjà <state>", which is DS's answer
// to any transition that the present state does not allow.
func already(message, wanted string) bool {
	_, state, ok := strings.Cut(message, "est déjà ")
	return ok && strings.TrimRight(state, " .") == wanted
}
