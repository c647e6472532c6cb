package onboarding

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

func (v *validation) steps() {
	if len(v.journey.Steps) == 0 {
		v.add("steps", "is missing", "describe the steps of the journey")
	}
	production, numbers := 0, map[int]bool{}
	for i := range v.journey.Steps {
		step, path := &v.journey.Steps[i], fmt.Sprintf("steps[%d]", i)
		switch {
		case numbers[step.Number]:
			v.add(path+".number", fmt.Sprintf("step %d stands here twice", step.Number), "number the steps 1, 2, 3 and so on, in their order")
		case step.Number != i+1:
			v.add(path+".number", fmt.Sprintf("is %d, in the place of step %d", step.Number, i+1), "number the steps 1, 2, 3 and so on, in their order")
		}
		numbers[step.Number] = true
		v.words(path+".title", step.Title, "give the step a title")
		v.words(path+".goal", step.Goal, "say what the team can do at the step's end")
		v.line(path+".deliverable", step.Deliverable)
		v.line(path+".run_by", step.RunBy)
		v.lines(path+".tasks", step.Tasks)
		v.lines(path+".needs", step.Needs)
		v.lines(path+".next", step.Next)
		v.oneOf(path+".turn", string(step.Turn), string(PartyApplicant), string(PartyAgents))
		if step.HostingURL != "" {
			v.address(path+".hosting_url", step.HostingURL)
		}
		if step.Production {
			production++
		}
		if step.Production && production > 1 {
			v.add(path+".production", "is that of an earlier step already", "keep one of the two")
		}
		if i == len(v.journey.Steps)-1 {
			v.lastStep(path, step)
		} else {
			v.gatedStep(path, i+1, step)
		}
	}
}

// lastStep has no gate behind which anything could be.
func (v *validation) lastStep(path string, step *Step) {
	v.oneOf(path+".at_end", string(step.AtEnd), string(EndCheckUp), string(EndClose))
	if step.Gate != nil {
		v.add(path+".gate", "is that of the last step, which has none", "remove it")
	}
	if step.Production {
		v.add(path+".production", "is said of the last step, which has no gate", "say it of the step at whose end the product is in production")
	}
}

func (v *validation) gatedStep(path string, number int, step *Step) {
	if step.AtEnd != "" {
		v.add(path+".at_end", "is said of a step that is not the last", "remove it")
	}
	if strings.TrimSpace(step.Deliverable) == "" {
		v.add(path+".deliverable", "is missing", "say what the gate is decided on")
	}
	gate := step.Gate
	path += ".gate"
	if gate == nil {
		v.add(path, "is missing", "say what is decided at the step's end")
		return
	}
	v.words(path+".question", gate.Question, "say what is decided")
	v.words(path+".reason", gate.Reason, "write the reason for a no-go by label alone")
	switch {
	case !v.placed(): // a problem already
		v.oneOf(path+".no_go", string(gate.NoGo), string(NoGoRefuse), string(NoGoClass), string(NoGoRetry), string(NoGoStop))
		return
	case v.journey.formAt(number) != nil:
		v.noGo(path, gate.NoGo, "here, where a form's decision is the gate", NoGoRefuse, NoGoClass)
	default:
		v.noGo(path, gate.NoGo, "here, where no form's decision is the gate", NoGoRetry, NoGoStop)
	}
	if gate.Prerequisites {
		v.asked(path+".prerequisites", number)
	}
}

// placed reports whether every form belongs to a step with a gate: which gates are forms'
// is not known otherwise.
func (v *validation) placed() bool {
	return len(v.journey.Demarches) > 0 && !slices.ContainsFunc(v.journey.Demarches, func(d Demarche) bool {
		return d.Step < 1 || d.Step >= v.journey.Last()
	})
}

func (v *validation) noGo(path string, given NoGo, where string, choices ...NoGo) {
	path += ".no_go"
	if given != "" && !slices.Contains(choices, given) && slices.Contains([]NoGo{NoGoRefuse, NoGoClass, NoGoRetry, NoGoStop}, given) {
		v.add(path, fmt.Sprintf("%q cannot stand %s", given, where), "write one of "+join(choices))
		return
	}
	v.oneOf(path, string(given), plainWords(choices)...)
}

// asked: what a gate asks for is asked by a form at or before it.
func (v *validation) asked(path string, step int) {
	for _, prerequisite := range v.journey.Prerequisites {
		if prerequisite.Hard && !slices.ContainsFunc(v.journey.Demarches, func(d Demarche) bool {
			_, asks := d.Prerequisites[prerequisite.ID]
			return asks && d.Step <= step
		}) {
			v.add(path, fmt.Sprintf("no form of step %d or before says which field tells of %q", step, prerequisite.ID),
				"name the field under the form's prerequisites")
			return
		}
	}
	if !slices.ContainsFunc(v.journey.Prerequisites, func(p Prerequisite) bool { return p.Hard }) {
		v.add(path, "there is no hard prerequisite", "describe them under prerequisites, or remove this")
	}
}

// address asks for the address of a page.
func (v *validation) address(path, address string) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" ||
		parsed.User != nil || strings.ContainsAny(address, " <>()\"\\") || !oneLine(address) {
		v.add(path, "is not the address of a page", "write one that begins with https://")
	}
}
