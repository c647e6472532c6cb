package onboarding_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestParseCommands(t *testing.T) {
	t.Parallel()
	type command = onboarding.Command
	for name, tt := range map[string]struct {
		body string
		want []command
	}{
		"None":             {"Bonjour,\nque pense l’équipe de /passerelle go ?", nil},
		"Empty":            {"", nil},
		"Go":               {"/passerelle go", []command{{Verb: onboarding.VerbGo}}},
		"LeadingBlanks":    {" \t\u00a0/passerelle go", []command{{Verb: onboarding.VerbGo}}},
		"NoBreakSpaces":    {"/passerelle\u00a0no-go\u202ftrop\u00a0tôt", []command{{Verb: onboarding.VerbNoGo, Argument: "trop\u00a0tôt"}}},
		"Case":             {"/Passerelle GO", []command{{Verb: onboarding.VerbGo}}},
		"Accents":          {"/passerelle DÉBLOQUER\n/passerelle hébergement REF-1\n/passerelle Statut", []command{{Verb: onboarding.VerbUnblock}, {Line: 1, Verb: onboarding.VerbHosting, Argument: "REF-1"}, {Line: 2, Verb: onboarding.VerbStatus}}},
		"DecomposedAccent": {"/passerelle de\u0301bloquer", []command{{Verb: onboarding.VerbUnblock}}},
		"Help":             {"/passerelle\nbla", []command{{Verb: onboarding.VerbHelp}}},
		"NoGoInTwoWords":   {"/passerelle no go trop tôt", []command{{Verb: onboarding.VerbNoGo, Argument: "trop tôt"}}},
		"Colon":            {"/passerelle bloquer : attente", []command{{Verb: onboarding.VerbBlock, Argument: "attente"}}},
		"TextOnNextLines":  {"/passerelle corriger\nles URL  \r\n  et le nom\r\n\r\nmerci", []command{{Verb: onboarding.VerbCorrect, Argument: "les URL\n  et le nom"}}},
		"TextUntilCommand": {"/passerelle no-go trop\ntôt\n/passerelle statut", []command{{Verb: onboarding.VerbNoGo, Argument: "trop\ntôt"}, {Line: 1, Verb: onboarding.VerbStatus}}},
		"OneLineVerbs":     {"/passerelle rattacher 12\nmerci", []command{{Verb: onboarding.VerbJoin, Argument: "12"}}},
		"Near":             {"/passerelle debloqer vite", []command{{Verb: onboarding.VerbUnknown, Argument: "debloqer vite", Detail: "debloquer"}}},
		"NotNear":          {"/passerelle supprimer", []command{{Verb: onboarding.VerbUnknown, Argument: "supprimer"}}},
		"NoIsNotGo":        {"/passerelle no", []command{{Verb: onboarding.VerbUnknown, Argument: "no"}}},
		"AnotherWord":      {"/passerelles go\n/passerellego\n/close", nil},
		"Quote":            {"> /passerelle go\n  > /passerelle go", nil},
		"QuotedLines":      {">>>\n/passerelle go\n>>>\n/passerelle statut", []command{{Verb: onboarding.VerbStatus}}},
		"Fence":            {"```sh\n/passerelle go\n```\n/passerelle statut", []command{{Verb: onboarding.VerbStatus}}},
		"LongFence":        {"````\n```\n/passerelle go\n````\n~~~\n/passerelle go\n```\n/passerelle go", nil},
		"NoFence":          {"```/passerelle go```\n/passerelle statut", []command{{Verb: onboarding.VerbStatus}}},
		"ListsAreNone":     {"- /passerelle go\n1. /passerelle go\n`/passerelle go`", nil},
		"OurOwnNeutral":    {"\u2060/passerelle go", nil},
		"ShownIsText":      {"/passerelle corriger comme\n```\n/passerelle go\n\n/passerelle go\n```", []command{{Verb: onboarding.VerbCorrect, Argument: "comme\n```\n/passerelle go"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, onboarding.ParseCommands(tt.body))
		})
	}

	t.Run("TooMany", func(t *testing.T) {
		t.Parallel()
		commands := onboarding.ParseCommands(strings.Repeat("/passerelle statut\n", 30))
		require.Len(t, commands, 11)
		require.Equal(t, onboarding.Command{Line: 10, Verb: onboarding.VerbUnknown, Detail: onboarding.TooManyCommands}, commands[10])
	})

	t.Run("TooLong", func(t *testing.T) {
		t.Parallel()
		whole := onboarding.ParseCommands("/passerelle corriger " + strings.Repeat("é", 4000))[0]
		require.Len(t, []rune(whole.Argument), 4000)
		require.False(t, whole.Cut())
		long := onboarding.ParseCommands("/passerelle corriger " + strings.Repeat("é", 4001))[0]
		require.Len(t, []rune(long.Argument), 4000)
		require.True(t, long.Cut())
	})
}

// What people write is read back, whatever stands around it.
func TestParseCommands_RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var body strings.Builder
		var want []onboarding.Command
		for i := range rapid.IntRange(0, 10).Draw(t, "commands") {
			c := onboarding.Command{Line: i, Verb: rapid.SampledFrom(onboarding.Verbs()).Draw(t, "verb")}
			c.Argument = rapid.StringMatching(`([a-zé]{1,9}( [a-zé,.]{1,9}){0,3})?`).Draw(t, "argument")
			if c.Verb == onboarding.VerbNoGo && rapid.Bool().Draw(t, "lines") {
				c.Argument = "un\ndeux"
			}
			fmt.Fprintf(&body, "%s/passerelle %s %s\n\n", rapid.SampledFrom([]string{"", "Bonjour,\n", "> /passerelle go\n", "```\n/passerelle go\n```\n", "  "}).Draw(t, "before"), c.Verb, c.Argument)
			want = append(want, c)
		}
		require.Equal(t, want, onboarding.ParseCommands(body.String()))
	})
}

func FuzzParseCommands(f *testing.F) {
	for _, body := range []string{"/passerelle go", "/passerelle\u00a0no-go x\ny", "```\n/passerelle go", ">>>\n/passerelle", "/passerelle \xff", "/passerelle corriger " + strings.Repeat("x", 5000)} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		commands := onboarding.ParseCommands(body)
		require.LessOrEqual(t, len(commands), 11)
		for i, c := range commands {
			require.Equal(t, i, c.Line)
			require.True(t, utf8.ValidString(c.Argument))
			require.LessOrEqual(t, utf8.RuneCountInString(c.Argument), 4000)
			require.Equal(t, strings.TrimSpace(c.Argument), c.Argument)
			if c.Verb != onboarding.VerbUnknown {
				require.Contains(t, onboarding.Verbs(), c.Verb)
			}
		}
		require.Equal(t, len(commands) > 0, len(onboarding.ReadTrace(traced(commands))) > 0)
	})
}

// traced is the trace of commands as if they had been carried out.
func traced(commands []onboarding.Command) string {
	for i := range commands {
		commands[i].Outcome = onboarding.Done
	}
	return onboarding.Trace(commands)
}

func TestTrace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		verbs := append(onboarding.Verbs(), onboarding.VerbUnknown, onboarding.VerbRelabel, onboarding.VerbClose, onboarding.VerbReopen)
		var commands []onboarding.Command
		for line := range rapid.IntRange(0, 11).Draw(t, "commands") {
			commands = append(commands, onboarding.Command{
				Line: line, Verb: rapid.SampledFrom(verbs).Draw(t, "verb"), Step: rapid.IntRange(0, 9).Draw(t, "step"),
				Outcome: rapid.SampledFrom(onboarding.Outcomes()).Draw(t, "outcome"),
				Detail:  rapid.OneOf(rapid.SampledFrom([]string{"", "no-go", "rootless read_only", "-->", "a:b"}), rapid.String()).Draw(t, "detail"),
			})
		}
		trace := onboarding.Trace(commands)
		require.NotContains(t, trace, "--")
		require.NotContains(t, trace, "\n")
		require.NotContains(t, trace, ">")
		require.Equal(t, commands, onboarding.ReadTrace(trace))
		require.Equal(t, commands, onboarding.ReadTrace("0:go:2:done\n<!-- 1:go:2:done -->\n<!-- passerelle:42:00 "+trace+" --> 3:go:1:done"))
	})
	require.Empty(t, onboarding.ReadTrace("0:fly:2:done 0:go:2:perhaps 0:go:x:done go 99999:go:1:done 0:go:2:done:%zz"))
	require.Len(t, onboarding.ReadTrace(strings.Repeat("0:go:2:done ", 50)), 11)
}
