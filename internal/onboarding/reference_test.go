package onboarding_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestReference(t *testing.T) {
	t.Parallel()
	marks := onboarding.NewMarks("a key")
	reference := marks.Reference("CPN", 1001)
	require.Regexp(t, `^CPN-1001-[0-9A-HJKMNP-TV-Z]{8}$`, reference)
	require.NotEqual(t, reference, onboarding.NewMarks("another key").Reference("CPN", 1001))

	code := strings.TrimPrefix(reference, "CPN-1001-")
	for name, tt := range map[string]struct {
		text string
		ok   bool
	}{
		"AsWritten":      {reference, true},
		"SmallLetters":   {strings.ToLower(reference), true},
		"Blanks":         {"  CPN 1001\u00a0" + code + "\n", true},
		"OtherHyphens":   {"CPN–1001—" + code, true},
		"NoHyphens":      {"cpn1001" + code, true},
		"LettersODigits": {"CPN-IOOl-" + strings.ReplaceAll(strings.ReplaceAll(code, "0", "o"), "1", "i"), true},
		"OfAnotherKey":   {onboarding.NewMarks("another key").Reference("CPN", 1001), false},
		"OfAnother":      {"CPN-1002-" + code, false},
		"Number":         {"1001", false},
		"CodeAlone":      {code, false},
		"CutShort":       {reference[:len(reference)-1], false},
		"Sentence":       {"Ma référence : " + reference, false},
		"Mark":           {marks.Mark(1001, onboarding.IssueKey), false},
		"Empty":          {"", false},
		"LeadingZero":    {"CPN-01001-" + code, false},
		"OtherPrefix":    {strings.Replace(reference, "CPN", "ABC", 1), false},
		"TooLong":        {reference + strings.Repeat(" ", 300), false},
		"TooLarge":       {"CPN-9999999999999999999-" + code, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			number, ok := marks.ReadReference("CPN", tt.text)
			require.Equal(t, tt.ok, ok)
			if tt.ok {
				require.EqualValues(t, 1001, number)
			} else {
				require.Zero(t, number)
			}
		})
	}
}

func TestReference_RoundTrip(t *testing.T) {
	t.Parallel()
	marks := onboarding.NewMarks("a key")
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Min(1).Draw(t, "number")
		var typed strings.Builder
		for _, r := range marks.Reference("CPN", number) {
			switch {
			case r == '-':
				typed.WriteString(rapid.SampledFrom([]string{"-", "", " ", " - ", "–"}).Draw(t, "hyphen"))
			case r == '0':
				typed.WriteString(rapid.SampledFrom([]string{"0", "O", "o"}).Draw(t, "zero"))
			case r == '1':
				typed.WriteString(rapid.SampledFrom([]string{"1", "I", "l"}).Draw(t, "one"))
			case rapid.Bool().Draw(t, "small"):
				typed.WriteString(strings.ToLower(string(r)))
			default:
				typed.WriteRune(r)
			}
		}
		read, ok := marks.ReadReference("CPN", typed.String())
		require.True(t, ok, typed.String())
		require.Equal(t, number, read)
	})
}

// A prefix with letters that people take for figures is read all the same.
func TestReference_Prefix(t *testing.T) {
	t.Parallel()
	marks := onboarding.NewMarks("a key")
	reference := marks.Reference("OIL", 12)
	require.Regexp(t, `^OIL-12-`, reference)
	number, ok := marks.ReadReference("OIL", strings.ToLower(reference))
	require.True(t, ok)
	require.EqualValues(t, 12, number)
	_, ok = marks.ReadReference("CPN", reference)
	require.False(t, ok)
}

func FuzzReadReference(f *testing.F) {
	marks := onboarding.NewMarks("a key")
	for _, text := range []string{marks.Reference("CPN", 1), "CPN-1-00000000", "CPN--", "cpn9223372036854775807ZZZZZZZZ", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, ok := marks.ReadReference("CPN", text)
		require.Equal(t, ok, number > 0)
		if ok {
			again, ok := marks.ReadReference("CPN", marks.Reference("CPN", number))
			require.True(t, ok)
			require.Equal(t, number, again)
		}
	})
}

func TestCandidate(t *testing.T) {
	t.Parallel()
	marks := onboarding.NewMarks("a key")
	same := marks.Candidate("camille@example.org", "Portail de l’été")
	require.Regexp(t, `^[0-9a-f]{32}$`, same)
	require.NotContains(t, same, "camille")
	for _, pair := range [][2]string{
		{"Camille@Example.org ", "PORTAIL  DE L'ETE"}, {"camille@example.org", " portail\tde l’e\u0301té"},
	} {
		require.Equal(t, same, marks.Candidate(pair[0], pair[1]), pair)
	}
	for _, pair := range [][2]string{{"camille@example.com", "Portail de l’été"}, {"camille@example.org", "Portail"}} {
		require.NotEqual(t, same, marks.Candidate(pair[0], pair[1]), pair)
	}
	require.NotEqual(t, same, onboarding.NewMarks("another key").Candidate("camille@example.org", "Portail de l’été"))
	for _, pair := range [][2]string{{"", "Portail"}, {"a@x.fr", ""}, {" ", "Portail"}, {"a@x.fr", " - "}} {
		require.Empty(t, marks.Candidate(pair[0], pair[1]), pair)
	}
}
