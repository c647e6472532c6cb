package texts

import (
	"fmt"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Message is the plain text of a message to the applicant. Its last line gives the
// reference, which is the mark alone: that is what finds the message again, in
// whichever language it was written. The message "none" is empty.
func (t *Texts) Message(
	d *onboarding.Dossier, m onboarding.Message, key onboarding.ResourceKey, r onboarding.Record,
) (body, reference string) {
	name := "message_" + string(m)
	if files[name] == "" {
		return "", ""
	}
	reference = t.marks.Mark(d.Number, key)
	body = strings.TrimSpace(t.render(name, t.message(d, key, r)))
	return body + "\n\n" + fmt.Sprintf(t.words.reference, reference), reference
}
