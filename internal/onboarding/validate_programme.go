package onboarding

import (
	"fmt"
	"regexp"
	"unicode/utf8"
)

// maxProgramme bounds the programme's name, which stands in descriptions that GitLab bounds,
// in characters.
const maxProgramme = 100

var referencePrefix = regexp.MustCompile(`^[A-Z]{2,6}$`)

func (v *validation) programme() {
	programme := v.journey.Programme
	if programme.Name == "" && programme.Team == "" && programme.Reference == "" {
		v.add("programme", "is missing", "say whose journey it is: name, team, reference")
		return
	}
	v.words("programme.name", programme.Name, "write the programme's name")
	if utf8.RuneCountInString(programme.Name) > maxProgramme {
		v.add("programme.name", fmt.Sprintf("has more than %d characters", maxProgramme), "write a shorter one")
	}
	v.line("programme.offer", programme.Offer)
	v.words("programme.team", programme.Team, "write who signs the messages")
	if !referencePrefix.MatchString(programme.Reference) {
		v.add("programme.reference", fmt.Sprintf("%q is nothing that references begin with", programme.Reference), "write two to six capital letters, such as CPN")
	}
	for i, link := range programme.Links {
		path := fmt.Sprintf("programme.links[%d]", i)
		v.words(path+".title", link.Title, "give it a title")
		v.address(path+".url", link.URL)
	}
}
