package texts

import (
	"strconv"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Reminder is the Markdown of a note that reminds the agents that nothing moves or, once a
// year, of a check-up. It is signed.
func (t *Texts) Reminder(d *onboarding.Dossier, key onboarding.ResourceKey, s onboarding.Standing) string {
	return t.render("reminder", t.reminder(d, key, s)) + t.comment(d, key)
}

type reminderData struct {
	followData
	// Count says which reminder it is, CheckUp that it is of the yearly check-up, and Last
	// that there is none after it.
	Count         int
	CheckUp, Last bool
	// Since is the day on which something moved last. The standing does not tell it again,
	// nor the case of help, which the note tells.
	Since string
}

func (t *Texts) reminder(d *onboarding.Dossier, key onboarding.ResourceKey, s onboarding.Standing) reminderData {
	count := reminderCount(key)
	checkUp := strings.HasPrefix(key.Key, "check_up ")
	data := reminderData{
		followData: t.follow(d, s, onboarding.Links{}, inMarkdown),
		Count:      count, CheckUp: checkUp, Last: !checkUp && count >= len(t.journey.Reminders.Days),
	}
	data.Stand.Help, data.Stand.Missing, data.Stand.NoCase = nil, nil, false
	if !checkUp {
		data.Since, data.Stand.Since = data.Stand.Since, ""
	}
	return data
}

// reminderCount reads which reminder a key is of: its last word.
func reminderCount(key onboarding.ResourceKey) int {
	count, err := strconv.Atoi(key.Key[strings.LastIndexByte(key.Key, ' ')+1:])
	if err != nil {
		return 1
	}
	return count
}
