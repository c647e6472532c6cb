package onboarding

import (
	"net/mail"
	"slices"
	"strings"
)

// Request is what an applicant asks for: the facts that the form's fields feed, as
// typed. Everything in it is data, to be made plain before it is put anywhere.
type Request struct {
	Organisation   string
	Ministry       *bool
	Project        string
	Summary        string
	Kind           string
	Infrastructure string
	Role           string
	// Reference is that of an earlier dossier of the same onboarding.
	Reference string
	// Emails holds each audience's usable addresses, in lower case, once each.
	Emails map[Audience][]string
	// BadEmails counts the words given as addresses that are none, by audience.
	BadEmails map[Audience]int
}

// Request reads the facts from the dossier's answers.
func (j *Journey) Request(d *Dossier) Request {
	read := func(fact Fact) string {
		if answer := j.Answer(d, fact); answer != nil {
			return strings.TrimSpace(answer.Text)
		}
		return ""
	}
	request := Request{
		Organisation:   read(FactOrganisation),
		Project:        read(FactProject),
		Summary:        read(FactSummary),
		Kind:           read(FactRequest),
		Infrastructure: read(FactInfrastructure),
		Role:           read(FactRole),
		Reference:      read(FactReference),
		Emails:         map[Audience][]string{},
		BadEmails:      map[Audience]int{},
	}
	if answer := j.Answer(d, FactMinistry); answer != nil {
		request.Ministry = answer.Checked
	}
	if request.Organisation == "" {
		request.Organisation = d.Demandeur
	}
	for audience, text := range map[Audience]string{
		AudienceApplicant:  d.UsagerEmail,
		AudienceGovernance: read(FactGovernEmails),
		AudiencePilot:      read(FactPilotEmails),
		AudienceTeam:       read(FactTeamEmails),
	} {
		request.Emails[audience], request.BadEmails[audience] = emailsIn(text)
	}
	return request
}

// Answer returns the answer that feeds a fact, nil for none.
func (j *Journey) Answer(d *Dossier, fact Fact) *Answer {
	demarche := j.Demarche(d.Demarche)
	if demarche == nil {
		return nil
	}
	field, mapped := demarche.Fields[fact]
	if !mapped {
		return nil
	}
	return find(d, field)
}

// find returns the answer to a field: by the champ's id or, failing that, by its label.
func find(d *Dossier, field Field) *Answer {
	for i := range d.Answers {
		if field.ID != "" && d.Answers[i].Champ == field.ID {
			return &d.Answers[i]
		}
	}
	for i := range d.Answers {
		if field.Label != "" && sameLabel(d.Answers[i].Label, field.Label) {
			return &d.Answers[i]
		}
	}
	return nil
}

func sameLabel(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// emailsIn finds the addresses in what people type into a field: separated by
// blanks, commas, semicolons or new lines.
func emailsIn(text string) (emails []string, bad int) {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0'
	})
	for _, word := range words {
		if !usableEmail(word) {
			bad++
			continue
		}
		if email := strings.ToLower(word); !slices.Contains(emails, email) {
			emails = append(emails, email)
		}
	}
	return emails, bad
}

// Unusable counts the words given as addresses that are none.
func (r *Request) Unusable() int {
	total := 0
	for _, n := range r.BadEmails {
		total += n
	}
	return total
}

// usableEmail accepts the plain addresses that GitLab accepts, and none of the
// forms that mean something in Markdown or in a list of addresses.
func usableEmail(word string) bool {
	if len(word) > 254 {
		return false
	}
	for _, r := range word {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("@.!#%+-_'=", r) {
			return false
		}
	}
	address, err := mail.ParseAddress(word)
	if err != nil || address.Address != word {
		return false
	}
	_, domain, _ := strings.Cut(word, "@")
	return strings.Contains(domain, ".") && !strings.HasSuffix(domain, ".") && !strings.Contains(domain, "..")
}

// Invitation is the people to invite at one access level.
type Invitation struct {
	// Level is GitLab's name of the access level.
	Level  string
	Emails []string
	// Unusable counts the words that were given as addresses where none of them is one:
	// nobody can be invited, and somebody should be.
	Unusable int `json:",omitzero"`
}

// Levels lists the access levels that a journey can give, lowest first.
func Levels() []string { return []string{"guest", "reporter", "developer", "maintainer", "owner"} }

// DecidingLevel is GitLab's number of the lowest access level that may decide.
func (j *Journey) DecidingLevel() int {
	return 10 * (1 + slices.Index(Levels(), j.GitLab.Decide))
}

// Invitations returns whom to invite, highest level first; somebody who is named
// twice gets the higher one.
func (j *Journey) Invitations(d *Dossier) []Invitation {
	request := j.Request(d)
	var invitations []Invitation
	invited := map[string]bool{}
	for _, level := range slices.Backward(Levels()) {
		invitation, bad := Invitation{Level: level}, 0
		for _, audience := range Audiences() {
			if j.GitLab.Access[audience] != level {
				continue
			}
			bad += request.BadEmails[audience]
			for _, email := range request.Emails[audience] {
				if !invited[email] {
					invited[email] = true
					invitation.Emails = append(invitation.Emails, email)
				}
			}
		}
		if len(invitation.Emails) == 0 {
			invitation.Unusable = bad
		}
		if len(invitation.Emails) > 0 || bad > 0 {
			slices.Sort(invitation.Emails)
			invitations = append(invitations, invitation)
		}
	}
	return invitations
}

func (i Invitation) fingerprint() string { return fingerprint(i) }
