package gitlab

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxPath = 255

var (
	pathChars  = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*$`)
	pathSeries = regexp.MustCompile(`^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$`)

	projectName = regexp.MustCompile(`^[\p{L}\p{M}\p{N}\x{00A9}-\x{1f9ff}_][\p{L}\p{M}\p{N}\p{Pd}\x{00A9}-\x{1f9ff}_.+ ]*$`)
	groupName   = regexp.MustCompile(`^[\p{L}\p{M}\p{N}\x{00A9}-\x{1f9ff}_][\p{L}\p{M}\p{N}\p{Pd}\x{00A9}-\x{1f9ff}_(). ]*$`)
)

const (
	pathCharsMessage  = "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or end in '.', '.git' or '.atom'."
	pathSeriesMessage = "must not start or end with a special character and must not contain consecutive special characters."

	projectNameMessage = "can contain only letters, digits, emoji, '_', '.', '+', dashes, or spaces. It must start with a letter, digit, emoji, or '_'."
	groupNameMessage   = "can contain only letters, digits, emoji, '_', '.', dash, space, parenthesis. It must start with letter, digit, emoji or '_'."
)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

// The words that GitLab's own routes take, by the place where they do.
var (
	reservedTopLevel = words(`- .well-known 404.html 422.html 500.html 502.html 503.html admin api apple-touch-icon.png
		assets dashboard deploy.html explore favicon.ico favicon.png files groups health_check help import jwt login
		oauth profile projects public robots.txt s search sitemap sitemap.xml sitemap.xml.gz slash-command-logo.png
		snippets unsubscribes uploads users v2`)
	reservedGroup   = words(`-`)
	reservedProject = words(`- badges blame blob builds commits create create_dir edit environments/folders files
		find_file gitlab-lfs/objects info/lfs/objects new preview raw refs tree update wikis`)
)

// checkPath says what is wrong with a path, at its level of the tree.
func checkPath(v invalid, path string, reserved map[string]bool) {
	if path == "" {
		v.add("path", "can't be blank")
		return
	}
	if utf8.RuneCountInString(path) > maxPath {
		v.add("path", "is too long (maximum is "+strconv.Itoa(maxPath)+" characters)")
	}
	lower := strings.ToLower(path)
	if !pathChars.MatchString(path) || strings.HasSuffix(lower, ".") || strings.HasSuffix(lower, ".git") || strings.HasSuffix(lower, ".atom") {
		v.add("path", pathCharsMessage)
	}
	if !pathSeries.MatchString(path) {
		v.add("path", pathSeriesMessage)
	}
	if reserved[lower] {
		v.add("path", path+" is a reserved name")
	}
}

func checkName(v invalid, name string, allowed *regexp.Regexp, message string) {
	switch {
	case strings.TrimSpace(name) == "":
		v.add("name", "can't be blank")
	case utf8.RuneCountInString(name) > 255:
		v.add("name", "is too long (maximum is 255 characters)")
	case !allowed.MatchString(name):
		v.add("name", message)
	}
}

func checkDescription(v invalid, description string, longest int) {
	if utf8.RuneCountInString(description) > longest {
		v.add("description", "is too long (maximum is "+strconv.Itoa(longest)+" characters)")
	}
}

// pathFor makes a project's path from its name, as GitLab does when none is given.
func pathFor(name string) string {
	path := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && pathChars.MatchString("a"+string(r)) {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(regexp.MustCompile(`-{2,}`).ReplaceAllString(path, "-"), "-._")
}
