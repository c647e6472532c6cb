// Package pages is the simulated GitLab as a person sees it in a browser: groups,
// projects, files, issues. Addresses are GitLab's own, so that what its API calls
// web_url opens. Whoever looks sees everything, as an administrator does; whoever
// acts is one of GitLab's users, chosen at the top, with that user's rights.
package pages

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Paris is known also on machines without zone files

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// Visitor is the user who acts until another one is chosen; "root" where there is
// none of that name.
const Visitor = "agent"

const (
	actingCookie = "gitlab_acting"
	perPage      = 20
	// maxChoices is how many users and labels are offered in a list.
	maxChoices = 100
	// maxForm bounds what a form may send.
	maxForm = 4 << 20
)

//go:embed templates
var files embed.FS

var (
	templates = template.Must(template.ParseFS(files, "templates/*.gohtml"))
	style     = must(files.ReadFile("templates/style.css"))
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

type pages struct {
	gitlab *gitlab.Server
	site   page.Site
}

// New serves the pages of a GitLab, which expect to be at the root of their address,
// beside /api/v4. Name, Home, Style and Menu of the site may be left out.
func New(server *gitlab.Server, site *page.Site) http.Handler {
	p := &pages{gitlab: server, site: *site}
	if p.site.Name == "" {
		p.site.Name = "GitLab (simulation)"
	}
	if p.site.Home == "" {
		p.site.Home = "/explore"
	}
	if p.site.Style == "" {
		p.site.Style = template.CSS(style)
	}
	if p.site.Menu == nil {
		p.site.Menu = []page.Link{
			{Label: map[string]string{page.French: "Groupes", page.English: "Groups"}, URL: "/explore/groups"},
			{Label: map[string]string{page.French: "Projets", page.English: "Projects"}, URL: "/explore/projects"},
		}
	}
	return page.Guard(http.HandlerFunc(p.serve))
}

// serve finds the page of an address. What stands between a group's or project's
// path and "/-/" is looked up, so no path can hide a page.
func (p *pages) serve(w http.ResponseWriter, r *http.Request) {
	v := &visit{pages: p, w: w, r: r, Lang: page.Lang(r), Me: p.acting(r)}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			v.fail(http.StatusBadRequest, v.T("Ce formulaire ne peut pas être lu, ou il est trop gros.", "This form cannot be read, or is too large."))
			return
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		v.fail(http.StatusMethodNotAllowed, v.T("Cette adresse se lit seulement.", "This address can only be read."))
		return
	}
	at := strings.Trim(r.URL.Path, "/")
	switch at {
	case "", "explore":
		http.Redirect(w, r, "/explore/groups", http.StatusFound)
		return
	case "explore/groups":
		v.exploreGroups()
		return
	case "explore/projects":
		v.exploreProjects()
		return
	case "-/acting":
		v.chooseUser()
		return
	}
	place, rest, _ := strings.Cut(at, "/-/")
	if group, ok := strings.CutPrefix(place, "groups/"); ok {
		place = group
	}
	v.place(strings.Trim(place, "/"), strings.TrimSuffix(rest, "/-"))
}

// acting is the user in whose name things are done.
func (p *pages) acting(r *http.Request) (name string) {
	name = "root"
	p.gitlab.Read(func(v gitlab.View) {
		if user, ok := v.User(Visitor); ok {
			name = user.Username
		}
		if c, err := r.Cookie(actingCookie); err == nil {
			if user, ok := v.User(c.Value); ok {
				name = user.Username
			}
		}
	})
	return name
}

// visit is one request.
type visit struct {
	*pages

	w    http.ResponseWriter
	r    *http.Request
	Lang string
	// Me is the user who acts.
	Me string
}

// T is a text in the reader's language.
func (v *visit) T(fr, en string) string {
	if v.Lang == page.English {
		return en
	}
	return fr
}

// N is a number with the word for it.
func (v *visit) N(n int, fr, frs, en, ens string) string {
	one, many := fr, frs
	few := n < 2
	if v.Lang == page.English {
		one, many = en, ens
		few = n == 1
	}
	if few {
		return strconv.Itoa(n) + "\u00a0" + one
	}
	return strconv.Itoa(n) + "\u00a0" + many
}

// paris is where the pages' readers are, wherever the server runs.
var paris = must(time.LoadLocation("Europe/Paris"))

// Time is a moment, for people.
func (v *visit) Time(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	layout := "02/01/2006 à 15:04"
	if v.Lang == page.English {
		layout = "2 Jan 2006, 15:04"
	}
	t = t.In(paris)
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format(layout) + "</time>")
}

// Visibility is a visibility's name.
func (v *visit) Visibility(visibility string) string {
	switch visibility {
	case gitlab.Public:
		return v.T("Public", "Public")
	case gitlab.Internal:
		return v.T("Interne", "Internal")
	}
	return v.T("Privé", "Private")
}

// Level is the name of an access level.
func (v *visit) Level(level int) string {
	switch level {
	case gitlab.Guest:
		return v.T("Invité", "Guest")
	case gitlab.Planner:
		return v.T("Planificateur", "Planner")
	case gitlab.Reporter:
		return v.T("Rapporteur", "Reporter")
	case gitlab.Developer:
		return v.T("Développeur", "Developer")
	case gitlab.Maintainer:
		return v.T("Mainteneur", "Maintainer")
	case gitlab.Owner:
		return v.T("Propriétaire", "Owner")
	}
	return v.T("Accès minimal", "Minimal access")
}

// Here is the address of this page.
func (v *visit) Here() string { return v.r.URL.RequestURI() }

// Query is what is searched for.
func (v *visit) Query() string { return v.r.URL.Query().Get("q") }

// Users are those who can be chosen to act.
func (v *visit) Users() (names []string) {
	v.gitlab.Read(func(view gitlab.View) {
		for _, user := range view.Users() {
			if len(names) < maxChoices || user.Username == v.Me {
				names = append(names, user.Username)
			}
		}
	})
	return names
}

// Pages leads to the other pages of a list with that many entries.
func (v *visit) Pages(total int) template.HTML {
	return page.Pages(v.r, v.number(), max((total+perPage-1)/perPage, 1))
}

func (v *visit) number() int {
	n, _ := strconv.Atoi(v.r.URL.Query().Get("page"))
	return min(max(n, 1), 1_000_000)
}

func (v *visit) part() gitlab.Part {
	return gitlab.Part{From: (v.number() - 1) * perPage, Limit: perPage}
}

// show writes a page. The template sees data and, as .V, the visit.
func (v *visit) show(status int, name, title string, data any) {
	body := page.Body(templates, name, pair{v, data})
	bar := page.Body(templates, "bar", v)
	v.site.Render(v.w, v.r, status, title, bar+body)
}

func (v *visit) fail(status int, message string) { v.site.Fail(v.w, v.r, status, message) }

func (v *visit) notFound() {
	v.fail(http.StatusNotFound, v.T("Il n’y a rien à cette adresse dans ce GitLab.", "There is nothing at this address in this GitLab."))
}

// posted says whether a form was sent, and refuses what is not one.
func (v *visit) posted() bool {
	if v.r.Method == http.MethodPost {
		return true
	}
	v.w.Header().Set("Allow", "POST")
	v.fail(http.StatusMethodNotAllowed, v.T("Cette adresse attend un formulaire.", "This address expects a form."))
	return false
}

// why says in a sentence why an act was refused.
func (v *visit) why(err error, archived bool) (status int, message string) {
	refusal := new(gitlab.Error)
	if !errors.As(err, &refusal) {
		return http.StatusInternalServerError, err.Error()
	}
	switch {
	case archived && refusal.Status == http.StatusForbidden:
		return refusal.Status, v.T("Ce projet est archivé : il se lit seulement.", "This project is archived: it can only be read.")
	case refusal.Status == http.StatusForbidden:
		return refusal.Status, fmt.Sprintf(v.T("@%s n’a pas le droit de faire cela ici. Choisissez un autre compte en haut de la page.",
			"@%s may not do this here. Choose another account at the top of the page."), v.Me)
	case refusal.Status == http.StatusNotFound:
		return refusal.Status, fmt.Sprintf(v.T("@%s n’a pas accès à ceci. Choisissez un autre compte en haut de la page.",
			"@%s has no access to this. Choose another account at the top of the page."), v.Me)
	case refusal.Status == http.StatusConflict:
		return refusal.Status, v.T("La description a changé entre-temps : relisez-la, puis recommencez.", "The description has changed meanwhile: read it again, then try again.")
	}
	return refusal.Status, v.T("GitLab refuse : ", "GitLab refuses: ") + refusal.Error()
}

// chooseUser keeps who acts from now on, and goes back to where that was chosen.
func (v *visit) chooseUser() {
	if !v.posted() {
		return
	}
	name := v.r.PostForm.Get("user")
	known := false
	v.gitlab.Read(func(view gitlab.View) { _, known = view.User(name) })
	if !known {
		v.fail(http.StatusUnprocessableEntity, v.T("Ce compte n’existe pas.", "There is no such account."))
		return
	}
	http.SetCookie(v.w, &http.Cookie{Name: actingCookie, Value: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 7 * 24 * 3600})
	page.Redirect(v.w, v.r, local(v.r.PostForm.Get("back")), "")
}

// local is an address of this site, whatever was asked for.
func local(address string) string {
	to, err := url.Parse(address)
	if err != nil || to.Host != "" || to.Scheme != "" || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\r\n\t") {
		return "/explore/groups"
	}
	return address
}

// link is the address of what is below a group's or project's path.
func link(parts ...string) string {
	return (&url.URL{Path: "/" + path.Join(parts...)}).String()
}
