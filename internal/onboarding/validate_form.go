package onboarding

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// formPath is the path of a form's page in DS.
var formPath = regexp.MustCompile(`^[a-z0-9]+([_-][a-z0-9]+)*$`)

// maxFormPath leaves room for what the form is filled in with.
const maxFormPath = 200

// form checks what a form has besides its fields.
func (v *validation) form(path string, demarche *Demarche) {
	if last := v.journey.Last(); last > 0 && demarche.Step == last {
		v.add(path+".step", "is the last step, which has no gate for a decision to be", "write the number of an earlier one")
	}
	if demarche.Path != "" && (!formPath.MatchString(demarche.Path) || len(demarche.Path) > maxFormPath) {
		v.add(path+".path", "is not the path of a form", "copy what stands behind commencer/ in its address")
	}
	v.next(path, demarche)
	for _, id := range slices.Sorted(maps.Keys(demarche.Prerequisites)) {
		if !slices.ContainsFunc(v.journey.Prerequisites, func(p Prerequisite) bool { return p.ID == id }) {
			v.add(path+".prerequisites."+id, "is no prerequisite of this journey", "write the id of one of the prerequisites")
			continue
		}
		v.field(path+".prerequisites."+id, demarche.Prerequisites[id])
	}
	for _, annotation := range slices.Sorted(maps.Keys(demarche.Annotations)) {
		at := path + ".annotations." + string(annotation)
		if !slices.Contains(Annotations(), annotation) {
			v.add(at, "is nothing that can be shown", "write one of "+join(Annotations()))
			continue
		}
		v.field(at, demarche.Annotations[annotation])
	}
	for _, step := range slices.Sorted(maps.Keys(demarche.Labels)) {
		at := fmt.Sprintf("%s.labels.%d", path, step)
		v.step(at, step)
		v.words(at, demarche.Labels[step], "write the name of a label of the form in DS")
	}
	v.formPolicy(path, demarche)
}

func (v *validation) next(path string, demarche *Demarche) {
	if demarche.Next == 0 {
		return
	}
	next := v.journey.Demarche(demarche.Next)
	switch {
	case next == nil:
		v.add(path+".next", fmt.Sprintf("form %d is not configured", demarche.Next), "write the number of one of the forms")
	case next.Step <= demarche.Step:
		v.add(path+".next", fmt.Sprintf("form %d belongs to no later step", demarche.Next), "write the number of the form that a go leads to")
	case next.Path == "":
		v.add(path+".next", fmt.Sprintf("form %d has no path, and nobody can be led there", demarche.Next), "give that form its path")
	case next.Fields[FactReference].ID == "":
		v.add(path+".next", fmt.Sprintf("form %d does not say by its id which field takes the reference", demarche.Next), "give its reference: an id")
	}
}

func (v *validation) formPolicy(path string, demarche *Demarche) {
	for _, state := range slices.Sorted(maps.Keys(demarche.Policy)) {
		at := path + ".policy." + string(state)
		if !slices.Contains(States(), state) {
			v.add(at, "is no state of a dossier", "write one of "+join(States()))
			continue
		}
		v.policyOf(at, state, demarche.Policy[state])
	}
	for _, state := range States() {
		policy, own := demarche.Policy[state]
		if !own {
			policy = v.journey.Policy[state]
		}
		if policy.Message == MessageQualified && demarche.Next == 0 {
			v.add(path+".next", "is missing: the message qualified leads to the next form", "write its number, or another message for "+string(state))
		}
	}
}
