package onboarding

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// crockford has no letters that people take for others.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Reference is the reference of a dossier, for people to copy into the form that goes on
// from it, such as CPN-1001-7F3K9QXA. It begins with the programme's prefix. Who has not been given it cannot guess it: the last
// eight signs are forty bits of an HMAC.
func (m Marks) Reference(prefix string, dossier int64) string {
	return fmt.Sprintf("%s-%d-%s", prefix, dossier, m.referenceCode(dossier))
}

// referenceCode begins with a word where what a mark is made of begins with a number: no
// code is part of a mark.
func (m Marks) referenceCode(dossier int64) string {
	mac := hmac.New(sha256.New, m.key)
	fmt.Fprintf(mac, "reference\n%d", dossier)
	return crockford.EncodeToString(mac.Sum(nil)[:5])
}

var (
	referencePattern = regexp.MustCompile(`^([1-9][0-9]{0,18})([0-9A-Z]{8})$`)
	lookalikes       = strings.NewReplacer("O", "0", "I", "1", "L", "1")
)

// maxTypedReference bounds what is looked at, in bytes.
const maxTypedReference = 200

// ReadReference reads a reference as people type it: case, blanks and hyphens do not
// matter, nor does it whether they wrote O for 0, and I or L for 1. It is not ok when the
// text is anything but a reference of ours with that prefix.
func (m Marks) ReadReference(prefix, text string) (dossier int64, ok bool) {
	if len(text) > maxTypedReference {
		return 0, false
	}
	typed := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) || r == '−' {
			return -1
		}
		return unicode.ToUpper(r)
	}, text)
	typed, begins := strings.CutPrefix(lookalikes.Replace(typed), lookalikes.Replace(prefix))
	parts := referencePattern.FindStringSubmatch(typed)
	if !begins || parts == nil {
		return 0, false
	}
	dossier, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || !hmac.Equal([]byte(parts[2]), []byte(m.referenceCode(dossier))) {
		return 0, false
	}
	return dossier, true
}

// Candidate is the same for dossiers of one applicant and one project, whatever the case,
// the accents and the blanks; empty when one of the two is not known. It tells nobody whom
// it is of.
func (m Marks) Candidate(email, project string) string {
	email, project = strings.ToLower(strings.TrimSpace(email)), pathOf(project)
	if email == "" || project == "" {
		return ""
	}
	mac := hmac.New(sha256.New, m.key)
	fmt.Fprintf(mac, "candidate\n%d\n%s\n%s", len(email), email, project)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
