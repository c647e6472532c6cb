package pages

import (
	"cmp"
	"errors"
	"html/template"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// exampleNames are what the example's project is called, one after another.
var exampleNames = []string{
	"Guichet des usagers", "Registre des interventions", "Carte des accueils", "Portail des agents", "Suivi des habilitations",
}

// formPage is a form to fill in, or to change.
type formPage struct {
	common
	Form   demarches.Form
	Inputs []input
	Number int // of the dossier that is changed; 0 for a new one

	Email, FirstName, LastName                      string
	EmailProblem, FirstNameProblem, LastNameProblem string
	Example                                         string // the address that fills the form in with an example
	Problems                                        int
	Wrong                                           []anchor
	Attached                                        bool // files came with what is wrong
}

// own is a field about who files, which no form has.
type own struct{ Name, Type, Label, Value, Problem, Complete string }

// Own makes one for the template.
func (formPage) Own(name, kind, label, value, problem, complete string) own {
	return own{name, kind, label, value, problem, complete}
}

// anchor leads to a field that is wrong.
type anchor struct{ Name, Text string }

func (s *site) formAt(w http.ResponseWriter, r *http.Request) (demarches.Form, bool) {
	for _, f := range s.server.Forms() {
		if f.Path != "" && f.Path == r.PathValue("path") {
			return f, true
		}
	}
	s.missing(w, r)
	return demarches.Form{}, false
}

// example is what makes example answers to a form, if there is such a thing.
func example(f demarches.Form) func(projectName string) demarches.Answers {
	switch {
	case reflect.DeepEqual(f, demarches.ConsoleAccessForm(f.Number)):
		return demarches.ConsoleAccessAnswers
	case reflect.DeepEqual(f, demarches.PrequalificationForm(f.Number)):
		return demarches.PrequalificationAnswers
	}
	return nil
}

// exampleURL leads to the form filled in with an example, but for what a link filled in
// already; empty if there is no example.
func exampleURL(r *http.Request, f demarches.Form) string {
	if example(f) == nil {
		return ""
	}
	query := r.URL.Query()
	query.Set("exemple", "1")
	if address := "?" + query.Encode(); len("https://")+len(r.Host)+len(r.URL.Path)+len(address) <= maxPrefill {
		return address
	}
	return "?exemple=1"
}

func (s *site) fill(w http.ResponseWriter, r *http.Request) {
	f, ok := s.formAt(w, r)
	if !ok {
		return
	}
	if len("https://")+len(r.Host)+len(r.URL.RequestURI()) > maxPrefill {
		s.page.Fail(w, r, http.StatusRequestURITooLong, page.Say(r,
			"Le lien qui remplit ce formulaire dépasse 2 000 caractères : raccourcissez-le.",
			"The link that fills this form in is longer than 2,000 characters: shorten it."))
		return
	}
	answers := example(f)
	p := formPage{common: common{r}, Form: f, Email: account(r), Example: exampleURL(r, f)}
	typed := offered(f.Fields, prefilled(r.URL.Query()))
	if answers != nil && r.URL.Query().Has("exemple") {
		total := s.server.List(demarches.Filter{Everything: true}, 0, 0).Total
		name := exampleNames[total%len(exampleNames)]
		if total >= len(exampleNames) {
			name += " " + strconv.Itoa(total/len(exampleNames)+1)
		}
		filled := typedAs(prefix, f.Fields, answers(name))
		maps.Copy(filled, typed)
		typed = filled
		p.Email = cmp.Or(p.Email, "camille.martin@interieur.example")
		p.FirstName, p.LastName = "Camille", "Martin"
	}
	p.Inputs = inputs(r, prefix, f.Fields, typed, nil, nil)
	s.render(w, r, http.StatusOK, f.Title, "form", p)
}

// file takes a form that was filled in.
func (s *site) file(w http.ResponseWriter, r *http.Request) {
	f, ok := s.formAt(w, r)
	if !ok || !s.parse(w, r) {
		return
	}
	typed := cleaned(r.PostForm)
	read := &reader{r: r, typed: typed, problems: map[int]string{}}
	answers := read.answers(prefix, f.Fields)
	p := formPage{
		common: common{r}, Form: f, Example: exampleURL(r, f),
		Email:     strings.TrimSpace(typed.Get("email")),
		FirstName: strings.TrimSpace(typed.Get("prenom")), LastName: strings.TrimSpace(typed.Get("nom")),
	}
	if !isEmail(p.Email) {
		p.EmailProblem = p.Say("Indiquez une adresse électronique valide, par exemple prenom.nom@ministere.example",
			"Give a valid e-mail address, such as first.last@ministry.example")
	}
	if p.FirstName == "" {
		p.FirstNameProblem = p.Say("Le champ « Prénom » doit être rempli", "“First name” must be filled in")
	}
	if p.LastName == "" {
		p.LastNameProblem = p.Say("Le champ « Nom » doit être rempli", "“Last name” must be filled in")
	}

	// One round for everything: what cannot be read is not also missing.
	problems := s.server.Problems(f.Number, answers)
	if problems == nil {
		problems = map[int]string{}
	}
	maps.Copy(problems, read.problems)
	if p.add(typed, problems, nil); p.Problems > 0 {
		s.showWrong(w, r, p)
		return
	}
	number, err := s.server.File(f.Number, demarches.Application{
		Email:     p.Email,
		Applicant: demarches.Applicant{FirstName: p.FirstName, LastName: p.LastName},
		Answers:   answers,
	})
	if err != nil {
		status, message := refusal(r, err)
		s.page.Fail(w, r, status, message)
		return
	}
	setAccount(w, p.Email)
	page.Redirect(w, r, "/dossiers/"+strconv.Itoa(number), p.Say(
		"Votre dossier n° "+strconv.Itoa(number)+" a bien été déposé.", "Your file no. "+strconv.Itoa(number)+" has been filed."))
}

// showWrong shows a form again, with what is wrong.
func (s *site) showWrong(w http.ResponseWriter, r *http.Request, p formPage) {
	count, size := uploaded(r)
	p.Attached = count > 0
	status := http.StatusUnprocessableEntity
	if size > maxFiles {
		status = http.StatusRequestEntityTooLarge
	}
	s.render(w, r, status, p.Say("À corriger : ", "To mend: ")+p.Form.Title, "form", p)
}

// add puts what was typed and what is wrong onto the page.
func (p *formPage) add(typed url.Values, problems map[int]string, files map[int][]demarches.FileLink) {
	p.Inputs = inputs(p.r, prefix, p.Form.Fields, typed, problems, files)
	for _, own := range []anchor{{"email", p.EmailProblem}, {"prenom", p.FirstNameProblem}, {"nom", p.LastNameProblem}} {
		if own.Text != "" {
			p.Wrong = append(p.Wrong, own)
		}
	}
	for _, i := range p.Inputs {
		if i.Problem != "" {
			p.Wrong = append(p.Wrong, anchor{i.Name, i.Problem})
		}
	}
	p.Problems = len(p.Wrong)
}

func isEmail(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text
}

func account(r *http.Request) string {
	c, err := r.Cookie(accountCookie)
	if err != nil {
		return ""
	}
	email, err := url.QueryUnescape(c.Value)
	if err != nil || !isEmail(email) {
		return ""
	}
	return email
}

func setAccount(w http.ResponseWriter, email string) {
	c := &http.Cookie{
		Name: accountCookie, Value: url.QueryEscape(email), Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if email == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

type minePage struct {
	common
	Email, Problem string
	Accounts       []string
	Titles         map[int]string
	demarches.Listing
	Pages template.HTML
}

func (s *site) mine(w http.ResponseWriter, r *http.Request) {
	s.showMine(w, r, http.StatusOK, account(r), "")
}

func (s *site) showMine(w http.ResponseWriter, r *http.Request, status int, email, problem string) {
	p := minePage{common: common{r}, Email: email, Problem: problem, Accounts: s.server.Accounts(10), Titles: map[int]string{}}
	if email != "" && problem == "" {
		at := pageAsked(r)
		p.Listing = s.server.List(demarches.Filter{Email: email, Everything: true}, (at-1)*perPage, perPage)
		p.Pages = page.Pages(r, at, lastPage(p.Total))
	}
	for _, f := range s.server.Forms() {
		p.Titles[f.Number] = f.Title
	}
	s.render(w, r, status, p.Say("Mes dossiers", "My files"), "mine", p)
}

// choose says whose dossiers to show.
func (s *site) choose(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	email := strings.TrimSpace(clean(r.PostForm.Get("email")))
	if email != "" && !isEmail(email) {
		s.showMine(w, r, http.StatusUnprocessableEntity, email, page.Say(r,
			"Indiquez une adresse électronique valide", "Give a valid e-mail address"))
		return
	}
	setAccount(w, email)
	page.Redirect(w, r, "/dossiers", "")
}

// dossierPage is a dossier as its applicant or an agent sees it.
type dossierPage struct {
	common
	demarches.DossierView

	Form        demarches.Form
	Agent       bool
	Answers     []answered
	Annotations []answered
	Messages    []shownMessage
	History     []demarches.Treatment
	Refused     string
	RefusedAt   string // the field that is wrong, if it is one
	Typed       url.Values
}

// Ended says whether a decision stands, Binned whether it can be restored.
func (p dossierPage) Ended() bool {
	return p.State != demarches.EnConstruction && p.State != demarches.EnInstruction
}

func (p dossierPage) Binned() bool { return p.Presence != demarches.Present }

// Is says whether the dossier is in that state.
func (p dossierPage) Is(state string) bool { return string(p.State) == state }

// Silent says whether no message can be written.
func (p dossierPage) Silent() bool {
	return p.Binned() || p.Archived || p.HiddenByApplicant || p.AccountDeleted
}

// Reasons are those for which a correction can be asked for.
func (dossierPage) Reasons() []string { return []string{"incomplete", "incorrect", "outdated"} }

// Problem is what is wrong with a field.
func (p dossierPage) Problem(name string) string {
	if p.RefusedAt != name {
		return ""
	}
	return p.Refused
}

// Keep is what had been typed before an act was refused.
func (p dossierPage) Keep(name string) string { return p.Typed.Get(name) }

type answered struct {
	common
	demarches.Field

	Text  string
	Files []demarches.FileLink
	Rows  [][]answered
}

func (a answered) Kind() string { return string(a.Type) }

// Shown is the answer with its addresses as links.
func (a answered) Shown() template.HTML { return linked(a.Text) }

type shownMessage struct {
	demarches.Message

	Mine bool
	HTML template.HTML
}

func (s *site) dossierPage(r *http.Request, d demarches.DossierView, agent bool) dossierPage {
	p := dossierPage{
		common: common{r}, DossierView: d, Form: s.form(d.Demarche), Agent: agent,
		History: s.server.History(d.Number), Typed: url.Values{},
	}
	files := s.server.FileLinks(d.Number)
	p.Answers = readAnswers(p.common, p.Form.Fields, d.Answers, files)
	p.Annotations = readAnswers(p.common, p.Form.Annotations, d.Annotations, files)
	for _, m := range s.server.Messages(d.Number) {
		fromApplicant := m.From == d.Email
		p.Messages = append(p.Messages, shownMessage{m, !m.Automatic && fromApplicant != agent, readable(m)})
	}
	slices.Reverse(p.Messages)
	return p
}

func readAnswers(c common, fields []demarches.Field, answers demarches.Answers, files map[int][]demarches.FileLink) []answered {
	list := make([]answered, 0, len(fields))
	for _, f := range fields {
		a := answered{common: c, Field: f, Files: files[f.StableID]}
		switch v := answers[f.StableID].(type) {
		case string:
			a.Text = v
		case bool:
			a.Text = c.Say("Non", "No")
			if v {
				a.Text = c.Say("Oui", "Yes")
			}
		case int:
			a.Text = strconv.Itoa(v)
		case float64:
			a.Text = strconv.FormatFloat(v, 'f', -1, 64)
		case []string:
			a.Text = strings.Join(v, "\n")
		case demarches.Answers:
		case []demarches.Answers:
			for _, row := range v {
				a.Rows = append(a.Rows, readAnswers(c, f.Fields, row, nil))
			}
		default:
			a.Text = strings.Join(typedAs("", []demarches.Field{f}, answers)[strconv.Itoa(f.StableID)], "")
		}
		list = append(list, a)
	}
	return list
}

func (s *site) show(w http.ResponseWriter, r *http.Request) {
	if d, ok := s.dossier(w, r); ok {
		s.showDossier(w, r, http.StatusOK, s.dossierPage(r, d, false))
	}
}

func (s *site) showDossier(w http.ResponseWriter, r *http.Request, status int, p dossierPage) {
	name := "dossier"
	if p.Agent {
		name = "examine"
	}
	s.render(w, r, status, p.Say("Dossier n° ", "File no. ")+strconv.Itoa(p.Number), name, p)
}

// act does what the applicant asks.
func (s *site) act(w http.ResponseWriter, r *http.Request) {
	d, ok := s.dossier(w, r)
	if !ok || !s.parse(w, r) {
		return
	}
	typed := cleaned(r.PostForm)
	var err error
	done, to := "", r.URL.Path
	switch typed.Get("acte") {
	case "message":
		err = s.server.WriteMessage(d.Number, strings.TrimSpace(typed.Get("message")))
		done = page.Say(r, "Votre message a été envoyé.", "Your message has been sent.")
	case "supprimer":
		if d.State != demarches.EnConstruction && d.State != demarches.EnInstruction {
			err = &demarches.RefusedError{Message: "Le dossier est traité : il ne peut qu’être retiré de votre liste"}
			break
		}
		err = s.server.Delete(d.Number)
		done = page.Say(r, "Le dossier est dans la corbeille.", "The file is in the bin.")
	case "restaurer":
		err = s.server.Restore(d.Number)
		done = page.Say(r, "Le dossier est restauré.", "The file is restored.")
	case "masquer":
		err = s.server.HideByApplicant(d.Number)
		done, to = page.Say(r, "Le dossier n’est plus dans votre liste.", "The file is no longer in your list."), "/dossiers"
	default:
		s.page.Fail(w, r, http.StatusBadRequest, page.Say(r, "Cet acte n’existe pas.", "There is no such act."))
		return
	}
	s.conclude(w, r, s.dossierPage(r, d, false), err, to, done)
}

// conclude answers an act: with the page to which it leads, or with the reason why
// it was refused and what had been typed.
func (s *site) conclude(w http.ResponseWriter, r *http.Request, p dossierPage, err error, to, done string) {
	if err == nil {
		page.Redirect(w, r, to, done)
		return
	}
	status, reason := refusal(r, err)
	p.Refused = reason
	p.Typed = cleaned(r.PostForm)
	if no := (*demarches.RefusedError)(nil); errors.As(err, &no) {
		switch {
		case no.Message == noMotivation && !p.Binned() && p.State == demarches.EnInstruction:
			p.RefusedAt = "motivation"
		case no.Message == noMessage && !p.Silent():
			p.RefusedAt = "message"
		}
	}
	s.showDossier(w, r, status, p)
}

// change shows the form of a dossier that is to be changed.
func (s *site) change(w http.ResponseWriter, r *http.Request) {
	d, ok := s.dossier(w, r)
	if !ok {
		return
	}
	if d.State != demarches.EnConstruction || d.Presence != demarches.Present {
		s.fixed(w, r, d)
		return
	}
	p := formPage{common: common{r}, Form: s.form(d.Demarche), Number: d.Number}
	p.Inputs = inputs(r, prefix, p.Form.Fields, typedAs(prefix, p.Form.Fields, d.Answers), nil, s.server.FileLinks(d.Number))
	s.render(w, r, http.StatusOK, p.Say("Modifier le dossier n° ", "Edit file no. ")+strconv.Itoa(d.Number), "form", p)
}

// fixed says that a dossier cannot be changed any more.
func (s *site) fixed(w http.ResponseWriter, r *http.Request, d demarches.DossierView) {
	p := s.dossierPage(r, d, false)
	p.Refused = p.Say("Ce dossier ne peut plus être modifié.", "This file can no longer be edited.")
	s.showDossier(w, r, http.StatusConflict, p)
}

// edit changes a dossier. Files stay unless others take their place, or they are
// taken away.
func (s *site) edit(w http.ResponseWriter, r *http.Request) {
	d, ok := s.dossier(w, r)
	if !ok || !s.parse(w, r) {
		return
	}
	form := s.form(d.Demarche)
	typed := cleaned(r.PostForm)
	read := &reader{r: r, typed: typed, problems: map[int]string{}}
	answers := read.answers(prefix, form.Fields)
	for _, f := range form.Fields {
		name := nameOf(prefix, f.StableID)
		kept := f.Type == demarches.PieceJustificative && answers[f.StableID] == nil && !typed.Has(name+"_retirer")
		if value, old := answers[f.StableID], d.Answers[f.StableID]; kept || value == nil && old == nil || reflect.DeepEqual(value, old) {
			delete(answers, f.StableID)
		} else if value == nil {
			answers[f.StableID] = nil // taken back
		}
	}
	problems := read.problems
	for id := range problems {
		delete(answers, id)
	}
	if len(problems) == 0 {
		err := s.server.Edit(d.Number, answers)
		invalid := (*demarches.InvalidAnswersError)(nil)
		switch {
		case err == nil:
			page.Redirect(w, r, "/dossiers/"+strconv.Itoa(d.Number), page.Say(r,
				"Vos modifications sont enregistrées.", "Your changes are saved."))
			return
		case !errors.As(err, &invalid):
			s.fixed(w, r, d)
			return
		}
		problems = invalid.Problems
	}
	p := formPage{common: common{r}, Form: form, Number: d.Number}
	p.add(typed, problems, s.server.FileLinks(d.Number))
	s.showWrong(w, r, p)
}
