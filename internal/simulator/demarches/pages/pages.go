// Package pages is the simulated DS as people see it: the form, the applicant's
// dossiers and the agents' desk. Every act goes through the server's own methods, so
// that it obeys the state machine of the API and sends its webhook.
package pages

import (
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

const (
	// perPage is how many dossiers a list shows at a time.
	perPage = 50
	// maxFiles is how much the files of a form may weigh together, maxBody how much
	// is read at all: between the two, the form can be shown again as it was filled in.
	maxFiles = 20 << 20
	maxBody  = 2 * maxFiles
	// maxPrefill is how long an address that fills a form in may be.
	maxPrefill = 2000

	accountCookie = "ds_compte"
)

// Style is the colours of the French State's sites, without its marques.
const Style template.CSS = `:root{--accent:#000091;--page:#fff;--surface:#fff;--text:#161616;--muted:#666;--line:#ddd;--soft:#f5f5fe}
@media (prefers-color-scheme:dark){:root{--accent:#8585f6;--on-accent:#000091;--page:#161616;--surface:#1e1e1e;--text:#f0f0f0;--muted:#a5a5a5;--line:#3a3a3a;--soft:#21213f}}
.head{box-shadow:0 2px 6px #00001220}.card{border-radius:0}button,.button{border-radius:0}
input,select,textarea{border-radius:4px 4px 0 0!important}
.thread{list-style:none;margin:0;padding:0}.thread li{border:1px solid var(--line);border-left:4px solid var(--line);padding:.6rem .9rem;margin:0 0 .8rem;background:var(--surface)}
.thread li.mine{border-left-color:var(--accent);background:var(--soft)}.thread .body{white-space:pre-wrap;overflow-wrap:anywhere}
.thread p{margin:0}.thread .who{font-size:.9rem;color:var(--muted);margin-bottom:.3rem}
.form{max-width:46rem}.form h2{border-bottom:1px solid var(--line);padding-bottom:.3rem}
.steps{list-style:none;padding:0;margin:0}.steps li{padding:.35rem 0;border-bottom:1px solid var(--line)}.steps li:last-child{border:0}
.tabs{display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;padding:0;margin:0 0 1rem}.tabs a{display:inline-block;padding:.35rem .8rem;background:var(--soft);text-decoration:none}.tabs a[aria-current]{background:var(--accent);color:var(--on-accent)}
.go{font-weight:600}`

//go:embed pages.gohtml
var templateText string

var templates = template.Must(template.New("pages").Parse(templateText))

type site struct {
	server *demarches.Server
	page   *page.Site
	mux    *http.ServeMux
}

// New returns the whole of a simulated DS: its pages, its API and its files. What
// the site leaves empty has a default.
func New(server *demarches.Server, shared *page.Site) http.Handler {
	own := page.Site{}
	if shared != nil {
		own = *shared
	}
	if own.Name == "" {
		own.Name = "Démarches en ligne (simulateur)"
	}
	if own.Home == "" {
		own.Home = "/"
	}
	if own.Style == "" {
		own.Style = Style
	}
	if own.Menu == nil {
		own.Menu = []page.Link{
			{Label: map[string]string{"fr": "Mes dossiers", "en": "My files"}, URL: "/dossiers"},
			{Label: map[string]string{"fr": "Bureau de l’instructeur", "en": "Agent’s desk"}, URL: "/procedures"},
		}
	}
	s := &site{server: server, page: &own, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /{$}", s.landing)
	s.mux.HandleFunc("GET /commencer/{path}", s.fill)
	s.mux.HandleFunc("POST /commencer/{path}", s.file)
	s.mux.HandleFunc("GET /dossiers", s.mine)
	s.mux.HandleFunc("POST /dossiers", s.choose)
	s.mux.HandleFunc("GET /dossiers/{number}", s.show)
	s.mux.HandleFunc("POST /dossiers/{number}", s.act)
	s.mux.HandleFunc("GET /dossiers/{number}/modifier", s.change)
	s.mux.HandleFunc("POST /dossiers/{number}/modifier", s.edit)
	s.mux.HandleFunc("GET /procedures", s.desks)
	s.mux.HandleFunc("GET /procedures/{demarche}", s.desk)
	s.mux.HandleFunc("GET /procedures/{demarche}/dossiers/{number}", s.examine)
	s.mux.HandleFunc("POST /procedures/{demarche}/dossiers/{number}", s.decide)
	s.mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s.missing(w, r)
	})
	guarded := page.Guard(s.mux)
	root := http.NewServeMux()
	root.Handle("/api/", server)
	root.Handle("/fichiers/", server)
	root.Handle("/", guarded)
	return root
}

// common is what each page's data begins with.
type common struct{ r *http.Request }

// Say is the text in the reader's language.
func (c common) Say(fr, en string) string { return page.Say(c.r, fr, en) }

// StateName is a state in words, Event a step of a dossier's history.
func (c common) StateName(s demarches.State) string { return c.Say(stateNames[s][0], stateNames[s][1]) }

func (c common) Event(event string) string {
	names, known := eventNames[event]
	if !known {
		return event
	}
	return c.Say(names[0], names[1])
}

// Badge is the class of a state's badge.
func (common) Badge(s demarches.State) string {
	switch s {
	case demarches.EnInstruction:
		return "warn"
	case demarches.Accepte:
		return "good"
	case demarches.Refuse:
		return "bad"
	case demarches.SansSuite:
		return "plain"
	default:
		return ""
	}
}

// Time is a time in Paris.
func (c common) Time(t time.Time) string {
	return t.In(paris).Format(c.Say("02/01/2006 à 15:04", "2 Jan 2006, 15:04"))
}

// Reason is why a correction is asked for.
func (c common) Reason(reason string) string {
	names, known := reasonNames[reason]
	if !known {
		return reason
	}
	return c.Say(names[0], names[1])
}

var paris = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return zone
}()

var states = []demarches.State{
	demarches.EnConstruction, demarches.EnInstruction, demarches.Accepte, demarches.Refuse, demarches.SansSuite,
}

var stateNames = map[demarches.State][2]string{
	demarches.EnConstruction: {"en construction", "filed, can be edited"},
	demarches.EnInstruction:  {"en instruction", "being examined"},
	demarches.Accepte:        {"accepté", "accepted"},
	demarches.Refuse:         {"refusé", "refused"},
	demarches.SansSuite:      {"classé sans suite", "closed without follow-up"},
}

var eventNames = map[string][2]string{
	"depose":                   {"Déposé", "Filed"},
	"depose_correction_usager": {"Corrigé par l’usager", "Corrected by the applicant"},
	"passe_en_instruction":     {"Passé en instruction", "Passed to instruction"},
	"repasse_en_construction":  {"Repassé en construction", "Given back to the applicant"},
	"repasse_en_instruction":   {"Repassé en instruction", "Back to instruction"},
	"accepte":                  {"Accepté", "Accepted"},
	"refuse":                   {"Refusé", "Refused"},
	"classe_sans_suite":        {"Classé sans suite", "Closed without follow-up"},
}

var reasonNames = map[string][2]string{
	"incorrect":  {"incorrect", "incorrect"},
	"incomplete": {"incomplet", "incomplete"},
	"outdated":   {"périmé", "out of date"},
}

func (s *site) render(w http.ResponseWriter, r *http.Request, status int, title, name string, data any) {
	s.page.Render(w, r, status, title, page.Body(templates, name, data))
}

func (s *site) missing(w http.ResponseWriter, r *http.Request) {
	s.page.Fail(w, r, http.StatusNotFound, page.Say(r,
		"Cette page n’existe pas, ou n’existe plus.", "There is no such page, or no longer."))
}

func (s *site) landing(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, page.Say(r, "Accueil", "Home"), "landing", struct {
		common
		Forms []demarches.Form
	}{common{r}, s.server.Forms()})
}

// dossier finds the dossier that the address names; it has answered if there is none.
func (s *site) dossier(w http.ResponseWriter, r *http.Request) (demarches.DossierView, bool) {
	number, err := strconv.Atoi(r.PathValue("number"))
	d, known := s.server.Dossier(number)
	demarche := r.PathValue("demarche")
	switch {
	case err != nil || !known || demarche != "" && demarche != strconv.Itoa(d.Demarche):
		s.missing(w, r)
	case d.Presence == demarches.Purged:
		s.page.Fail(w, r, http.StatusGone, page.Say(r,
			"Ce dossier a été supprimé définitivement.", "This file has been deleted for good."))
	default:
		return d, true
	}
	return demarches.DossierView{}, false
}

func (s *site) form(number int) demarches.Form {
	for _, f := range s.server.Forms() {
		if f.Number == number {
			return f
		}
	}
	return demarches.Form{}
}

// parse reads a form that was sent, and answers if it cannot.
func (s *site) parse(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseMultipartForm(maxBody)
	if errors.Is(err, http.ErrNotMultipart) {
		err = r.ParseForm()
	}
	if err == nil {
		return true
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		s.page.Fail(w, r, http.StatusRequestEntityTooLarge, page.Say(r,
			"Les fichiers joints dépassent de loin 20 Mo, la taille permise pour l’ensemble. Revenez en arrière, joignez-en de plus petits et recommencez.",
			"The files are far larger than 20 MB, which is allowed for all of them together. Go back, attach smaller ones and try again."))
		return false
	}
	s.page.Fail(w, r, http.StatusBadRequest, page.Say(r,
		"Le formulaire envoyé est illisible. Revenez en arrière et recommencez.",
		"The form that was sent cannot be read. Go back and try again."))
	return false
}

// refusal is what to tell of an act that failed, with the status to tell it by.
func refusal(r *http.Request, err error) (status int, message string) {
	if no := (*demarches.RefusedError)(nil); errors.As(err, &no) {
		return http.StatusConflict, refusedBecause(r, no.Message)
	}
	if invalid := (*demarches.InvalidAnswersError)(nil); errors.As(err, &invalid) {
		return http.StatusUnprocessableEntity, invalid.Error()
	}
	if errors.Is(err, demarches.ErrNotFound) {
		return http.StatusConflict, page.Say(r,
			"Ce dossier est supprimé : restaurez-le d’abord.", "This file is deleted: restore it first.")
	}
	return http.StatusInternalServerError, err.Error()
}

// pageAsked is the page of a list that the address asks for.
func pageAsked(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || n < 1 || n > 1<<30 {
		return 1
	}
	return n
}

func lastPage(total int) int { return max(1, (total+perPage-1)/perPage) }

// clean is typed text without what no database keeps.
func clean(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	return strings.ReplaceAll(text, "\r\n", "\n")
}
