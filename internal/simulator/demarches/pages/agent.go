package pages

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

type desksPage struct {
	common
	Desks []desk
}

type desk struct {
	demarches.Form
	demarches.Listing
}

// desks lists the démarches that the agent deals with.
func (s *site) desks(w http.ResponseWriter, r *http.Request) {
	p := desksPage{common: common{r}}
	for _, f := range s.server.Forms() {
		p.Desks = append(p.Desks, desk{f, s.server.List(demarches.Filter{Demarche: f.Number}, 0, 0)})
	}
	s.render(w, r, http.StatusOK, p.Say("Bureau de l’instructeur", "Agent’s desk"), "desks", p)
}

type deskPage struct {
	common
	demarches.Listing

	Form  demarches.Form
	Tabs  []tab
	Pages template.HTML
	Field int // whose answer names a dossier
}

type tab struct {
	Label, URL string
	Count      int
	Counted    bool
	Current    bool
}

// Name is what a dossier is called in the list.
func (p deskPage) Name(d demarches.DossierView) string {
	name, _ := d.Answers[p.Field].(string)
	return name
}

// desk lists a démarche's dossiers.
func (s *site) desk(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.PathValue("demarche"))
	form := s.form(number)
	if form.Number == 0 {
		s.missing(w, r)
		return
	}
	filter := demarches.Filter{Demarche: number}
	query := r.URL.Query()
	asked := query.Get("etat")
	switch asked {
	case "corbeille":
		filter.Binned = true
	case "archives":
		filter.Archived = true
	default:
		if slices.Contains(states, demarches.State(asked)) {
			filter.State = demarches.State(asked)
		} else {
			asked = ""
		}
	}
	at := pageAsked(r)
	p := deskPage{common: common{r}, Form: form, Listing: s.server.List(filter, (at-1)*perPage, perPage), Field: naming(form)}
	p.Pages = page.Pages(r, at, lastPage(p.Total))

	counts := p.States
	if filter.Binned || filter.Archived {
		counts = s.server.List(demarches.Filter{Demarche: number}, 0, 0).States
	}
	all := 0
	for _, n := range counts {
		all += n
	}
	add := func(value, label string, count int, counted bool) {
		link := r.URL.Path
		if value != "" {
			link += "?" + url.Values{"etat": {value}}.Encode()
		}
		p.Tabs = append(p.Tabs, tab{label, link, count, counted, value == asked})
	}
	add("", p.Say("tous", "all"), all, true)
	for _, state := range states {
		add(string(state), p.StateName(state), counts[state], true)
	}
	add("archives", p.Say("archivés", "archived"), 0, false)
	add("corbeille", p.Say("corbeille", "bin"), 0, false)
	s.render(w, r, http.StatusOK, form.Title, "desk", p)
}

// naming is the field whose answer names a dossier: the project's name, else the
// first text.
func naming(f demarches.Form) int {
	first := 0
	for _, field := range f.Fields {
		if (field.StableID == demarches.FieldProjectName || field.StableID == demarches.PrequalProjectName) && field.Type == demarches.Text {
			return field.StableID
		}
		if first == 0 && field.Type == demarches.Text {
			first = field.StableID
		}
	}
	return first
}

func (s *site) examine(w http.ResponseWriter, r *http.Request) {
	if d, ok := s.dossier(w, r); ok {
		s.showDossier(w, r, http.StatusOK, s.dossierPage(r, d, true))
	}
}

// decide does what the agent asks, whatever the state: the server refuses what
// cannot be.
func (s *site) decide(w http.ResponseWriter, r *http.Request) {
	d, ok := s.dossier(w, r)
	if !ok || !s.parse(w, r) {
		return
	}
	typed := cleaned(r.PostForm)
	motivation := strings.TrimSpace(typed.Get("motivation"))
	message := strings.TrimSpace(typed.Get("message"))
	agent := demarches.As(s.server.AgentOf(d.Number))
	n, to := d.Number, r.URL.Path
	var err error
	var fr, en string
	switch typed.Get("acte") {
	case "instruire":
		err, fr, en = s.server.StartInstruction(n, agent), "Le dossier est passé en instruction.", "The file is being examined."
	case "accepter":
		err, fr, en = s.server.Accept(n, motivation, agent), "Le dossier est accepté.", "The file is accepted."
	case "refuser":
		err, fr, en = s.server.Refuse(n, motivation, agent), "Le dossier est refusé.", "The file is refused."
	case "classer":
		err, fr, en = s.server.Class(n, motivation, agent), "Le dossier est classé sans suite.", "The file is closed without follow-up."
	case "repasser_en_instruction":
		err, fr, en = s.server.BackToInstruction(n, agent), "Le dossier est repassé en instruction.", "The file is being examined again."
	case "repasser_en_construction":
		err, fr, en = s.server.BackToConstruction(n, agent), "Le dossier est rendu à l’usager.", "The file is given back to the applicant."
	case "archiver":
		err, fr, en = s.server.Archive(n, agent), "Le dossier est archivé.", "The file is archived."
	case "desarchiver":
		err, fr, en = s.server.Unarchive(n, agent), "Le dossier n’est plus archivé.", "The file is no longer archived."
	case "supprimer":
		err, fr, en = s.delete(d, agent), "Le dossier est dans la corbeille.", "The file is in the bin."
	case "restaurer":
		err, fr, en = s.server.Restore(n, agent), "Le dossier est restauré.", "The file is restored."
	case "purger":
		err, fr, en = s.server.Purge(n, agent), "Le dossier est supprimé définitivement.", "The file is deleted for good."
		to = "/procedures/" + strconv.Itoa(d.Demarche)
	case "message":
		err, fr, en = s.server.WriteMessage(n, message, agent), "Le message est envoyé.", "The message is sent."
	case "correction":
		reason := typed.Get("raison")
		if _, known := reasonNames[reason]; !known {
			reason = "incorrect"
		}
		err, fr, en = s.server.AskCorrection(n, message, reason, agent), "La correction est demandée.", "The correction is asked for."
	default:
		s.page.Fail(w, r, http.StatusBadRequest, page.Say(r, "Cet acte n’existe pas.", "There is no such act."))
		return
	}
	s.conclude(w, r, s.dossierPage(r, d, true), err, to, page.Say(r, fr, en))
}

// delete is the agent's: only what is decided can go.
func (s *site) delete(d demarches.DossierView, options ...demarches.ActOption) error {
	if d.State == demarches.EnConstruction || d.State == demarches.EnInstruction {
		return &demarches.RefusedError{Message: "Le dossier n’est pas encore traité : il ne peut pas être supprimé"}
	}
	return s.server.Delete(d.Number, options...)
}
