package jobs

import (
	"context"
	"maps"
	"slices"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// annotate writes the form's private fields, all in one call. It is the same whether it is
// done once or twice.
func (c *crew) annotate(ctx context.Context, t *task) (outcome, error) {
	if t.action.Settle {
		return t.unknown(), nil
	}
	d := &t.dossier
	shown := onboarding.ShownOf(c.Journey, d, t.record)
	fields := c.Journey.Demarche(d.Demarche).Annotations
	var values []demarches.AnnotationValue
	var written []onboarding.Annotation
	for _, annotation := range slices.Sorted(maps.Keys(fields)) {
		values = append(values, demarches.AnnotationValue{ID: fields[annotation].ID, Text: c.Texts.Annotation(d, annotation, shown)})
		written = append(written, annotation)
	}
	if err := c.Demarches.Annotate(ctx, d.Demarche, d.Number, d.ID, values); err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: t.action.Resource, applied: t.action.Want}},
		facts:   []ledger.Fact{t.fact(ledger.AnnotationsWritten, map[string]any{"annotations": written, "step": shown.Step})},
	}, nil
}

// tagDossier gives the dossier the label of its step in DS, and takes those of the other
// steps off.
func (c *crew) tagDossier(ctx context.Context, t *task) (outcome, error) {
	if t.action.Settle {
		return t.unknown(), nil
	}
	d := &t.dossier
	ids, err := c.Demarches.Labels(ctx, d.Demarche)
	if err != nil {
		return outcome{}, err
	}
	want := t.action.Want
	for _, label := range slices.Sorted(maps.Values(c.Journey.Demarche(d.Demarche).Labels)) {
		switch id := ids[label]; {
		case label == want && id == "":
			return outcome{}, &connectors.Failure{
				Service: "DS", Call: "add label", Class: connectors.Permanent, Local: true, NoEffect: true,
				Detail: "the form has no label named " + label, Advice: "add it to the form in DS, or take it out of the journey file",
			}
		case label == want:
			err = c.Demarches.AddLabel(ctx, d.Demarche, d.Number, d.ID, id)
		case id != "" && (slices.Contains(d.Labels, label) || label == t.resource().Applied):
			err = c.Demarches.RemoveLabel(ctx, d.Demarche, d.Number, d.ID, id)
		}
		if err != nil {
			return outcome{}, err
		}
	}
	return outcome{
		changes: []change{{key: t.action.Resource, applied: want}},
		facts:   []ledger.Fact{t.fact(ledger.DossierTagged, map[string]any{"label": want})},
	}, nil
}

// unknown is the outcome of a change of a property that is not wanted any more.
func (t *task) unknown() outcome {
	return outcome{changes: []change{{key: t.action.Resource, applied: onboarding.Unknown}}, unasked: true}
}
