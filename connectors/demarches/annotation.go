package demarches

import (
	"context"
	"fmt"
	"slices"

	"github.com/cloud-pi-native/passerelle/connectors"
)

const adviceAnnotation = "check that the annotations named in the journey file are on the form, as short texts"

// AnnotationValue is a text for one annotation, which is a short text.
type AnnotationValue struct {
	// ID is the annotation's opaque id.
	ID   string
	Text string
}

type annotationsInput struct {
	instructionInput

	Annotations []annotationInput `json:"annotations"`
}

type annotationInput struct {
	ID    string `json:"id"`
	Value struct {
		Text string `json:"text"`
	} `json:"value"`
}

// GetGraphQLType names the type in DS's schema.
func (annotationsInput) GetGraphQLType() string { return "DossierModifierAnnotationsInput" }

// Annotate writes annotations, in one call. Writing what is there already is a
// success. DS writes what it can of them: a failure may have had an effect.
func (c *Client) Annotate(ctx context.Context, demarche, number int64, dossierID string, values []AnnotationValue) error {
	op := operation{name: opAnnotate, mutation: true, subject: subject(number)}
	agent, err := c.agent(ctx, demarche)
	if err != nil {
		return err
	}
	input := annotationsInput{instructionInput: instructionInput{DossierID: dossierID, InstructeurID: agent}}
	for _, value := range values {
		annotation := annotationInput{ID: value.ID}
		annotation.Value.Text = value.Text
		input.Annotations = append(input.Annotations, annotation)
	}
	var answer struct {
		Payload *struct {
			Annotations []struct{ ID string }
			Errors      []validationError
		} `graphql:"dossierModifierAnnotations(input: $input)"`
	}
	if err := c.run(ctx, op, &answer, map[string]any{"input": input}); err != nil {
		return err
	}
	switch {
	case answer.Payload == nil, answer.Payload.Annotations == nil && len(answer.Payload.Errors) == 0:
		return c.unreadable(op, errUnreadable)
	case len(answer.Payload.Errors) > 0:
		f := c.rejected(op, answer.Payload.Errors)
		f.NoEffect = len(answer.Payload.Annotations) == 0
		return f
	}
	// DS passes over an annotation that the form has not, or whose type is another,
	// without a word.
	for _, value := range values {
		if !slices.Contains(answer.Payload.Annotations, struct{ ID string }{value.ID}) {
			f := c.fail(op, connectors.Permanent, fmt.Sprintf("the annotation %s was not written", value.ID))
			f.Advice = adviceAnnotation
			return f
		}
	}
	return nil
}
