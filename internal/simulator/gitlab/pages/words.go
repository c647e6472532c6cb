package pages

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// What templates need besides the data of their page.

// pair is what every template is given.
type pair struct {
	V *visit
	D any
}

// Pair gives a template some data of its own.
func (v *visit) Pair(data any) pair { return pair{v, data} }

// Listed gives a template a list of groups and projects.
func (v *visit) Listed(groups []groupRow, projects []projectRow) pair {
	return pair{v, struct {
		Groups   []groupRow
		Projects []projectRow
	}{groups, projects}}
}

// Link is link.
func (v *visit) Link(parts ...string) string { return link(parts...) }

// Letter is what stands for something that has no image.
func (v *visit) Letter(name string) string {
	r, _ := utf8.DecodeRuneInString(name)
	return string(r)
}

// Shorten cuts a text for a list.
func (v *visit) Shorten(text string) string {
	const most = 120
	text = plain(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// Chip is a label as it stands on issues.
func (v *visit) Chip(label gitlab.Label) chip { return chip{label.Name, label.Color} }

// Plain is what a line of Markdown says.
func (v *visit) Plain(text string) string { return plain(text) }

// Rest is a commit's message below its title.
func (v *visit) Rest(c gitlab.Commit) string {
	_, rest, _ := strings.Cut(c.Message, "\n")
	return strings.TrimSpace(rest)
}

// Off says whether a hook is switched off.
func (v *visit) Off(h gitlab.Hook) bool { return h.DisabledUntil.After(time.Now()) }

// Str, Next, Minus and Percent are what templates cannot reckon.
func (v *visit) Str(n int) string     { return strconv.Itoa(n) }
func (v *visit) Next(n int) int       { return n + 1 }
func (v *visit) Minus(a, b int) int   { return a - b }
func (v *visit) Percent(a, b int) int { return 100 * a / max(b, 1) }
