package texts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// voice makes words inert for where a text stands: a line, several lines, an address, and
// what is there to be copied.
type voice struct{ line, lines, address, exact func(string) string }

var (
	inMarkdown = voice{Markdown, Quote, linkTo, codeOf}
	inPlain    = voice{PlainText, PlainLines, PlainText, PlainText}
)

// standingData is where an onboarding stands.
type standingData struct {
	// Total is how many steps the journey has, Since the day on which something moved last.
	Total int
	Since string
	// One of these tells who has to act.
	ByApplicant, ByAgents, ByHub, ByNobody bool
	// Go and NoGo tell what was decided at the step's gate, Reason why.
	Go, NoGo    bool
	Reason      inert
	Blocked     bool
	BlockReason inert
	// Stopped ended before the last step, Ended is in it, Continued goes on with the
	// dossier of another form, Correcting waits for the applicant's correction.
	Stopped, Ended, Continued, Correcting bool
	// Deciding tells that the step's gate is waiting for a decision, Failed that the hub
	// could not carry one out.
	Deciding, Failed bool
	// InProduction tells that the product is in production.
	InProduction bool
	Passes       []passData
	// Hosting is the reference of the hosting request; HostingURL is where to make one,
	// when it belongs to this step and there is none.
	Hosting    inert
	HostingURL string
	// Help is the case of help, nil when none is known; Missing names the answers that
	// would tell, and NoCase tells that no case fits those given.
	Help    *helpData
	Missing []string
	NoCase  bool
	// Unmet and Wanting are the hard prerequisites that are not met, and the others.
	Unmet, Wanting []string
}

// passData is a gate that was passed.
type passData struct {
	Number int
	Title  string
	// On is the day, empty when it is not known.
	On        string
	ByDS      bool
	Overrides []string
	Reason    inert
}

// helpData is a case of help, and the answers that it follows from.
type helpData struct {
	Number    int
	Who, Help string
	Reasons   []factData
}

type factData struct {
	Name   string
	Answer inert
}

func (t *Texts) standing(d *onboarding.Dossier, s onboarding.Standing, v voice) standingData {
	data := standingData{
		Total:       t.journey.Last(),
		ByApplicant: s.Waiting == onboarding.PartyApplicant,
		ByAgents:    s.Waiting == onboarding.PartyAgents,
		ByHub:       s.Waiting == onboarding.PartyHub,
		ByNobody:    s.Waiting == onboarding.PartyNobody,
		Go:          s.Decision == onboarding.Go,
		NoGo:        s.Decision == onboarding.DecidedNo,
		Reason:      inert(v.lines(s.Reason)),
		Blocked:     s.Blocked,
		BlockReason: inert(v.lines(s.BlockReason)),
		Stopped:     s.Stopped,
		Ended:       s.Ended,
		Continued:   s.Continued,
		Correcting:  s.Correcting,
		Hosting:     inert(v.exact(s.Hosting)),
		Unmet:       t.prerequisites(s.Unmet, v),
		Wanting:     t.prerequisites(s.Wanting, v),
	}
	if !s.Since.IsZero() {
		data.Since = t.words.day(s.Since)
	}
	step := t.journey.Step(s.Step)
	data.Deciding = step != nil && step.Gate != nil && s.Decision == onboarding.Undecided && !s.Stopped && !s.Continued
	if step != nil && s.Hosting == "" && !s.Stopped {
		data.HostingURL = step.HostingURL
	}
	for _, pass := range s.Passes {
		passed := passData{Number: pass.Step, ByDS: pass.ByDS, Overrides: t.prerequisites(pass.Overrides, v), Reason: inert(v.line(pass.Reason))}
		if step := t.journey.Step(pass.Step); step != nil {
			passed.Title = oneLine(step.Title)
			data.InProduction = data.InProduction || step.Production
		}
		if !pass.At.IsZero() {
			passed.On = t.words.day(pass.At)
		}
		data.Passes = append(data.Passes, passed)
	}
	data.Help, data.Missing = t.help(d, s.Eligibility, v)
	data.NoCase = len(t.journey.Eligibility) > 0 && data.Help == nil && len(data.Missing) == 0
	return data
}

func (t *Texts) help(d *onboarding.Dossier, e onboarding.Eligibility, v voice) (*helpData, []string) {
	at := slices.IndexFunc(t.journey.Eligibility, func(c onboarding.EligibilityCase) bool { return c.Number == e.Case })
	if at < 0 {
		return nil, t.factNames(e.Missing)
	}
	found := t.journey.Eligibility[at]
	help := &helpData{Number: found.Number, Who: oneLine(found.Who), Help: oneLine(found.Help)}
	for _, fact := range e.Reasons {
		help.Reasons = append(help.Reasons, factData{t.words.facts[fact], inert(v.line(t.answered(d, fact)))})
	}
	return help, nil
}

// answered is what the applicant answered about a fact, as people read it.
func (t *Texts) answered(d *onboarding.Dossier, fact onboarding.Fact) string {
	answer := t.journey.Answer(d, fact)
	switch {
	case answer == nil:
		return ""
	case answer.Checked != nil && *answer.Checked:
		return t.words.yes
	case answer.Checked != nil:
		return t.words.no
	case answer.Text == "":
		return strings.Join(answer.Values, ", ")
	default:
		return answer.Text
	}
}

func (t *Texts) factNames(facts []onboarding.Fact) []string {
	var names []string
	for _, fact := range facts {
		names = append(names, t.words.facts[fact])
	}
	return names
}

// prerequisites returns the labels of prerequisites.
func (t *Texts) prerequisites(ids []string, v voice) []string {
	var labels []string
	for _, id := range ids[:min(len(ids), maxList)] {
		label := v.line(id)
		for _, prerequisite := range t.journey.Prerequisites {
			if prerequisite.ID == id {
				label = oneLine(prerequisite.Label)
			}
		}
		labels = append(labels, label)
	}
	return labels
}

// Annotation is what a private field of the form shows, in one short line; empty when there
// is nothing to show.
func (t *Texts) Annotation(d *onboarding.Dossier, a onboarding.Annotation, shown onboarding.Shown) string {
	const most = 250
	text := ""
	switch a {
	case onboarding.AnnotationStep:
		if step := t.journey.Step(shown.Step); shown.Continues != 0 {
			text = fmt.Sprintf(t.words.continues, shown.Continues)
		} else if step != nil {
			text = fmt.Sprintf(t.words.step, step.Number, t.journey.Last(), oneLine(step.Title))
		}
	case onboarding.AnnotationSandbox:
		text = clean(shown.SandboxURL, most, false)
	case onboarding.AnnotationIssue:
		text = clean(shown.IssueURL, most, false)
	case onboarding.AnnotationEligibility:
		text = t.eligibility(d, shown.Eligibility)
	}
	return clean(text, most, false)
}

func (t *Texts) eligibility(d *onboarding.Dossier, number int) string {
	if len(t.journey.Eligibility) == 0 {
		return ""
	}
	help, missing := t.help(d, onboarding.Eligibility{Case: number, Missing: t.journey.Eligible(d).Missing}, inPlain)
	switch {
	case help != nil:
		return fmt.Sprintf(t.words.helpCase, help.Number, help.Help)
	case len(missing) > 0:
		return fmt.Sprintf(t.words.unknownCase, strings.Join(missing, ", "))
	default:
		return t.words.noCase
	}
}
