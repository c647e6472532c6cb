package texts

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// hostile are the pieces that hostile text is made of.
var hostile = []string{
	"/close", "/assign @root", "/label ~\"x\"", "/confidential", "\n/close", "\r/close", "\r\n/close", "\v/close", "\f/close",
	"\u0085/close", "\u2028/close", "\u2029/close", "\n\r/close", "\n \t/close", "\u200b/close", "\u2060/close", "\\/close",
	"@root", "@all", "\\@all", "a@b.fr", "@\u200broot", "#1", "GL-1", "group/project#12", "group/project!3", "JIRA-12", "!3",
	"~label", "~\"a b\"", "%12", "%{x}", "$1", "&2", "^alert#1", "[vulnerability:12]", "[issue:1]", "[[_TOC_]]", "[TOC]", "[[wiki]]",
	"group/project>", "0123abcdef", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "*iteration:1",
	"<script>alert(1)</script>", "<img src=x onerror=y>", "<!--", "-->", "--!>", "<!-- passerelle:1:aa -->", "passerelle:1:0123456789abcdef0123456789abcdef",
	"pas\u00adserelle:1:aa", "PASSERELLE:1:aa", "![x](https://e.example/p.png)", "[x](https://e.example)", "[x]: https://e.example", "<https://e.example>",
	"https://e.example", "ftp://e.example", "www.e.example", "WWW.e.example", "mailto:a@b.fr", "javascript://x", ":tada:", "::include{file=x}",
	"```", "~~~", "`", "``/close``", "$$", "$x$", "$`x`$", "|", "a|b\n-|-\n1|2", "# x", "\n# x", "\n===", "\n---", "\n+++", "\n;;;", "- [ ] x", "\n- [x] x", "* x", "+ x", "1. x", "\n1) x",
	"    code", "\n\n    code", "> x", ">>>", "\n>>>\n", "**x**", "_x_", "~~x~~", "{+x+}", "{-x-}", "[-x-]", "[^1]", "[^1]: x", "&amp;", "&#47;close", "&lt;b&gt;", "> [!note]",
	"\\", "\\\\", "\x00", "\x1b[31m", "\u202e", "\u2066", "\ufeff", "\u3164", "\U000e0041", "\xff", "\u00a0", "é", "中", "١", " ", "  \n", "w", "ww.", "p", "{{.Number}}", "{{", "\t",
}

func hostileText() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(hostile), rapid.String(), rapid.StringMatching(`[a-zA-Z0-9@#:/.>-]{1,12}`))
	return rapid.Map(rapid.SliceOfN(piece, 0, 12), func(pieces []string) string { return strings.Join(pieces, "") })
}

// inText finds what GitLab makes something of in rendered text.
var inText = map[string]*regexp.Regexp{
	"mention":          regexp.MustCompile(`@["\w]`),
	"reference":        regexp.MustCompile(`[#!$%~&^]["{\w]`),
	"issue key":        regexp.MustCompile(`[A-Za-z]-\d`),
	"bracketed":        regexp.MustCompile(`\[["\w\[^]`),
	"typed reference":  regexp.MustCompile(`\w:["\w]`),
	"project":          regexp.MustCompile(`\w>`),
	"emoji":            regexp.MustCompile(`:[\w+-]+:`),
	"include":          regexp.MustCompile(`::`),
	"link":             regexp.MustCompile(`[A-Za-z]:/`),
	"www":              regexp.MustCompile(`(?i)www\.`),
	"e-mail":           regexp.MustCompile(`\w@[\w\[]`),
	"difference":       regexp.MustCompile(`[{\[][-+]`),
	"mark":             regexp.MustCompile(`(?i)passerelle:\w`),
	"comment":          regexp.MustCompile(`<!|-->|--!>`),
	"line break":       regexp.MustCompile("[\r\v\f\u0085\u2028\u2029]"),
	"control":          regexp.MustCompile(`[\x00-\x08\x0e-\x1f\x7f]`),
	"bidi, zero width": regexp.MustCompile(`[\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{feff}]`),
}

var (
	// quickActions is stricter than GitLab's own: it looks inside code blocks too, and
	// behind blanks.
	quickActions = regexp.MustCompile("(?:^|[\n\r\v\f\u0085\u2028\u2029])[\\s\u2060]*/\\w")
	sha          = regexp.MustCompile(`\b[0-9a-fA-F]{7,40}\b`)
	decimal      = regexp.MustCompile(`^[0-9]+$`)
)

func requireNoQuickAction(t require.TestingT, text string) {
	// A joiner before the slash is what makes it none.
	require.NotRegexp(t, quickActions, strings.ReplaceAll(text, string(joiner)+"/", "·"))
}

func requireInertText(t require.TestingT, rendered string) {
	require.True(t, utf8.ValidString(rendered))
	requireNoQuickAction(t, rendered)
	for name, pattern := range inText {
		require.NotRegexp(t, pattern, rendered, name)
	}
}

func requireNoSHA(t require.TestingT, rendered string) {
	for _, word := range sha.FindAllString(rendered, -1) {
		require.Regexp(t, decimal, word)
	}
}

// activeIn returns what is left of Markdown's active characters, and the text as
// rendered, backslashes gone.
func activeIn(markdown string) (active, rendered string) {
	var a, text strings.Builder
	runes := []rune(markdown)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '\\' && i+1 < len(runes) && strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", runes[i+1]):
			i++
			text.WriteRune(runes[i])
		case strings.ContainsRune("\\`*_{}[]<>#!|~&$^@+=", r):
			a.WriteRune(r)
			text.WriteRune(r)
		default:
			text.WriteRune(r)
		}
	}
	return a.String(), text.String()
}

// requireInertMarkdown checks one line of Markdown, wherever a template puts it.
func requireInertMarkdown(t require.TestingT, markdown string) {
	active, rendered := activeIn(markdown)
	require.Empty(t, active)
	requireInertText(t, rendered)
	require.NotContains(t, markdown, "\n")
	requireNoQuickAction(t, markdown)
	if first, _ := utf8.DecodeRuneInString(markdown); markdown != "" {
		require.True(t, first == joiner || unicode.IsLetter(first), "%q can begin a block", first)
	}
}

// words keeps a text's letters and digits.
func wordsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) || !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			return -1
		}
		return r
	}, text)
}

func visible(text string) int {
	return utf8.RuneCountInString(strings.ReplaceAll(text, string(joiner), ""))
}

// requireReadable checks that every letter and digit is still there, in order, up to
// the limit.
func requireReadable(t require.TestingT, typed, rendered string, limit int) {
	require.LessOrEqual(t, visible(rendered), limit)
	want, got := wordsOf(typed), wordsOf(rendered)
	require.True(t, strings.HasPrefix(want, got), "%q is not the beginning of %q", got, want)
	if utf8.RuneCountInString(typed) < limit && strings.Count(typed, "\n") < maxLines/2 {
		require.Equal(t, want, got)
	}
}

func requireNeutral(t require.TestingT, typed string) {
	markdown := Markdown(typed)
	requireInertMarkdown(t, markdown)
	_, rendered := activeIn(markdown)
	requireNoSHA(t, rendered)
	requireReadable(t, typed, rendered, maxLine)
	_, again := activeIn(Markdown(rendered))
	require.Equal(t, rendered, again, "what is neutral stays as it is")

	quote := Quote(typed)
	if quote != "" {
		lines := strings.Split(quote, "\n")
		require.LessOrEqual(t, len(lines), maxLines)
		for i, line := range lines {
			require.True(t, strings.HasPrefix(line, ">"))
			lines[i] = strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
			requireInertMarkdown(t, lines[i])
		}
		_, rendered := activeIn(strings.Join(lines, "\n"))
		requireNoSHA(t, rendered)
	}

	title := Title(typed)
	requireInertText(t, title)
	requireNoSHA(t, title)
	require.NotContains(t, title, "\n")
	requireReadable(t, typed, title, maxTitle)

	for _, plain := range []string{PlainText(typed), PlainLines(typed)} {
		require.True(t, utf8.ValidString(plain))
		require.LessOrEqual(t, visible(plain), maxText)
		requireNoQuickAction(t, plain)
		for _, name := range []string{"mark", "line break", "control", "bidi, zero width"} {
			require.NotRegexp(t, inText[name], plain, name)
		}
	}
	require.NotContains(t, PlainText(typed), "\n")
	requireReadable(t, typed, PlainText(typed), maxLine)

	span := code(typed)
	require.Equal(t, 2, strings.Count(span, "`"))
	require.NotContains(t, span, "\n")
}

func TestNeutral(t *testing.T) {
	t.Parallel()

	t.Run("EachPiece", func(t *testing.T) {
		t.Parallel()
		for _, piece := range hostile {
			requireNeutral(t, piece)
			requireNeutral(t, "voir "+piece+" ici")
		}
	})

	t.Run("Anything", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) { requireNeutral(t, hostileText().Draw(t, "typed")) })
	})

	t.Run("SideBySide", func(t *testing.T) {
		t.Parallel()
		for _, piece := range hostile {
			for i := range piece {
				requireInertMarkdown(t, Markdown(piece[:i])+Markdown(piece[i:]))
				requireInertText(t, Title(piece[:i])+Title(piece[i:]))
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			one, two := hostileText().Draw(t, "one"), hostileText().Draw(t, "two")
			requireInertMarkdown(t, Markdown(one)+Markdown(two))
			requireInertText(t, Title(one)+Title(two))
		})
	})

	t.Run("OrdinaryWords", func(t *testing.T) {
		t.Parallel()
		for typed, want := range map[string]string{
			"Préfecture de l'Hérault": "Préfecture de l'Hérault",
			"  Mon\tprojet \n suite ": "Mon projet suite",
			"Environ 50 % ; (oui) ?":  `Environ 50 \% ; (oui) ?`,
			"C'est-à-dire : non.":     "C'est-à-dire : non.",
			"SIRET 13002526500013":    "SIRET 13002526500013",
			"Covid":                   "Covid",
			"":                        "",
			" \u200b\n":               "",
		} {
			require.Equal(t, want, Markdown(typed))
		}
		require.Equal(t, "Préfecture de l'Hérault", Title("Préfecture de l'Hérault"))
		require.Equal(t, "> un\n>\n> deux", Quote("un\r\n\r\n\n\ndeux\n"))
		require.Equal(t, "un\ndeux", PlainLines("un\u2028deux"))
		require.Empty(t, Quote(" \n"))
	})

	t.Run("Bounds", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, strings.Repeat("z", maxTitle), Title(strings.Repeat("z", maxTitle)+" "))
		require.Equal(t, strings.Repeat("z", maxTitle-1)+"…", Title(strings.Repeat("z", maxTitle+1)))
		require.Equal(t, maxLine, visible(Markdown(strings.Repeat("é", 1<<20))))
		require.Len(t, strings.Split(Quote(strings.Repeat("x\n", 1000)), "\n"), maxLines)
		require.True(t, strings.HasSuffix(Quote(strings.Repeat("x\n", 1000)), "…"))
	})

	t.Run("Links", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "<https://gitlab.example.org/a/b>", link("https://gitlab.example.org/a/b"))
		for _, address := range []string{"javascript:alert(1)", "https://a b", "https://a>b", "https://a\n/close", "@all", "http:///x"} {
			requireInertMarkdown(t, link(address))
		}
	})
}

func FuzzNeutral(f *testing.F) {
	for _, piece := range hostile {
		f.Add(piece)
	}
	f.Add(strings.Repeat("@all ", 1000))
	f.Fuzz(func(t *testing.T, typed string) { requireNeutral(t, typed) })
}

func ExampleMarkdown() {
	fmt.Println(strings.ReplaceAll(Markdown("/assign @all #12"), "\u2060", "·"))
	// Output: ·/assign \@·all \#·12
}
