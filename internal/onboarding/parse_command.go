package onboarding

import (
	"slices"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
	"github.com/gosimple/slug"
)

// What a comment may hold of commands, and a command of words. Beyond that it is left out,
// and said.
const (
	maxCommands = 10
	maxArgument = 4000
)

// TooManyCommands is the detail of an unknown command that stands for all those of a
// comment that are left out.
const TooManyCommands = "too_many"

// commandWord is what a command's line begins with.
const commandWord = "/passerelle"

// ParseCommands reads the commands in a comment: the lines whose first word is
// /passerelle, but not those that show or quote one. Who writes a reason may go on with it
// on the next lines, up to an empty one.
func ParseCommands(body string) []Command {
	var (
		commands []Command
		lines    = linesOf(body)
		shown    = shownLines(lines)
	)
	for i, line := range lines {
		rest, is := afterCommandWord(line)
		if !is || shown[i] {
			continue
		}
		if len(commands) == maxCommands {
			return append(commands, Command{Line: maxCommands, Verb: VerbUnknown, Detail: TooManyCommands})
		}
		command := readCommand(rest)
		command.Line = len(commands)
		if takesLines(command.Verb) {
			text := []string{command.Argument}
			for j := i + 1; j < len(lines) && strings.TrimSpace(lines[j]) != ""; j++ {
				if _, another := afterCommandWord(lines[j]); another && !shown[j] {
					break
				}
				text = append(text, strings.TrimRightFunc(lines[j], unicode.IsSpace))
			}
			command.Argument = strings.TrimSpace(strings.Join(text, "\n"))
		}
		command.Argument = cutArgument(command.Argument)
		commands = append(commands, command)
	}
	return commands
}

// Cut reports whether the command's argument was too long and is not whole.
func (c *Command) Cut() bool {
	runes := []rune(c.Argument)
	return len(runes) == maxArgument && runes[maxArgument-1] == '…'
}

func cutArgument(text string) string {
	if runes := []rune(text); len(runes) > maxArgument {
		return string(runes[:maxArgument-1]) + "…"
	}
	return text
}

// takesLines reports whether the verb's argument is a text, which may have several lines.
// That of a go is not: it overrides, and what stands below by chance must not.
func takesLines(verb Verb) bool {
	return slices.Contains([]Verb{VerbNoGo, VerbBlock, VerbCorrect}, verb)
}

// readCommand reads what stands behind the command's word.
func readCommand(rest string) Command {
	word, argument := cutWord(rest)
	name := fold(word)
	if second, behind := cutWord(argument); name == "no" && fold(second) == "go" {
		name, argument = string(VerbNoGo), behind
	}
	switch {
	case word == "":
		return Command{Verb: VerbHelp}
	case slices.Contains(Verbs(), Verb(name)):
		argument = strings.TrimSpace(strings.TrimPrefix(argument, ":")) // « go : motif »
		return Command{Verb: Verb(name), Argument: argument}
	default:
		return Command{Verb: VerbUnknown, Argument: rest, Detail: string(nearestVerb(name))}
	}
}

// nearestVerb is the verb that was probably meant, empty when none is near.
func nearestVerb(name string) Verb {
	nearest, least := Verb(""), maxArgument
	for _, verb := range Verbs() {
		distance := levenshtein.ComputeDistance(name, string(verb))
		if distance < least && 3*distance <= max(len(name), len(verb)) {
			nearest, least = verb, distance
		}
	}
	return nearest
}

// fold makes of a word what it is without regard to case and accents.
func fold(word string) string {
	return strings.ReplaceAll(slug.MakeLang(cutRunes(word, 40), "fr"), "_", "-")
}

// afterCommandWord returns what stands in the line behind the command's word.
func afterCommandWord(line string) (rest string, is bool) {
	word, rest := cutWord(line)
	return rest, strings.EqualFold(word, commandWord)
}

// cutWord parts a text's first word from the rest. No-break spaces part words, too.
func cutWord(text string) (word, rest string) {
	text = strings.TrimSpace(text)
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		return text[:i], strings.TrimSpace(text[i:])
	}
	return text, ""
}

func linesOf(text string) []string {
	text = strings.ToValidUTF8(text, "\ufffd")
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
}

// shownLines tells which lines show something: those in a fence of code, and quotes.
func shownLines(lines []string) []bool {
	shown := make([]bool, len(lines))
	fence, quoted := "", false
	for i, line := range lines {
		line = strings.TrimSpace(line)
		opens := fenceOf(line)
		shown[i] = true
		switch {
		case fence != "":
			// It ends with a fence as long, of the same sign, and nothing behind it.
			if strings.HasPrefix(opens, fence) && opens == line {
				fence = ""
			}
		case opens != "":
			fence = opens
		case line == ">>>":
			quoted = !quoted
		default:
			shown[i] = quoted || strings.HasPrefix(line, ">")
		}
	}
	return shown
}

// fenceOf returns the signs of the fence of code that the line opens or closes, empty for
// none. Behind an opening of backticks there are no others: that is code within a line.
func fenceOf(line string) string {
	for _, sign := range []string{"`", "~"} {
		rest := strings.TrimLeft(line, sign)
		signs := line[:len(line)-len(rest)]
		if len(signs) >= 3 && (sign == "~" || !strings.Contains(rest, sign)) {
			return signs
		}
	}
	return ""
}
