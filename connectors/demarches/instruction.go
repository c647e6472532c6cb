package demarches

import (
	"context"
	"strings"
)

type instructionInput struct {
	DossierID     string `json:"dossierId"`
	InstructeurID string `json:"instructeurId"`
}

// GetGraphQLType names the type in DS's schema.
func (instructionInput) GetGraphQLType() string { return "DossierPasserEnInstructionInput" }

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
		Payload *struct {
			Dossier *struct{ ID string }
			Errors  []validationError
		} `graphql:"dossierPasserEnInstruction(input: $input)"`
	}
	input := instructionInput{DossierID: dossierID, InstructeurID: agent}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		return err
	}
	switch {
	case answer.Payload == nil:
		return c.unreadable(op, errUnreadable)
	case len(answer.Payload.Errors) == 1 && inInstruction(answer.Payload.Errors[0].Message):
		return nil
	case len(answer.Payload.Errors) > 0:
		return c.rejected(op, answer.Payload.Errors)
	case answer.Payload.Dossier == nil:
		return c.unreadable(op, errUnreadable)
	}
	return nil
}

// inInstruction reads the state out of "Le dossier est déjà <state>", which is
// DS's answer to any transition that the present state does not allow.
func inInstruction(message string) bool {
	_, state, ok := strings.Cut(message, "est déjà ")
	return ok && strings.TrimRight(state, " .") == "en instruction"
}
