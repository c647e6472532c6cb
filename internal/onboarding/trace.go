package onboarding

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Trace is what became of commands, for machines to read: a word for each, parted by
// blanks. It stands in the comment that answers them, so that a hub whose ledger was lost
// knows what was carried out. It holds nothing that people typed.
func Trace(commands []Command) string {
	var words []string
	for _, c := range commands {
		word := fmt.Sprintf("%d:%s:%d:%s", c.Line, c.Verb, c.Step, c.Outcome)
		if c.Detail != "" {
			// Two hyphens could end the comment in HTML that the trace stands in.
			word += ":" + strings.ReplaceAll(url.QueryEscape(c.Detail), "-", "%2D")
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

var traceWord = regexp.MustCompile(`^([0-9]{1,4}):([a-z?-]+):([0-9]{1,4}):([a-z]+)(?::([A-Za-z0-9._~%+]+))?$`)

// ReadTrace reads a trace: that in the last comment in HTML of a text or, when it has
// none, in the text. Who reads one makes sure first that the text is ours, by its mark.
func ReadTrace(text string) []Command {
	if start := strings.LastIndex(text, "<!--"); start >= 0 {
		text, _, _ = strings.Cut(text[start:], "-->")
	}
	var commands []Command
	for word := range strings.FieldsSeq(text) {
		if command, ok := readTraceWord(word); ok && len(commands) <= maxCommands {
			commands = append(commands, command)
		}
	}
	return commands
}

func readTraceWord(word string) (Command, bool) {
	parts := traceWord.FindStringSubmatch(word)
	if parts == nil {
		return Command{}, false
	}
	line, _ := strconv.Atoi(parts[1]) // four digits at most
	step, _ := strconv.Atoi(parts[3])
	detail, err := url.QueryUnescape(parts[5])
	command := Command{Line: line, Verb: Verb(parts[2]), Step: step, Outcome: Outcome(parts[4]), Detail: detail}
	known := slices.Contains(Verbs(), command.Verb) || slices.Contains([]Verb{VerbUnknown, VerbRelabel, VerbClose, VerbReopen}, command.Verb)
	return command, err == nil && known && slices.Contains(Outcomes(), command.Outcome)
}

// Outcomes lists every outcome.
func Outcomes() []Outcome {
	return []Outcome{
		Done, RefusedRights, RefusedUnknown, RefusedArgument, RefusedUnmet, RefusedDecided, RefusedBlocked,
		RefusedElsewhere, RefusedStep, RefusedUnreachable, RefusedAlready, RefusedCorrection,
		RefusedEarlier, RefusedStale,
	}
}
