package onboarding

import "slices"

// Eligible returns the case of help that the dossier's answers lead to: the first whose
// conditions all hold. When one before it could still hold, because a fact is not told,
// none is taken to fit.
func (j *Journey) Eligible(d *Dossier) Eligibility {
	var missing []Fact
	for i := range j.Eligibility {
		var reasons, unknown []Fact
		fits := true
		for _, fact := range Facts() {
			accepted, asked := j.Eligibility[i].When[fact]
			if !asked {
				continue
			}
			switch told, holds := j.tells(d, fact, accepted); {
			case !told:
				unknown = append(unknown, fact)
			case holds:
				reasons = append(reasons, fact)
			default:
				fits = false
			}
		}
		switch {
		case !fits:
		case len(unknown) == 0 && len(missing) == 0:
			return Eligibility{Case: j.Eligibility[i].Number, Reasons: reasons}
		default:
			for _, fact := range unknown {
				if !slices.Contains(missing, fact) {
					missing = append(missing, fact)
				}
			}
		}
	}
	return Eligibility{Missing: missing}
}

// tells reports whether the dossier tells of a fact, and whether what it tells is among
// the accepted answers.
func (j *Journey) tells(d *Dossier, fact Fact, accepted []string) (told, holds bool) {
	answer := j.Answer(d, fact)
	if answer == nil || (answer.Checked == nil && answer.Text == "" && len(answer.Values) == 0) {
		return false, false
	}
	given := answer.Values
	switch {
	case answer.Checked != nil && *answer.Checked:
		given = []string{"yes"}
	case answer.Checked != nil:
		given = []string{"no"}
	case len(given) == 0:
		given = []string{answer.Text}
	}
	return true, slices.ContainsFunc(given, func(g string) bool {
		return slices.ContainsFunc(accepted, func(a string) bool { return sameLabel(a, g) })
	})
}

// Unmet returns the ids of the prerequisites that the dossier does not say are met: the
// hard ones, and the others. What its form does not ask is not among them.
func (j *Journey) Unmet(d *Dossier) (hard, soft []string) {
	demarche := j.Demarche(d.Demarche)
	if demarche == nil {
		return nil, nil
	}
	for _, prerequisite := range j.Prerequisites {
		field, asked := demarche.Prerequisites[prerequisite.ID]
		if !asked {
			continue
		}
		if answer := find(d, field); answer != nil && answer.Checked != nil && *answer.Checked {
			continue
		}
		if prerequisite.Hard {
			hard = append(hard, prerequisite.ID)
		} else {
			soft = append(soft, prerequisite.ID)
		}
	}
	return hard, soft
}
