package pages

import (
	"html"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

var (
	tag     = regexp.MustCompile(`<[^>]*>`)
	address = regexp.MustCompile(`https?://[^\s\p{Z}<>"'«»]*[^\s\p{Z}<>"'«»“”’….,;:!?)\]]`)
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

// refusals are DS's words for the acts that a page can have refused, in English.
var refusals = map[string]string{
	noMotivation: "A reason must be given",
	noMessage:    "The message cannot be empty",

	"Le dossier n’est pas dans la corbeille":                                                       "The file is not in the bin",
	"Le dossier n’est pas encore traité":                                                           "The file is not decided yet",
	"Le dossier n’est pas encore traité : il ne peut pas être supprimé":                            "The file is not decided yet: it cannot be deleted",
	"Le dossier est traité : il ne peut qu’être retiré de votre liste":                             "The file is decided: it can only be removed from your list",
	"Un dossier ne peut être déplacé dans « à archiver » qu’une fois le traitement terminé":        "Only a file that is decided can be archived",
	"Il n’est pas possible d’envoyer un message sur un dossier supprimé, archivé ou en brouillon":  "No message can be sent about a file that is deleted, archived or a draft",
	"L’instruction de votre dossier a commencé, il n’est plus possible de supprimer votre dossier": "Your file is being examined: it can no longer be deleted",
}

// What DS says of a text that is missing.
const (
	noMotivation = "La motivation doit être remplie"
	noMessage    = "Votre message ne peut être vide"
)

// refusedBecause is why DS refuses an act, in the reader's language; what has no
// translation stays in French.
func refusedBecause(r *http.Request, french string) string {
	english, known := refusals[french]
	if already, found := strings.CutPrefix(french, "Le dossier est déjà "); found {
		for _, names := range stateNames {
			if names[0] == already {
				english, known = "The file is already “"+names[1]+"”", true
			}
		}
	}
	if !known {
		english = "The act was refused: " + french
	}
	return page.Say(r, french, english)
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
