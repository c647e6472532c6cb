package demarches

import (
	"context"
	"slices"
	"strings"

	"github.com/cloud-pi-native/passerelle/connectors"
)

type messageInput struct {
	DossierID     string `json:"dossierId"`
	InstructeurID string `json:"instructeurId"`
	Body          string `json:"body"`
	Correction    string `json:"correction,omitempty"`
}

// GetGraphQLType names the type in DS's schema.
func (messageInput) GetGraphQLType() string { return "DossierEnvoyerMessageInput" }

// Message is a message to an applicant.
type Message struct {
	Body string
	// Correction gives the dossier back to the applicant, for what is incomplete in
	// it. DS passes over it when a correction is awaited already or the dossier is
	// decided: the message is sent all the same.
	Correction bool
}

// incomplete is DS's reason for a correction.
const incomplete = "incomplete"

// SendMessage sends a message to the applicant, in our agent's name, and returns
// its id. DS has no way to tell a repeated message: when the call fails and may
// have had an effect, FindMessage tells.
func (c *Client) SendMessage(ctx context.Context, demarche, number int64, dossierID string, m Message) (messageID string, err error) {
	op := operation{name: opSendMessage, mutation: true, subject: subject(number)}
	agent, err := c.agent(ctx, demarche)
	if err != nil {
		return "", err
	}
	var answer struct {
		Payload *struct {
			Message *struct{ ID string }
			Errors  []validationError
		} `graphql:"dossierEnvoyerMessage(input: $input)"`
	}
	input := messageInput{DossierID: dossierID, InstructeurID: agent, Body: m.Body}
	if m.Correction {
		input.Correction = incomplete
	}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		return "", err
	}
	switch {
	case answer.Payload == nil:
		return "", c.unreadable(op, errUnreadable)
	case answer.Payload.Message != nil && answer.Payload.Message.ID != "":
		return answer.Payload.Message.ID, nil
	case len(answer.Payload.Errors) > 0:
		return "", c.rejected(op, answer.Payload.Errors)
	}
	return "", c.unreadable(op, errUnreadable)
}

// FindMessage looks for a message that holds reference among all of a dossier's,
// and returns the first. Messages are returned as they were sent, so a reference
// that we put in the body finds ours, and an applicant who quotes it has got it.
func (c *Client) FindMessage(ctx context.Context, number int64, reference string) (messageID string, found bool, err error) {
	ids, err := c.FindMessages(ctx, number, []string{reference})
	return ids[reference], ids[reference] != "", err
}

// FindMessages looks for several references at once, and returns the ids of the first
// messages that hold them.
func (c *Client) FindMessages(ctx context.Context, number int64, references []string) (ids map[string]string, err error) {
	op := operation{name: opFindMessage, subject: subject(number)}
	if slices.Contains(references, "") { // every message holds it
		return nil, c.fail(op, connectors.Permanent, "no reference to look for")
	}
	var answer struct {
		Dossier *struct {
			Messages []struct{ ID, Body string }
		} `graphql:"dossier(number: $number)"`
	}
	if err := c.run(ctx, op, &answer, map[string]any{"number": number}); err != nil {
		return nil, err
	}
	if answer.Dossier == nil {
		return nil, c.unreadable(op, errUnreadable)
	}
	ids = map[string]string{}
	for _, reference := range references {
		for _, m := range answer.Dossier.Messages {
			if strings.Contains(m.Body, reference) {
				ids[reference] = m.ID
				break
			}
		}
	}
	return ids, nil
}
