package onboarding_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestGroupPaths(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("abcdefghi ", 20)
	for _, tt := range []struct{ organisation, project, path, suffixed string }{
		{"Préfecture de l’Hérault", "Portail des agents", "prefecture-de-l-herault-portail-des-agents", "prefecture-de-l-herault-portail-des-agents-42"},
		{"", "Œuvre n°1 (bêta)", "oeuvre-n-1-beta", "oeuvre-n-1-beta-42"},
		{"DNUM", "a__b--c..d.git", "dnum-a-b-c-d-git", "dnum-a-b-c-d-git-42"},
		{"", "Tree", "tree-42", "tree-42"},
		{"", "-", "", ""},
		{"DNUM", "  ", "", ""},
		{"🚀", "🚀🚀", "", ""},
		{"DNUM", "../../etc/passwd", "dnum-etc-passwd", "dnum-etc-passwd-42"},
		{"", long, "abcdefghi-abcdefghi-abcdefghi-abcdefghi-abcdefghi-abcdefghi-abc", "abcdefghi-abcdefghi-abcdefghi-abcdefghi-abcdefghi-abcdefghi-42"},
	} {
		t.Run(tt.organisation+"/"+tt.project, func(t *testing.T) {
			t.Parallel()
			path, suffixed := onboarding.GroupPaths(onboarding.Request{Organisation: tt.organisation, Project: tt.project}, 42)
			require.Equal(t, tt.path, path)
			require.Equal(t, tt.suffixed, suffixed)
		})
	}
}

// gitlabPath is what GitLab takes as a path, and a DNS label too.
var gitlabPath = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func requirePaths(t require.TestingT, r onboarding.Request, number int64) {
	path, suffixed := onboarding.GroupPaths(r, number)
	require.Equal(t, path == "", suffixed == "")
	if path == "" {
		return
	}
	for _, p := range []string{path, suffixed} {
		require.Regexp(t, gitlabPath, p)
		require.LessOrEqual(t, len(p), 63)
		require.NotContains(t, []string{"new", "edit", "tree", "raw", "wikis", "badges"}, p)
	}
	require.True(t, strings.HasSuffix(suffixed, "-"+strconv.FormatInt(number, 10)), suffixed)

	plain, numbered := onboarding.GroupName(r, number, false), onboarding.GroupName(r, number, true)
	require.NotEqual(t, plain, numbered)
	for _, name := range []string{plain, numbered} {
		// GitLab: letters, digits, underscores, dots, parentheses, dashes and blanks.
		require.Regexp(t, `^[\p{L}\p{M}\p{Nd}_][\p{L}\p{M}\p{Nd}_.() -]*$`, name)
		require.LessOrEqual(t, utf8.RuneCountInString(name), 255)
		require.Equal(t, strings.TrimSpace(name), name)
	}
}

func TestGroupPaths_AreWhatGitLabTakes(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "&", "new", "Tree", "(v2)", "a.git", "-", "É", "l’", "2026"}),
		rapid.StringMatching(`[a-zéà _.()-]{0,300}`))
	rapid.Check(t, func(t *rapid.T) {
		r := onboarding.Request{Organisation: text.Draw(t, "organisation"), Project: text.Draw(t, "project")}
		requirePaths(t, r, rapid.Int64Range(1, 1<<31-1).Draw(t, "number"))
	})
}

func FuzzGroupPaths(f *testing.F) {
	f.Add("Préfecture", "Portail", int64(42))
	f.Add("", "&", int64(1))
	f.Add("\xff\x00", "İstanbul ẞ ﷽", int64(2147483647))
	f.Fuzz(func(t *testing.T, organisation, project string, number int64) {
		if number < 1 || number > 1<<31-1 {
			t.Skip()
		}
		requirePaths(t, onboarding.Request{Organisation: organisation, Project: project}, number)
	})
}

func TestGroupName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ organisation, project, name string }{
		{"Préfecture de l’Hérault", "Portail (v2)", "Préfecture de l Hérault - Portail (v2)"},
		{"", "<img src=x> @all", "img src x all"},
		{"", "&", "et"},
		{"DNUM", "…", "DNUM"},
	} {
		t.Run(tt.project, func(t *testing.T) {
			t.Parallel()
			r := onboarding.Request{Organisation: tt.organisation, Project: tt.project}
			require.Equal(t, tt.name, onboarding.GroupName(r, 42, false))
			require.Equal(t, tt.name+" (42)", onboarding.GroupName(r, 42, true))
		})
	}
}
