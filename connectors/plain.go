package connectors

import (
	"regexp"
	"strings"
)

// address is anything that looks like an e-mail address.
var address = regexp.MustCompile(`[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+`)

// plainLimit bounds what is repeated of a service's words, in characters.
const plainLimit = 300

// Plain makes a service's words safe to log and to show: one line, of bounded
// length, without addresses and without our token.
func Plain(text, token string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if len(token) >= 8 { // shorter, it would take pieces out of plain words
		text = strings.ReplaceAll(text, token, "…")
	}
	text = address.ReplaceAllString(text, "…@…")
	if runes := []rune(text); len(runes) > plainLimit {
		text = string(runes[:plainLimit]) + "…"
	}
	return text
}
