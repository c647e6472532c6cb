package demarches

import (
	"context"
	"errors"
	"time"

	"github.com/graph-gophers/graphql-go"
)

// mutationInput is what every mutation's input begins with.
type mutationInput struct {
	ClientMutationID *string
	DossierID        graphql.ID
}

// agentInput is the input of an act that an agent answers for.
type agentInput struct {
	mutationInput
	InstructeurID graphql.ID
}

// silentInput can keep DS from mailing the applicant, which the simulator never does.
type silentInput struct {
	agentInput
	DisableNotification graphql.NullBool
}

// payload is the answer to any mutation; each type of the schema takes its part.
type payload struct {
	ClientMutationID *string
	Dossier          *dossierResolver
	Message          *messageResolver
	Label            *labelResolver
	Annotation       *champ
	Annotations      *[]*champ
	Errors           *[]*validationError
}

type validationError struct{ Message string }

func (p *payload) refuse(messages ...string) {
	list := []*validationError{}
	for _, m := range messages {
		list = append(list, &validationError{m})
	}
	p.Errors = &list
}

// mutate does an act for a mutation. What DS refuses is data of the answer; what it
// does not find, or does not show to this token, is an error beside it.
func mutate(
	ctx context.Context, name string, in mutationInput, agent *graphql.ID,
	change func(s *Server, number int, options []ActOption, do func(*dossier, *act) error) error,
	do func(*dossier, *act, *payload) error,
) (*payload, error) {
	session := sessionOf(ctx)
	p := &payload{ClientMutationID: in.ClientMutationID}
	if session.anonymous {
		return nil, unauthorized(name)
	}
	if session.token.ReadOnly {
		p.refuse("Le jeton utilisé est configuré seulement en lecture")
		return p, nil
	}
	number, ok := decodeNumber(string(in.DossierID), "Dossier")
	if !ok {
		return nil, notFound(name)
	}
	var options []ActOption
	if agent != nil {
		found := session.server.agent(*agent)
		if found == nil {
			return nil, notFound(name)
		}
		options = append(options, by(found))
	}

	var changed *dossier
	err := change(session.server, number, options, func(d *dossier, a *act) error {
		if !session.opens(d.demarche.form.Number) {
			return unauthorized("Dossier")
		}
		changed = d
		return do(d, a, p)
	})
	if no := (*RefusedError)(nil); errors.As(err, &no) {
		p = &payload{ClientMutationID: in.ClientMutationID}
		p.refuse(no.Message)
		return p, nil
	}
	if errors.Is(err, ErrNotFound) {
		return nil, notFound(name)
	}
	if err != nil {
		return nil, err
	}
	p.Dossier = &dossierResolver{changed, session}
	return p, nil
}

func (s *Server) agent(id graphql.ID) *profile {
	number, ok := decodeNumber(string(id), "Instructeur")
	if !ok {
		return nil
	}
	for _, p := range s.agents {
		if p.number == number {
			return p
		}
	}
	return nil
}

// transition is a mutation that changes a dossier's state and says nothing else.
func transition(
	ctx context.Context, name string, in agentInput, do func(*dossier, *act) error,
) (*payload, error) {
	return mutate(ctx, name, in.mutationInput, &in.InstructeurID, (*Server).change,
		func(d *dossier, a *act, _ *payload) error { return do(d, a) })
}

type silentArgs struct{ Input silentInput }

func (root) DossierPasserEnInstruction(ctx context.Context, args silentArgs) (*payload, error) {
	return transition(ctx, "DossierPasserEnInstructionPayload", args.Input.agentInput, (*dossier).startInstruction)
}

func (root) DossierRepasserEnInstruction(ctx context.Context, args silentArgs) (*payload, error) {
	return transition(ctx, "DossierRepasserEnInstructionPayload", args.Input.agentInput, (*dossier).backToInstruction)
}

func (root) DossierRepasserEnConstruction(ctx context.Context, args silentArgs) (*payload, error) {
	return transition(ctx, "DossierRepasserEnConstructionPayload", args.Input.agentInput, (*dossier).backToConstruction)
}

func (root) DossierAccepter(ctx context.Context, args struct {
	Input struct {
		silentInput
		Justificatif *graphql.ID
		Motivation   *string
	}
},
) (*payload, error) {
	motivation := ""
	if args.Input.Motivation != nil {
		motivation = *args.Input.Motivation
	}
	return transition(ctx, "DossierAccepterPayload", args.Input.agentInput,
		func(d *dossier, a *act) error { return d.decide(a, Accepte, motivation) })
}

type negativeArgs struct {
	Input struct {
		silentInput
		Justificatif *graphql.ID
		Motivation   string
	}
}

func (root) DossierRefuser(ctx context.Context, args negativeArgs) (*payload, error) {
	return transition(ctx, "DossierRefuserPayload", args.Input.agentInput,
		func(d *dossier, a *act) error { return d.decide(a, Refuse, args.Input.Motivation) })
}

func (root) DossierClasserSansSuite(ctx context.Context, args negativeArgs) (*payload, error) {
	return transition(ctx, "DossierClasserSansSuitePayload", args.Input.agentInput,
		func(d *dossier, a *act) error { return d.decide(a, SansSuite, args.Input.Motivation) })
}

func (root) DossierArchiver(ctx context.Context, args struct{ Input agentInput }) (*payload, error) {
	return transition(ctx, "DossierArchiverPayload", args.Input,
		func(d *dossier, _ *act) error { return d.setArchived(true) })
}

func (root) DossierDesarchiver(ctx context.Context, args struct{ Input agentInput }) (*payload, error) {
	return transition(ctx, "DossierDesarchiverPayload", args.Input,
		func(d *dossier, _ *act) error { return d.setArchived(false) })
}

func (root) DossierEnvoyerMessage(ctx context.Context, args struct {
	Input struct {
		agentInput
		Attachment *graphql.ID
		Body       string
		Correction *string
	}
},
) (*payload, error) {
	reason := ""
	if args.Input.Correction != nil {
		reason = *args.Input.Correction
	}
	return mutate(ctx, "DossierEnvoyerMessagePayload", args.Input.mutationInput, &args.Input.InstructeurID, (*Server).changeAny,
		func(d *dossier, a *act, p *payload) error {
			m, err := d.write(a, a.agent.email, args.Input.Body, reason)
			if err == nil {
				p.Message = resolveMessage(m)
			}
			return err
		})
}

type labelArgs struct {
	Input struct {
		mutationInput
		LabelID graphql.ID
	}
}

func (root) DossierAjouterLabel(ctx context.Context, args labelArgs) (*payload, error) {
	return relabel(ctx, "DossierAjouterLabelPayload", args, (*dossier).addLabel)
}

func (root) DossierSupprimerLabel(ctx context.Context, args labelArgs) (*payload, error) {
	return relabel(ctx, "DossierSupprimerLabelPayload", args, (*dossier).removeLabel)
}

func relabel(ctx context.Context, name string, args labelArgs, do func(*dossier, *label) error) (*payload, error) {
	number, _ := decodeNumber(string(args.Input.LabelID), "Label")
	found := sessionOf(ctx).server.labels[number]
	if found == nil {
		return nil, notFound(name)
	}
	return mutate(ctx, name, args.Input.mutationInput, nil, (*Server).change,
		func(d *dossier, _ *act, p *payload) error {
			p.Label = resolveLabel(found)
			return do(d, found)
		})
}

func (root) DossierModifierAnnotationText(ctx context.Context, args struct {
	Input struct {
		agentInput
		AnnotationID graphql.ID
		Value        string
	}
},
) (*payload, error) {
	in := args.Input
	return mutate(ctx, "DossierModifierAnnotationTextPayload", in.mutationInput, &in.InstructeurID, (*Server).change,
		func(d *dossier, a *act, p *payload) error {
			stableID := decodeChamp(string(in.AnnotationID))
			f := field(d.demarche.form.Annotations, stableID)
			if f == nil || !f.textual() {
				return refused("L’annotation \"%s\" n’existe pas", in.AnnotationID)
			}
			value, problem := a.server.checkOne(f, in.Value)
			if problem != "" {
				return refused("%s", problem)
			}
			d.annotate(a, Answers{stableID: value})
			p.Annotation = &champ{f: f, value: value, at: dateTime{a.now}, base: sessionOf(ctx).base}
			return nil
		})
}

func (f *Field) textual() bool {
	switch f.Type {
	case Text, Textarea, Email, Phone, DropDownList:
		return true
	}
	return false
}

type annotationInput struct {
	ID    graphql.ID
	Value annotationValue
}

// annotationValue has the one value that fits the annotation's type.
type annotationValue struct {
	Checkbox, YesNo                     *bool
	Date                                *date
	Datetime                            *dateTime
	DecimalNumber                       *float64
	IntegerNumber, Repetition           *int32
	MultipleDropDownList                *[]string
	DropDownList, Email, Text, Textarea *string
}

// of returns the value for a field of that type, and nil if it is one of another.
func (v annotationValue) of(t FieldType) any {
	switch {
	case t == Checkbox && v.Checkbox != nil:
		return *v.Checkbox
	case t == YesNo && v.YesNo != nil:
		return *v.YesNo
	case t == Date && v.Date != nil:
		return v.Date.Time
	case t == Datetime && v.Datetime != nil:
		return v.Datetime.Truncate(time.Second)
	case t == DecimalNumber && v.DecimalNumber != nil:
		return *v.DecimalNumber
	case t == IntegerNumber && v.IntegerNumber != nil:
		return int(*v.IntegerNumber)
	case t == MultipleDropDownList && v.MultipleDropDownList != nil:
		return *v.MultipleDropDownList
	case t == DropDownList && v.DropDownList != nil:
		return *v.DropDownList
	case t == Email && v.Email != nil:
		return *v.Email
	case t == Text && v.Text != nil:
		return *v.Text
	case t == Textarea && v.Textarea != nil:
		return *v.Textarea
	}
	return nil
}

// DossierModifierAnnotations writes what it can and says what it cannot: values and
// errors can come together. An annotation that does not exist, or whose type is not
// that of the value, is passed over without a word, as in DS.
func (root) DossierModifierAnnotations(ctx context.Context, args struct {
	Input struct {
		agentInput
		Annotations []annotationInput
	}
},
) (*payload, error) {
	in := args.Input
	return mutate(ctx, "DossierModifierAnnotationsPayload", in.mutationInput, &in.InstructeurID, (*Server).change,
		func(d *dossier, a *act, p *payload) error {
			written, values, problems := []*champ{}, Answers{}, []string{}
			for _, annotation := range in.Annotations {
				stableID := decodeChamp(string(annotation.ID))
				f := field(d.demarche.form.Annotations, stableID)
				if f == nil {
					continue
				}
				given := annotation.Value.of(f.Type)
				if given == nil {
					continue
				}
				value, problem := a.server.checkOne(f, given)
				if problem != "" {
					problems = append(problems, problem)
					continue
				}
				values[stableID] = value
				written = append(written, &champ{f: f, value: value, at: dateTime{a.now}, base: sessionOf(ctx).base})
			}
			d.annotate(a, values)
			p.Annotations = &written
			if len(problems) > 0 {
				p.refuse(problems...)
			}
			return nil
		})
}
