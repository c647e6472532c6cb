package texts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Answer is the Markdown of the hub's answer to the commands of one comment, or to one
// change of label or state: what was done, or what is wrong. It is signed, and holds a
// trace of what was carried out.
func (t *Texts) Answer(d *onboarding.Dossier, commands []onboarding.Command, s onboarding.Standing, r onboarding.Record) string {
	if len(commands) == 0 {
		return ""
	}
	key := onboarding.AnswerKey(commands[0].Key())
	return t.render("answer", t.answer(d, commands, s, r)) + hidden(t.marks.Mark(d.Number, key)+" "+onboarding.Trace(commands))
}

type answerData struct {
	followData
	Commands []commandData
	// Verbs says what each command does, and Level who may give them.
	Verbs []string
	Level string
	// Decisive are the labels that decide.
	Decisive onboarding.Labels
	// Unreachable says why DS takes no message.
	Unreachable string
	// Hosting is the step from which the reference of a hosting request belongs to the
	// onboarding, nil for none.
	Hosting *stepData
}

// commandData is what came of one command.
type commandData struct {
	// Verb and Outcome are the domain's words, Said what was done or written.
	Verb, Outcome, Said string
	FromLabel           bool
	// Argument is a block quote, Line the same on one line.
	Argument, Line inert
	// Step is the step in which it was carried out, After the one behind it; nil when
	// there is none. InForm tells that the gate is the decision on this dossier's form.
	Step, After *stepData
	InForm      bool
	// Passed is the gate before the step, NoHosting tells that the step's hosting request
	// has no reference.
	Passed    *passData
	NoHosting bool
	// Unmet are the hard prerequisites that it is about.
	Unmet []string
	// Nearest is the verb that was probably meant.
	Nearest                   string
	TooMany, TooLong, Pending bool
}

func (t *Texts) answer(d *onboarding.Dossier, commands []onboarding.Command, s onboarding.Standing, r onboarding.Record) answerData {
	data := answerData{
		followData:  t.follow(d, s, r.Links, inMarkdown),
		Level:       t.journey.GitLab.Decide,
		Decisive:    t.journey.GitLab.Labels,
		Unreachable: t.words.unreachable[d.Unreachable()],
	}
	for _, verb := range onboarding.Verbs() {
		data.Verbs = append(data.Verbs, t.words.verbs[verb])
	}
	for number := t.journey.Last(); number > 0; number-- {
		if t.journey.Step(number).HostingURL != "" {
			data.Hosting = t.step(d, number)
		}
	}
	for _, c := range commands {
		command := t.command(d, c)
		for i := range data.Stand.Passes {
			if data.Stand.Passes[i].Number == c.Step-1 {
				command.Passed = &data.Stand.Passes[i]
			}
		}
		command.NoHosting = c.Verb == onboarding.VerbGo && s.Hosting == "" && command.Step != nil && command.Step.HostingURL != ""
		data.Commands = append(data.Commands, command)
	}
	return data
}

func (t *Texts) command(d *onboarding.Dossier, c onboarding.Command) commandData {
	data := commandData{
		Verb: string(c.Verb), Outcome: string(c.Outcome), FromLabel: c.Source == onboarding.FromLabel,
		Argument: inert(Quote(c.Argument)), Line: inert(Markdown(c.Argument)),
		Step: t.step(d, c.Step), After: t.step(d, c.Step+1), InForm: c.Step == t.journey.FormStep(d),
		TooMany: c.Detail == onboarding.TooManyCommands, TooLong: c.Cut(), Pending: c.Detail == onboarding.CorrectionPending,
	}
	switch number, err := strconv.ParseInt(c.Argument, 10, 64); {
	case c.Verb == onboarding.VerbHosting:
		data.Line = inert(codeOf(c.Argument))
	case c.Verb == onboarding.VerbJoin && err == nil:
		data.Line = inert(strconv.FormatInt(number, 10))
	}
	switch {
	case c.Verb == onboarding.VerbUnknown:
		data.Said = t.words.unknown
		if slices.Contains(onboarding.Verbs(), onboarding.Verb(c.Detail)) {
			data.Nearest = written(onboarding.Verb(c.Detail))
		}
	case data.FromLabel:
		data.Said = t.labelled(c.Verb)
	case c.Source == onboarding.FromState || t.words.seen[c.Verb] != "":
		data.Said = t.words.seen[c.Verb]
	default:
		data.Said = "`/passerelle " + written(c.Verb) + "`"
	}
	if c.Verb == onboarding.VerbGo {
		data.Unmet = t.prerequisites(strings.Fields(c.Detail), inMarkdown)
	}
	return data
}

// written is the verb as people write it.
func written(verb onboarding.Verb) string {
	switch verb {
	case onboarding.VerbUnblock:
		return "débloquer"
	case onboarding.VerbHosting:
		return "hébergement"
	default:
		return string(verb)
	}
}

// labelled says which label was put on or taken off.
func (t *Texts) labelled(verb onboarding.Verb) string {
	labels := t.journey.GitLab.Labels
	switch verb {
	case onboarding.VerbGo:
		return fmt.Sprintf(t.words.labelled, code(labels.Go))
	case onboarding.VerbNoGo:
		return fmt.Sprintf(t.words.labelled, code(labels.NoGo))
	case onboarding.VerbBlock:
		return fmt.Sprintf(t.words.labelled, code(labels.Blocked))
	case onboarding.VerbUnblock:
		return fmt.Sprintf(t.words.unlabelled, code(labels.Blocked))
	default:
		return t.words.seen[verb]
	}
}
