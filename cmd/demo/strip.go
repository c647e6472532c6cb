package main

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
	_ "time/tzdata" // for machines without zone files

	"github.com/tidwall/gjson"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// stripLines is how many facts the strip shows.
const stripLines = 3

// live serves the strip's content and the script that refreshes it, on every origin.
func (c *control) live(mux *http.ServeMux) {
	script, err := pageFiles.ReadFile("pages/live.js")
	if err != nil {
		panic(err) // it is embedded
	}
	mux.HandleFunc("GET "+ownPath+"live.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write(script)
	})
	mux.HandleFunc("GET "+ownPath+"strip", func(w http.ResponseWriter, r *http.Request) {
		fragment(w, c.stripLines(r))
	})
}

// fragment writes a part of a page, for the script.
func fragment(w http.ResponseWriter, html template.HTML) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(html))
}

// strip is above each page. It is whole without JavaScript, as of when the page was
// loaded; the script keeps it current.
func (c *control) strip(r *http.Request) template.HTML {
	return page.Body(pageTemplates, "strip", struct {
		Lang, Own string
		Lines     template.HTML
	}{page.Lang(r), ownPath, c.stripLines(r)})
}

func (c *control) stripLines(r *http.Request) template.HTML {
	v := newView(r)
	entries, err := c.feed.since(r.Context())
	if err != nil {
		return template.HTML(template.HTMLEscapeString(v.T("Le registre ne répond pas.", "The ledger does not answer.")))
	}
	var lines []told
	for i := range entries[:min(len(entries), stripLines)] {
		lines = append(lines, c.tell(v.Lang, &entries[i]))
	}
	return page.Body(pageTemplates, "strip-lines", struct {
		view

		Ledger string
		Count  int
		Lines  []told
		Blank  []struct{}
	}{v, c.URL + "/ledger", len(entries), lines, make([]struct{}, stripLines-len(lines))})
}

// told is a fact as a page tells it.
type told struct {
	Number int64
	At     time.Time
	Story  string // its address in the ledger
	Where  string
	What   string
	URL    string // of what was made
	Bad    bool
}

// Clock is the time of day.
func (t told) Clock() string { return clock(t.At) }

// clock is the time of day in Paris, as on DS's pages.
func clock(t time.Time) string { return t.In(paris).Format(time.TimeOnly) }

var paris = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err) // it is embedded
	}
	return zone
}()

func field(e *ledger.LedgerEntry, path string) string { return gjson.Get(e.Data, path).String() }

// tell tells a fact in the reader's language, and leads to its dossier's story.
func (c *control) tell(lang string, e *ledger.LedgerEntry) told {
	t := tell(lang, e)
	t.Story = fmt.Sprintf("%s/ledger/%d", c.URL, e.Chain)
	return t
}

// hubName is where things are that happen in the hub.
const hubName = "Passerelle"

// tell tells a fact in the reader's language.
func tell(lang string, e *ledger.LedgerEntry) told {
	get := func(path string) string { return field(e, path) }
	t := told{Number: e.Chain, At: e.At, Where: "GitLab", URL: get("url")}
	say := func(fr, en string, about ...any) {
		if lang == page.English {
			fr = en
		}
		t.What = fmt.Sprintf(fr, about...)
	}
	in := func(where string) func(fr, en string, about ...any) {
		t.Where = where
		return say
	}
	again := gjson.Get(e.Data, "adopted").Bool()
	switch ledger.EntryKind(e.Kind) {
	case ledger.DossierSeen:
		in("DS")("dossier déposé, %s", "dossier filed, %s", strings.TrimPrefix(stateName(lang, get("state")), "filed, "))
	case ledger.StateChanged:
		in("DS")("passe de « %s » à « %s »", "from “%s” to “%s”", stateName(lang, get("from")), stateName(lang, get("to")))
	case ledger.DossierEdited:
		in("DS")("dossier modifié", "dossier edited")
	case ledger.DossierTrashed:
		in("DS")("dossier mis à la corbeille", "dossier put into the bin")
	case ledger.DossierRestored:
		in("DS")("dossier restauré", "dossier restored")
	case ledger.DossierDeleted:
		in("DS")("dossier supprimé", "dossier deleted")
	case ledger.DossierUnreadable:
		in("DS")("dossier illisible", "dossier that cannot be read")
	case ledger.DossierReadable:
		in("DS")("dossier de nouveau lisible", "dossier readable again")
	case ledger.DossierNotVisible:
		in("DS")("dossier illisible, et disparu des listes", "dossier that could not be read, and is not listed any more")
	case ledger.StepChanged:
		in(hubName)("étape %s → étape %s", "step %s → step %s", get("from"), get("to"))
	case ledger.GroupCreated:
		made(say, again, "groupe %s", "group %s", get("path"))
	case ledger.ProjectCreated:
		made(say, again, "projet %s", "project %s", get("path"))
	case ledger.FilesCommitted:
		made(say, again, "« hello world » déposé", "hello world committed")
	case ledger.MembersInvited:
		say("invitations : %s (%s)", "invited: %s (%s)", get("invited"), get("level"))
	case ledger.ProjectArchived:
		say("bac à sable archivé", "sandbox archived")
	case ledger.ProjectActivated:
		say("bac à sable rouvert", "sandbox taken up again")
	case ledger.IssueOpened:
		made(say, again, "ticket de suivi n° %s", "tracking issue #%s", get("id"))
	case ledger.IssueUpdated:
		closed := gjson.Get(e.Data, "closed").Bool()
		say("ticket de suivi : %s", "tracking issue: %s", strings.Join(words(e, "labels"), ", ")+choose(closed, choose(lang == page.English, ", closed", ", fermé"), ""))
	case ledger.NoteWritten:
		made(say, again, "note sur le ticket de suivi", "note on the tracking issue")
	case ledger.MessageSent:
		t.Where = "DS"
		made(say, again, "message au demandeur : %s", "message to the applicant: %s", messageName(lang, get("message")))
	case ledger.InstructionBegun:
		in("DS")("instruction commencée", "examination begun")
	case ledger.IntentDropped:
		in(hubName)("%s : n’est plus voulu", "%s: not wanted any more", get("action"))
	case ledger.ActionFailed:
		t.Bad = true
		in(hubName)("échec de %s : %s", "%s failed: %s", get("action"), get("reason"))
	case ledger.LedgerRestored:
		in(hubName)("registre restauré : %s", "ledger restored: %s", get("reason"))
	case ledger.JobReplayed:
		in(hubName)("%s relancé : %s", "%s replayed: %s", get("kind"), get("reason"))
	default:
		t.Where, t.What = tellJourney(lang, e)
	}
	if scheme := strings.HasPrefix(t.URL, "http://") || strings.HasPrefix(t.URL, "https://"); !scheme {
		t.URL = ""
	}
	return t
}

// made tells of something that was created, or found again after an answer was lost.
func made(say func(fr, en string, about ...any), again bool, fr, en string, about ...any) {
	if again {
		fr, en = fr+" (retrouvé après une réponse perdue)", en+" (found again after a lost answer)"
	}
	say(fr, en, about...)
}

func choose(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}

// stateName is a state in the words of the desk's pages.
func stateName(lang, state string) string {
	name, known := map[string][2]string{
		"en_construction": {"en construction", "filed, can be edited"},
		"en_instruction":  {"en instruction", "being examined"},
		"accepte":         {"accepté", "accepted"},
		"refuse":          {"refusé", "refused"},
		"sans_suite":      {"classé sans suite", "closed without follow-up"},
		"supprime":        {"supprimé", "deleted"},
	}[state]
	switch {
	case !known:
		return state
	case lang == page.English:
		return name[1]
	}
	return name[0]
}

func messageName(lang, message string) string {
	kind, which, _ := strings.Cut(message, " ")
	known := names{
		"received":   {"bien reçu", "received"},
		"accepted":   {"accepté", "accepted"},
		"refused":    {"refusé ou classé sans suite", "refused or closed without follow-up"}, // one text for both
		"qualified":  {"l’offre convient, voici le formulaire suivant", "the offer fits, here is the next form"},
		"step":       {"passage à l’étape " + which, "on to step " + which},
		"no_go":      {"no-go à l’étape " + which, "no-go at step " + which},
		"correction": {"à corriger", "to be corrected"},
		"reminder":   {"rappel", "reminder"},
	}
	if _, is := known[kind]; is {
		return known.in(lang, kind)
	}
	return message
}
