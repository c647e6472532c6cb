package gitlab

import (
	"html"
	"regexp"
	"strings"
)

var (
	fence      = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^`]*)$")
	blankLine  = regexp.MustCompile(`\n[ \t]*\n`)
	comment    = regexp.MustCompile(`(?s)<!--.*?-->`)
	checkbox   = regexp.MustCompile(`(?m)^(\s*(?:[-*+]|\d+[.)])\s+\[)([ xX~])(\]\s+)(.*)$`)
	listItem   = regexp.MustCompile(`^ {0,3}(?:[-*+]|\d{1,9}[.)])\s`)
	masked     = "\x00"
	quoteFence = ">>>"
)

// normalize makes every line end as GitLab's do.
func normalize(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// maskCode replaces what is in code blocks and code spans, byte for byte, so that
// what is left is where GitLab looks for commands and mentions. A fence that is
// never closed masks nothing, and one inside an HTML comment is no fence.
func maskCode(text string) string {
	lines := strings.Split(text, "\n")
	inComment, inList, indentable := false, false, true
	for i := 0; i < len(lines); i++ {
		if inComment || strings.HasPrefix(strings.TrimLeft(lines[i], " "), "<!--") {
			inComment = !strings.Contains(lines[i], "-->")
			indentable = false
			lines[i] = strings.ReplaceAll(lines[i], "`", " ") // nor do spans begin or end there
			continue
		}
		// A block is code by its indent after an empty line, unless it belongs to a list.
		indented := strings.HasPrefix(lines[i], "    ") || strings.HasPrefix(lines[i], "\t")
		switch {
		case strings.TrimSpace(lines[i]) == "":
			indentable = true
			continue
		case indented && indentable && !inList:
			lines[i] = mask(lines[i])
			continue
		case !indented:
			inList = listItem.MatchString(lines[i])
		}
		indentable = false
		match := fence.FindStringSubmatch(lines[i])
		if match == nil {
			continue
		}
		end := closingFence(lines, i+1, match[1])
		if end < 0 {
			continue
		}
		for ; i < end; i++ {
			lines[i] = mask(lines[i])
		}
		lines[end] = mask(lines[end])
		indentable = true
	}
	return maskSpans(strings.Join(lines, "\n"))
}

func mask(s string) string { return strings.Repeat(masked, len(s)) }

func closingFence(lines []string, from int, opening string) int {
	for i := from; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \t")
		if bar := strings.TrimLeft(line, " "); len(line)-len(bar) <= 3 && len(bar) >= len(opening) &&
			strings.Trim(bar, opening[:1]) == "" {
			return i
		}
	}
	return -1
}

// maskSpans masks `code` within each paragraph.
func maskSpans(text string) string {
	out := []byte(text)
	for i := 0; i < len(text); {
		if text[i] != '`' {
			i++
			continue
		}
		n := run(text[i:])
		if i > 0 && text[i-1] == '\\' {
			i += n
			continue
		}
		paragraph := text[i+n:]
		if end := blankLine.FindStringIndex(paragraph); end != nil {
			paragraph = paragraph[:end[0]]
		}
		length := -1
		for at := 0; at < len(paragraph); {
			if paragraph[at] != '`' {
				at++
				continue
			}
			m := run(paragraph[at:])
			if m == n {
				length = at
				break
			}
			at += m
		}
		if length < 0 {
			i += n
			continue
		}
		for at := i; at < i+2*n+length; at++ {
			if out[at] != '\n' {
				out[at] = 0
			}
		}
		i += 2*n + length
	}
	return string(out)
}

// run is how many backticks a text begins with.
func run(s string) int { return len(s) - len(strings.TrimLeft(s, "`")) }

// maskQuotes masks blocks between lines of >>>.
func maskQuotes(text string) string {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if strings.TrimRight(lines[i], " ") != quoteFence {
			continue
		}
		for end := i + 1; end < len(lines); end++ {
			if strings.TrimRight(lines[end], " ") == quoteFence {
				for ; i < end; i++ {
					lines[i] = mask(lines[i])
				}
				break
			}
		}
	}
	return strings.Join(lines, "\n")
}

// plain is the text that a reader sees outside code, entities decoded: there,
// &#64;all is a mention.
func plain(text string) string {
	return html.UnescapeString(comment.ReplaceAllString(maskCode(normalize(text)), masked))
}
