package onboarding

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Marks signs what we create, so that it is known as ours whatever the ledger says:
// the mark stands in something that we write and holds an HMAC that nobody else can
// compute.
type Marks struct{ key []byte }

// NewMarks returns the marks made with key (PASSERELLE_MARK_KEY).
func NewMarks(key string) Marks { return Marks{key: []byte(key)} }

// Mark is the mark of one resource of one dossier. It is a single word of letters,
// digits, colons and hyphens.
func (m Marks) Mark(dossier int64, key ResourceKey) string {
	mac := hmac.New(sha256.New, m.key)
	fmt.Fprintf(mac, "%d\n%s\n%s\n%s", dossier, key.System, key.Kind, key.Key)
	return fmt.Sprintf("passerelle:%d:%s", dossier, hex.EncodeToString(mac.Sum(nil)[:16]))
}

// markPattern is the form of every mark.
var markPattern = regexp.MustCompile(`passerelle:[0-9]+:[0-9a-f]{32}`)

// MarksIn returns the words of text that have the form of a mark, ours or not.
func MarksIn(text string) []string { return markPattern.FindAllString(text, -1) }

// In reports whether text bears the mark of that resource of that dossier.
func (m Marks) In(text string, dossier int64, key ResourceKey) bool {
	return strings.Contains(text, m.Mark(dossier, key))
}
