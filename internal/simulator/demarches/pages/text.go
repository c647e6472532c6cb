package pages

import (
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

var (
	tag     = regexp.MustCompile(`<[^>]*>`)
	address = regexp.MustCompile(`https?://[^\s<>"'«»]*[^\s<>"'«».,;:!?)\]]`)
	problem = regexp.MustCompile(`^Le champ « (?s:(.*)) » (doit être rempli|doit être dans la liste|n’est pas une adresse électronique valide)$`)
)

// readable is a message's text with its addresses as links. What DS itself writes
// has tags, which are taken out; what people write is shown as it is.
func readable(m demarches.Message) template.HTML {
	text := m.Body
	if m.Automatic {
		text = strings.ReplaceAll(text, "]<p>", "]\n\n")
		text = strings.ReplaceAll(text, "</p><p>", "\n\n")
		text = strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(text, "")))
	}
	return linked(text)
}

func linked(text string) template.HTML {
	var b strings.Builder
	end := 0
	for _, at := range address.FindAllStringIndex(text, -1) {
		found := template.HTMLEscapeString(text[at[0]:at[1]])
		b.WriteString(template.HTMLEscapeString(text[end:at[0]]))
		b.WriteString(`<a href="` + found + `" rel="nofollow noopener noreferrer">` + found + `</a>`)
		end = at[1]
	}
	b.WriteString(template.HTMLEscapeString(text[end:]))
	return template.HTML(b.String())
}

// translated is what DS finds wrong with a field, in the reader's language.
func translated(french, lang string) string {
	parts := problem.FindStringSubmatch(french)
	if lang != page.English || parts == nil {
		return french
	}
	return "“" + parts[1] + "” " + map[string]string{
		"doit être rempli":                          "must be filled in",
		"doit être dans la liste":                   "must be one of the list",
		"n’est pas une adresse électronique valide": "is not a valid e-mail address",
	}[parts[2]]
}
