package demarches

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// labelsFor is how long a démarche's labels are known before they are asked for
// again: an administrator of the démarche can add some at any time.
const labelsFor = time.Minute

// labels are those of a démarche.
type labels struct {
	ids  map[string]string // by name
	read time.Time
}

// Labels reads the ids of the labels that a démarche's dossiers can bear, by name. They
// are known for a minute then, or until one of them cannot be used.
func (c *Client) Labels(ctx context.Context, demarche int64) (map[string]string, error) {
	c.mu.Lock()
	known := c.labels[demarche]
	c.mu.Unlock()
	if known.ids != nil && time.Since(known.read) < labelsFor {
		return maps.Clone(known.ids), nil
	}
	op := operation{name: opLabels, subject: fmt.Sprintf("démarche %d", demarche)}
	var answer struct {
		Demarche *struct {
			Labels []struct{ ID, Name string }
		} `graphql:"demarche(number: $demarche)"`
	}
	if err := c.run(ctx, op, &answer, map[string]any{"demarche": demarche}); err != nil {
		return nil, err
	}
	if answer.Demarche == nil {
		return nil, c.unreadable(op, errUnreadable)
	}
	known = labels{ids: map[string]string{}, read: time.Now()}
	for _, label := range answer.Demarche.Labels {
		known.ids[label.Name] = label.ID
	}
	c.mu.Lock()
	c.labels[demarche] = known
	c.mu.Unlock()
	return maps.Clone(known.ids), nil
}

// forgetLabels has a démarche's labels asked for again.
func (c *Client) forgetLabels(demarche int64) {
	c.mu.Lock()
	delete(c.labels, demarche)
	c.mu.Unlock()
}

type labelInput struct {
	DossierID string `json:"dossierId"`
	LabelID   string `json:"labelId"`
}

type addLabelInput struct{ labelInput }

// GetGraphQLType names the type in DS's schema.
func (addLabelInput) GetGraphQLType() string { return "DossierAjouterLabelInput" }

type removeLabelInput struct{ labelInput }

// GetGraphQLType names the type in DS's schema.
func (removeLabelInput) GetGraphQLType() string { return "DossierSupprimerLabelInput" }

// labelled is the answer of the mutations about labels.
type labelled struct {
	Label  *struct{ ID string }
	Errors []validationError
}

// AddLabel puts a label on a dossier. One that is there already is a success.
func (c *Client) AddLabel(ctx context.Context, demarche, number int64, dossierID, labelID string) error {
	op := operation{name: opAddLabel, mutation: true, subject: subject(number)}
	var answer struct {
		Payload *labelled `graphql:"dossierAjouterLabel(input: $input)"`
	}
	input := addLabelInput{labelInput{dossierID, labelID}}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		c.forgetLabels(demarche)
		return err
	}
	return c.relabelled(op, answer.Payload, "Ce label est déjà associé au dossier")
}

// RemoveLabel takes a label off a dossier. One that is not there is a success.
func (c *Client) RemoveLabel(ctx context.Context, demarche, number int64, dossierID, labelID string) error {
	op := operation{name: opRemoveLabel, mutation: true, subject: subject(number)}
	var answer struct {
		Payload *labelled `graphql:"dossierSupprimerLabel(input: $input)"`
	}
	input := removeLabelInput{labelInput{dossierID, labelID}}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		c.forgetLabels(demarche)
		return err
	}
	return c.relabelled(op, answer.Payload, "Ce label n’est pas associé au dossier")
}

// relabelled reads an answer; done is what DS says when there was nothing to do.
func (c *Client) relabelled(op operation, payload *labelled, done string) error {
	switch {
	case payload == nil:
		return c.unreadable(op, errUnreadable)
	case len(payload.Errors) == 1 && payload.Errors[0].Message == done:
		return nil
	case len(payload.Errors) > 0:
		return c.rejected(op, payload.Errors)
	case payload.Label == nil:
		return c.unreadable(op, errUnreadable)
	}
	return nil
}
