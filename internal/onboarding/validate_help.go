package onboarding

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

var prerequisiteID = regexp.MustCompile(`^[a-z0-9_]+$`)

func (v *validation) prerequisites() {
	ids := map[string]bool{}
	for i, prerequisite := range v.journey.Prerequisites {
		path := fmt.Sprintf("prerequisites[%d]", i)
		switch {
		case !prerequisiteID.MatchString(prerequisite.ID):
			v.add(path+".id", fmt.Sprintf("%q is not an id", prerequisite.ID), "use small letters, digits and underscores")
		case ids[prerequisite.ID]:
			v.add(path+".id", fmt.Sprintf("%q stands here twice", prerequisite.ID), "write another")
		}
		ids[prerequisite.ID] = true
		v.words(path+".label", prerequisite.Label, "say it as people read it")
	}
}

func (v *validation) eligibility() {
	numbers := map[int]bool{}
	for i, found := range v.journey.Eligibility {
		path := fmt.Sprintf("eligibility[%d]", i)
		switch {
		case found.Number <= 0:
			v.add(path+".case", "is not the number of a case", "number the cases from 1")
		case numbers[found.Number]:
			v.add(path+".case", fmt.Sprintf("case %d stands here twice", found.Number), "write another number")
		}
		numbers[found.Number] = true
		v.words(path+".who", found.Who, "say who is in this case")
		v.words(path+".help", found.Help, "say what the programme offers them")
		for _, fact := range slices.Sorted(maps.Keys(found.When)) {
			at := path + ".when." + string(fact)
			v.condition(at, fact, found.When[fact])
		}
	}
}

// condition is that of a case of help: it must be able to hold.
func (v *validation) condition(path string, fact Fact, accepted []string) {
	switch {
	case !slices.Contains(Facts(), fact):
		v.add(path, "is no fact that a form can feed", "write one of "+join(Facts()))
	case len(accepted) == 0:
		v.add(path, "names no answer", "write the answers that fit, or remove it")
	case len(v.journey.Demarches) > 0 && !slices.ContainsFunc(v.journey.Demarches, func(d Demarche) bool {
		_, fed := d.Fields[fact]
		return fed
	}):
		v.add(path, "is fed by no form", "name its field under a form's fields, or remove it")
	}
	v.lines(path, accepted)
	if fact != FactMinistry { // the one that is always a yes or no
		return
	}
	for i, answer := range accepted {
		if answer != "yes" && answer != "no" && strings.TrimSpace(answer) != "" {
			v.add(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("%q is no answer to a question for yes or no", answer), `write "yes" or "no"`)
		}
	}
}

func (v *validation) training() {
	for i, training := range v.journey.Training {
		path := fmt.Sprintf("training[%d]", i)
		v.step(path+".step", training.Step)
		v.oneOf(path+".audience", string(training.Audience), plainWords(TrainingAudiences())...)
		v.words(path+".title", training.Title, "give it a title")
		v.address(path+".url", training.URL)
	}
	for _, audience := range slices.Sorted(maps.Keys(v.journey.Roles)) {
		path := "roles." + string(audience)
		if audience == TrainingAll || !slices.Contains(TrainingAudiences(), audience) {
			v.add(path, "is no audience that a role can belong to", "write one of "+join(TrainingAudiences()[1:]))
		}
		v.lines(path, v.journey.Roles[audience])
	}
}

// maxReminders bounds how often somebody is reminded of one thing.
const maxReminders = 3

func (v *validation) reminders() {
	reminders := v.journey.Reminders
	if len(reminders.Days) == 0 && reminders.From == "" && reminders.To == "" && reminders.Zone == "" {
		v.add("reminders", "is missing", "say when whoever has to act is reminded: days, from, to, zone")
		return
	}
	if len(reminders.Days) == 0 || len(reminders.Days) > maxReminders {
		v.add("reminders.days", fmt.Sprintf("has %d entries", len(reminders.Days)), "write one to three numbers of days, such as [10, 20, 40]")
	}
	for i, days := range reminders.Days {
		path := fmt.Sprintf("reminders.days[%d]", i)
		switch {
		case days <= 0 || days > 365:
			v.add(path, fmt.Sprintf("%d is no number of days to wait", days), "write one from 1 to 365")
		case i > 0 && days <= reminders.Days[i-1]:
			v.add(path, "is no longer than the one before", "let the days grow")
		}
	}
	from, fromOK := timeOfDay(reminders.From)
	to, toOK := timeOfDay(reminders.To)
	if !fromOK {
		v.add("reminders.from", fmt.Sprintf("%q is no time of day", reminders.From), "write it as 09:00")
	}
	if !toOK {
		v.add("reminders.to", fmt.Sprintf("%q is no time of day", reminders.To), "write it as 17:00")
	}
	if fromOK && toOK && from >= to {
		v.add("reminders.to", "is not later than from", "write when the working day ends")
	}
	if _, err := time.LoadLocation(reminders.Zone); err != nil || reminders.Zone == "" || reminders.Zone == "Local" {
		v.add("reminders.zone", fmt.Sprintf("%q is no time zone", reminders.Zone), "write one such as Europe/Paris")
	}
	if _, known := holidays[reminders.Holidays]; reminders.Holidays != "" && !known {
		v.add("reminders.holidays", fmt.Sprintf("%q is no country whose holidays are known", reminders.Holidays), "write fr, or leave it out")
	}
}

func plainWords[S ~string](words []S) []string {
	var plain []string
	for _, word := range words {
		plain = append(plain, string(word))
	}
	return plain
}
