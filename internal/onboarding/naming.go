package onboarding

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gosimple/slug"
)

// maxPath bounds the paths that we give, in characters. GitLab takes 255; a DNS
// label, which the platform makes of it, takes 63.
const maxPath = 63

// reservedPaths are the paths that GitLab keeps for itself below a group.
var reservedPaths = []string{
	"-", "badges", "blame", "blob", "builds", "commits", "create", "create_dir", "edit", "files",
	"find_file", "new", "preview", "raw", "refs", "tree", "update", "wikis",
}

// GroupPaths returns the paths to try for a dossier's group, in order: organisation
// and project, then the same with the dossier's number, for when somebody else's
// group stands at the first. Both are empty when the project's name holds nothing
// that a path can be made of.
func GroupPaths(r Request, number int64) (path, suffixed string) {
	project := pathOf(r.Project)
	if project == "" {
		return "", ""
	}
	path = project
	if organisation := pathOf(r.Organisation); organisation != "" {
		path = organisation + "-" + project
	}
	path = cut(path, maxPath)
	suffixed = SuffixedPath(path, number)
	if slices.Contains(reservedPaths, path) {
		path = suffixed
	}
	return path, suffixed
}

// SuffixedPath is a path with the dossier's number.
func SuffixedPath(path string, number int64) string {
	suffix := "-" + strconv.FormatInt(number, 10)
	return cut(path, maxPath-len(suffix)) + suffix
}

// signs are those that separate words in French: "de l'Hérault" is no "de lherault".
var signs = strings.NewReplacer("'", " ", "’", " ", "°", " ")

// pathOf folds accents and keeps letters, digits and single hyphens.
func pathOf(text string) string {
	text = signs.Replace(cutRunes(text, 4*maxPath))
	path := strings.ReplaceAll(slug.MakeLang(text, "fr"), "_", "-")
	for strings.Contains(path, "--") {
		path = strings.ReplaceAll(path, "--", "-")
	}
	return strings.Trim(path, "-")
}

func cut(path string, length int) string {
	if len(path) > length {
		path = path[:length]
	}
	return strings.Trim(path, "-")
}

// GroupName is the group's name as people read it; names are unique below a group,
// as paths are, so a suffixed path goes with a suffixed name.
func GroupName(r Request, number int64, suffixed bool) string {
	name := displayName(r.Project)
	if name == "" {
		name = pathOf(r.Project) // "&" is no name, but "et" is a path
	}
	if organisation := displayName(r.Organisation); organisation != "" {
		name = organisation + " - " + name
	}
	name = strings.TrimRight(cutRunes(name, 200), " .-(")
	if suffixed {
		name += fmt.Sprintf(" (%d)", number)
	}
	return name
}

// displayName keeps what GitLab allows in a name: letters, digits, underscores,
// dots, hyphens, parentheses and blanks, beginning with a letter or a digit.
func displayName(text string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.Mn, r), strings.ContainsRune("_.-()", r):
			return r
		default:
			return ' '
		}
	}, text)
	return strings.TrimLeftFunc(strings.Join(strings.Fields(kept), " "), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func cutRunes(text string, length int) string {
	for i := range text {
		if length == 0 {
			return text[:i]
		}
		length--
	}
	return text
}
