package texts

import (
	"regexp"
	"strings"
	"unicode"
)

// What people type into a form, what agents give as a reason and what services
// answer is data. GitLab executes text that our token posts: quick actions at the
// start of a line, mentions and references anywhere, Markdown and HTML. The functions
// here make such text plain: it looks as it was typed and does nothing.

// joiner is U+2060 WORD JOINER: invisible, no blank, no letter. Behind a sigil it
// parts it from its name; at the start of a line it parts the line from whatever a
// line can begin with. Backslashes alone would not do: GitLab looks for references,
// emoji and links in the rendered text, where the backslash is gone.
const joiner = '\u2060'

// The bounds, in characters, of what stays of a typed text.
const (
	maxLine  = 500
	maxTitle = 120
	maxName  = 50 // what makes it inert may quadruple it, and GitLab bounds descriptions
	maxText  = 4000
	maxLines = 60
)

const (
	// escaped are the characters with a meaning inside a line of Markdown.
	escaped = "\\`*_{}[]<>#+!|~&$^@%="
	// sigils are those that make a reference, an emoji, a placeholder, a diff or a
	// link of what follows them.
	sigils = "@#!~%$&^:[{*<"
)

// Markdown makes s one line of Markdown that shows s and does nothing.
func Markdown(s string) string {
	return inertLine(clean(s, maxLine, false), true)
}

// Quote makes s a block quote of Markdown that shows s, lines kept, and does nothing.
// Of nothing it makes nothing.
func Quote(s string) string {
	text := clean(s, maxText, true)
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("> "+inertLine(line, true), " ")
	}
	return strings.Join(lines, "\n")
}

// Title makes s fit for the title of an issue: titles are no Markdown, but GitLab
// finds references, emoji and links in them.
func Title(s string) string {
	return inertLine(clean(s, maxTitle, false), false)
}

// PlainText makes s one line of a text that is not rendered.
func PlainText(s string) string {
	return plain(clean(s, maxLine, false))
}

// PlainLines is PlainText with the lines kept.
func PlainLines(s string) string {
	return plain(clean(s, maxText, true))
}

// clean makes s valid UTF-8 without anything invisible, of at most limit characters
// and, when lines are kept, maxLines lines. Every kind of blank is a space and every
// kind of line break is "\n", or a space. There are no blanks at the ends of lines
// and at most one empty line in a row.
func clean(s string, limit int, lines bool) string {
	var (
		kept          []rune
		space         bool
		breaks, count int
	)
	for _, r := range strings.ReplaceAll(head(s, limit), "\r\n", "\n") {
		switch {
		case lines && isBreak(r):
			breaks++
			continue
		case unicode.IsSpace(r):
			space = true
			continue
		case invisible(r):
			continue
		}
		switch {
		case len(kept) == 0:
		case breaks > 0:
			breaks = min(breaks, 2)
			kept = append(kept, []rune("\n\n")[:breaks]...)
			count += breaks
		case space:
			kept = append(kept, ' ')
		}
		breaks, space = 0, false
		if len(kept) >= limit || count >= maxLines {
			kept = kept[:min(len(kept), limit-1)]
			return strings.TrimRight(string(kept), " \n") + "…"
		}
		kept = append(kept, r)
	}
	return string(kept)
}

// head spares the work of reading megabytes of which a line is kept. What it cuts off
// counts as text, not as nothing.
func head(s string, limit int) string {
	if most := 64 * limit; len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func isBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return true
	default:
		return false
	}
}

// invisible finds control characters, bidirectional overrides, zero-width characters,
// fillers, tags, and characters that mean nothing.
func invisible(r rune) bool {
	return unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		r == '\u034f' || r&0xfffe == 0xfffe
}

// inertLine makes a clean line inert; escape is for Markdown.
func inertLine(line string, escape bool) string {
	var out strings.Builder
	runes := []rune(line)
	breaks := shaBreaks(runes)
	for i, r := range runes {
		// A dot behind a w: of "www." even when a template puts two values side by side.
		if i == 0 && !unicode.IsLetter(r) || breaks[i] || r == '>' || r == '.' && i > 0 && (runes[i-1] == 'w' || runes[i-1] == 'W') {
			out.WriteRune(joiner)
		}
		if escape && strings.ContainsRune(escaped, r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
		// The end of the line counts as glued: a template may put another value there.
		glued := i+1 == len(runes) || runes[i+1] != ' '
		if glued && strings.ContainsRune(sigils, r) || r == '-' && inIssueKey(runes, i) {
			out.WriteRune(joiner)
		}
	}
	return out.String()
}

// inIssueKey finds the hyphen of GL-12 (an issue) and of KEY-12 (one of an external
// tracker).
func inIssueKey(runes []rune, i int) bool {
	return i > 0 && isWord(runes[i-1]) && i+1 < len(runes) && isDigit(runes[i+1])
}

// shaBreaks returns where to cut what GitLab would take for a commit's SHA: seven or
// more hexadecimal digits. Those of decimal digits alone stay whole: a SIRET or a
// telephone number is there to be copied.
func shaBreaks(runes []rune) map[int]bool {
	breaks := map[int]bool{}
	for start := 0; start < len(runes); start++ {
		end, letters := start, false
		for ; end < len(runes) && isHex(runes[end]); end++ {
			letters = letters || !isDigit(runes[end])
		}
		if letters && end-start >= 7 {
			for cut := start + 6; cut < end; cut += 6 {
				breaks[cut] = true
			}
		}
		start = max(start, end-1)
	}
	return breaks
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isHex(r rune) bool {
	return isDigit(r) || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
}

func isWord(r rune) bool {
	return isDigit(r) || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
}

var (
	forgedMark  = regexp.MustCompile(`(?i)(passerelle)(:)`)
	quickAction = regexp.MustCompile(`(?m)^/`)
)

// plain breaks up, in a clean text, what looks like a mark of ours and what would be a
// quick action if the text ever came to GitLab.
func plain(text string) string {
	text = forgedMark.ReplaceAllString(text, "${1}"+string(joiner)+"${2}")
	return quickAction.ReplaceAllString(text, string(joiner)+"/")
}

// inert is text that was made inert for the place where its template puts it. Template
// data holds nothing else of what people typed, so that no template can forget to.
type inert string

func inertAll(texts []string, most int, neutral func(string) string) []inert {
	var all []inert
	for _, text := range texts[:min(len(texts), most)] {
		all = append(all, inert(neutral(text)))
	}
	return all
}

// code makes s an inline code span, for things to be copied: in it GitLab looks for
// neither Markdown nor references.
func code(s string) string {
	text := strings.ReplaceAll(clean(s, maxLine, false), "`", "'")
	return "`" + strings.TrimRight(text, `\`) + "`"
}

var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]*$`)

// link makes the address of a page a link, and plain text of what is no such address.
func link(address string) string {
	if len(address) > maxLine || !plainURL.MatchString(address) {
		return Markdown(address)
	}
	return "<" + address + ">"
}
