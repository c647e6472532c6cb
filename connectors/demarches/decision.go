package demarches

import "context"

// decisionInput is what the mutations that end a dossier take.
type decisionInput struct {
	instructionInput

	Motivation string `json:"motivation,omitempty"`
}

type acceptInput struct{ decisionInput }

// GetGraphQLType names the type in DS's schema.
func (acceptInput) GetGraphQLType() string { return "DossierAccepterInput" }

type refuseInput struct{ decisionInput }

// GetGraphQLType names the type in DS's schema.
func (refuseInput) GetGraphQLType() string { return "DossierRefuserInput" }

type classInput struct{ decisionInput }

// GetGraphQLType names the type in DS's schema.
func (classInput) GetGraphQLType() string { return "DossierClasserSansSuiteInput" }

// Accept accepts a dossier that is in instruction, in our agent's name; the motivation
// can be empty. One that is accepted already is a success.
func (c *Client) Accept(ctx context.Context, demarche, number int64, dossierID, motivation string) error {
	op := operation{name: opAccept, mutation: true, subject: subject(number)}
	agent, err := c.agent(ctx, demarche)
	if err != nil {
		return err
	}
	var answer struct {
		Payload *transition `graphql:"dossierAccepter(input: $input)"`
	}
	input := acceptInput{decided(dossierID, agent, motivation)}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		return err
	}
	return c.moved(op, answer.Payload, "accepté")
}

// Refuse refuses a dossier that is in instruction, in our agent's name. One that is
// refused already is a success.
func (c *Client) Refuse(ctx context.Context, demarche, number int64, dossierID, motivation string) error {
	op := operation{name: opRefuse, mutation: true, subject: subject(number)}
	agent, err := c.agent(ctx, demarche)
	if err != nil {
		return err
	}
	var answer struct {
		Payload *transition `graphql:"dossierRefuser(input: $input)"`
	}
	input := refuseInput{decided(dossierID, agent, motivation)}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		return err
	}
	return c.moved(op, answer.Payload, "refusé")
}

// Class closes a dossier that is in instruction without follow-up, in our agent's
// name. One that is so already is a success.
func (c *Client) Class(ctx context.Context, demarche, number int64, dossierID, motivation string) error {
	op := operation{name: opClass, mutation: true, subject: subject(number)}
	agent, err := c.agent(ctx, demarche)
	if err != nil {
		return err
	}
	var answer struct {
		Payload *transition `graphql:"dossierClasserSansSuite(input: $input)"`
	}
	input := classInput{decided(dossierID, agent, motivation)}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		return err
	}
	return c.moved(op, answer.Payload, "classé sans suite")
}

func decided(dossierID, agent, motivation string) decisionInput {
	return decisionInput{instructionInput{DossierID: dossierID, InstructeurID: agent}, motivation}
}
