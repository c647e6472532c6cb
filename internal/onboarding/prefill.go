package onboarding

import (
	"net/url"
	"strconv"
	"strings"
)

// maxPrefilled is how long the address of a form that is filled in may be, in characters;
// DS takes 2,000.
const maxPrefilled = 1999

// prefilled are the facts that a next form is filled in with, the most important first.
// What is asked for is not among them: each form has choices of its own.
func prefilled() []Fact {
	return []Fact{
		FactReference, FactProject, FactOrganisation, FactMinistry, FactPilotEmails, FactInfrastructure,
		FactRole, FactTeamEmails, FactGovernEmails, FactSummary,
	}
}

// NextForm returns the address of the form that a go of the dossier's leads to, filled in
// with the dossier's reference and with what it told already, as far as the address may be
// long; empty when there is no next form. What a form names by label alone is not filled in.
// The reference stands last: the address does not end in a sign that is taken for the
// sentence's around it.
func (j *Journey) NextForm(dsURL string, d *Dossier, reference string) string {
	demarche := j.Demarche(d.Demarche)
	if demarche == nil {
		return ""
	}
	next := j.Demarche(demarche.Next)
	if next == nil || next.Path == "" {
		return ""
	}
	address := strings.TrimRight(dsURL, "/") + "/commencer/" + next.Path
	parameters, length := []string{}, len(address)
	for _, fact := range prefilled() {
		value := reference
		if fact != FactReference {
			value = j.told(d, fact)
		}
		champ := next.Fields[fact].ID
		if champ == "" || value == "" {
			continue
		}
		// DS leaves the padding of the id out.
		parameter := "champ_" + url.QueryEscape(strings.TrimRight(champ, "=")) + "=" + url.QueryEscape(value)
		if length+1+len(parameter) <= maxPrefilled {
			parameters, length = append(parameters, parameter), length+1+len(parameter)
		}
	}
	if len(parameters) == 0 {
		return address
	}
	return address + "?" + strings.Join(append(parameters[1:], parameters[0]), "&")
}

// told is what the dossier tells of a fact, as DS takes it back, when its form names the
// field by id.
func (j *Journey) told(d *Dossier, fact Fact) string {
	if j.Demarche(d.Demarche).Fields[fact].ID == "" {
		return ""
	}
	answer := j.Answer(d, fact)
	switch {
	case answer == nil:
		return ""
	case answer.Checked != nil:
		return strconv.FormatBool(*answer.Checked)
	default:
		return strings.TrimSpace(answer.Text)
	}
}
