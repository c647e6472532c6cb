package main

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"text/tabwriter"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	dspages "github.com/cloud-pi-native/passerelle/internal/simulator/demarches/pages"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	gitlabpages "github.com/cloud-pi-native/passerelle/internal/simulator/gitlab/pages"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

//go:embed pages
var pageFiles embed.FS

var pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.gohtml"))

// control is the demo's own pages: where things are, what the ledger holds, trouble
// on demand. It also puts the simulators' pages up, with what Passerelle does above
// each of them.
type control struct {
	scene *scene
	site  *page.Site
	feed  *feed
	// URL is where it is served.
	URL string
}

// openControl serves all pages.
func openControl(ctx context.Context, s *scene, host string) (*control, error) {
	c := &control{scene: s, feed: newFeed(s.pool)}
	mux := http.NewServeMux()
	var err error
	if s.keys.Port != 0 {
		c.URL, err = s.ServeAt(ctx, s.keys.Port, mux)
	} else {
		c.URL, err = s.Serve(ctx, controlPort, mux)
	}
	if err != nil {
		return nil, s.explainPort(err, host)
	}
	if err := s.remember(c.URL); err != nil {
		return nil, err
	}
	if err := hire(s.GitLab); err != nil {
		return nil, err
	}
	c.site = &page.Site{
		Name: "Passerelle", Home: "/", Strip: c.strip,
		Menu: []page.Link{
			{Label: map[string]string{page.French: "Registre", page.English: "Ledger"}, URL: "/ledger"},
			{Label: map[string]string{page.French: "Pannes", page.English: "Trouble"}, URL: "/trouble"},
		},
		Links: c.links(""),
	}
	mux.HandleFunc("GET /{$}", c.home)
	mux.HandleFunc("GET /ledger", c.ledgerPage)
	mux.HandleFunc("GET /ledger/{number}", c.storyPage)
	mux.HandleFunc("GET /trouble", c.troublePage)
	mux.HandleFunc("GET /trouble/now", c.troubleNow)
	mux.Handle("POST /trouble", page.Guard(http.HandlerFunc(c.cause)))
	mux.Handle("POST /trouble/mend", page.Guard(http.HandlerFunc(c.mend)))
	mux.Handle("POST /trouble/replay", page.Guard(http.HandlerFunc(c.replay)))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		c.site.Fail(w, r, http.StatusNotFound, page.Say(r, "Rien ne se trouve à cette adresse.", "Nothing is at this address."))
	})
	c.live(mux)

	shared := func() *page.Site { return &page.Site{Strip: c.strip, Links: c.links(c.URL)} }
	s.Mount(c.origin(s.DS, dspages.New(s.DS, shared())), c.origin(s.GitLab, gitlabpages.New(s.GitLab, shared())))
	return c, nil
}

// origin serves an API, its pages, and what the strip on them needs.
func (c *control) origin(api, pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	c.live(mux)
	return front(mux, api, pages)
}

// hire gives the visitor an account in GitLab, as a member of the programme's team.
func hire(server *gitlab.Server) error {
	known := false
	server.Read(func(v gitlab.View) { _, known = v.User(gitlabpages.Visitor) })
	if known {
		return nil
	}
	server.AddUser(gitlabpages.Visitor, false)
	if err := server.AddGroupMember(stage.RootGroup, gitlabpages.Visitor, gitlab.Maintainer); err != nil {
		return fmt.Errorf("make the visitor's account: %w", err)
	}
	if err := server.AddProjectMember(stage.TrackingProject, gitlabpages.Visitor, gitlab.Maintainer); err != nil {
		return fmt.Errorf("make the visitor's account: %w", err)
	}
	return nil
}

// place is one of the addresses of the demo.
type place struct {
	URL      string
	Name     map[string]string
	Sentence map[string]string
}

func inBoth(fr, en string) map[string]string {
	return map[string]string{page.French: fr, page.English: en}
}

// places lists the addresses; own is put before those of the control's own pages.
func (c *control) places(own string) []place {
	s := c.scene
	return []place{
		{s.formURL(stage.Prequalification), inBoth("Diagnostic flash", "First form"), inBoth(
			"Étape 1 : dites ce que votre équipe cherche, pour savoir si l’offre convient",
			"step 1: tell what your team is after, to learn whether the offer fits")},
		{s.formURL(stage.Form), inBoth("Accès à la console", "Console access"), inBoth(
			"Étape 2 : demandez l’accès comme une équipe, puis suivez votre dossier",
			"step 2: file the request for access as a team does, then follow your dossier")},
		{s.DSURL + "/procedures", inBoth("Décider", "Decide"), inBoth(
			"Instruisez les dossiers comme un agent : accepter, refuser, revenir en arrière",
			"deal with dossiers as an agent does: accept, refuse, go back")},
		{s.GitLabURL + "/" + stage.TrackingProject + "/-/issues", inBoth("GitLab", "GitLab"), inBoth(
			"Les tickets de suivi : commentez « /passerelle aide », posez l’étiquette « go », et voyez la réponse",
			"the tracking issues: comment “/passerelle aide”, put the label “go” on, and see the answer")},
		{own + "/trouble", inBoth("Pannes", "Trouble"), inBoth(
			"Mettez DS ou GitLab en panne, réparez, et voyez que tout finit juste",
			"break DS or GitLab, mend it, and see that everything ends right")},
		{own + "/ledger", inBoth("Registre", "Ledger"), inBoth(
			"L’histoire de chaque dossier : quoi, quand, par qui",
			"the story of each dossier: what, when, through whom")},
	}
}

// formURL is where a form is filled in.
func (s *scene) formURL(number int) string {
	for _, form := range s.DS.Forms() {
		if form.Number == number {
			return s.DSURL + "/commencer/" + form.Path
		}
	}
	return s.DSURL + "/"
}

// deskURL is a dossier as its agents see it, empty for one that DS does not know.
func (s *scene) deskURL(number int) string {
	dossier, known := s.DS.Dossier(number)
	if !known {
		return ""
	}
	return fmt.Sprintf("%s/procedures/%d/dossiers/%d", s.DSURL, dossier.Demarche, number)
}

// printPlaces prints where to go, with a sentence on each.
func (c *control) printPlaces(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nopen\t%s/\tin a browser, or one of these\n", c.URL)
	for _, p := range c.places(c.URL) {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", p.Name[page.English], p.URL, p.Sentence[page.English])
	}
	return table.Flush()
}

func (c *control) links(own string) []page.Link {
	links := []page.Link{{Label: inBoth("Accueil", "Home"), URL: own + "/"}}
	for _, p := range c.places(own) {
		links = append(links, page.Link{Label: p.Name, URL: p.URL})
	}
	return links
}

// view is what every page's template has.
type view struct {
	r    *http.Request
	Lang string
}

func newView(r *http.Request) view { return view{r, page.Lang(r)} }

// T is the text in the reader's language.
func (v view) T(fr, en string) string { return page.Say(v.r, fr, en) }

// In picks the reader's language.
func (v view) In(both map[string]string) string { return both[v.Lang] }

func (c *control) home(w http.ResponseWriter, r *http.Request) {
	v := newView(r)
	delivered, err := c.scene.deliver(r.Context())
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.site.Render(w, r, http.StatusOK, v.T("Passerelle à l’œuvre", "Passerelle at work"), page.Body(pageTemplates, "home", struct {
		view

		Places  []place
		Verdict template.HTML
	}{v, c.places(""), c.verdictOf(v, delivered)}))
}

func (c *control) fail(w http.ResponseWriter, r *http.Request, err error) {
	c.site.Fail(w, r, http.StatusInternalServerError, err.Error())
}

// ledgerRow is a dossier as its facts have it.
type ledgerRow struct {
	Number      int64
	State, Step string
	Facts       int64
	Last        told
}

// rowsShown bounds the list of the ledger.
const rowsShown = 200

func (c *control) ledgerPage(w http.ResponseWriter, r *http.Request) {
	v := newView(r)
	chains, err := c.feed.chains(r.Context())
	more := len(chains) > rowsShown
	if more {
		chains = chains[len(chains)-rowsShown:]
	}
	var entries []ledger.LedgerEntry
	if err == nil {
		entries, err = c.feed.q.EntriesOf(r.Context(), chains)
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.site.Render(w, r, http.StatusOK, v.T("Registre", "Ledger"), page.Body(pageTemplates, "ledger", struct {
		view

		Rows []ledgerRow
		More bool
	}{v, c.rows(v.Lang, entries), more}))
}

// rows sums up entries, which come by dossier, the latest dossier first.
func (c *control) rows(lang string, entries []ledger.LedgerEntry) []ledgerRow {
	var rows []ledgerRow
	for i := range entries {
		e := &entries[i]
		if n := len(rows); n == 0 || rows[n-1].Number != e.Chain {
			rows = append(rows, ledgerRow{Number: e.Chain})
		}
		row := &rows[len(rows)-1]
		row.Facts, row.Last = e.Seq, c.tell(lang, e)
		switch ledger.EntryKind(e.Kind) {
		case ledger.DossierSeen, ledger.DossierRestored:
			row.State = field(e, "state")
			if step := field(e, "step"); step != "" {
				row.Step = step
			}
		case ledger.StateChanged:
			row.State = field(e, "to")
		case ledger.StepChanged:
			row.Step = field(e, "to")
		case ledger.DossierDeleted:
			row.State = "supprime"
		default:
		}
	}
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
	return rows
}

func (c *control) storyPage(w http.ResponseWriter, r *http.Request) {
	v := newView(r)
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || number < 0 {
		c.site.Fail(w, r, http.StatusNotFound, v.T("Ce n’est pas un numéro de dossier.", "This is no dossier's number."))
		return
	}
	entries, err := c.feed.q.Entries(r.Context(), number)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	if len(entries) == 0 {
		c.site.Fail(w, r, http.StatusNotFound, v.T("Le registre ne contient rien sur ce dossier.", "The ledger holds nothing about this dossier."))
		return
	}
	heads, err := c.feed.q.HeadsOf(r.Context(), []int64{number})
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var head *ledger.LedgerHead
	if len(heads) > 0 {
		head = &heads[0]
	}
	broken := ""
	// A fact that came between the two reads is no break: then the head is ahead.
	if err := ledger.CheckChain(number, entries, head); err != nil && (head == nil || head.Seq == entries[len(entries)-1].Seq) {
		broken = err.Error()
	}
	story := make([]storyLine, 0, len(entries))
	for i := range entries {
		story = append(story, storyLine{Told: c.tell(v.Lang, &entries[i]), Seq: entries[i].Seq, Actor: entries[i].Actor, Hash: fmt.Sprintf("%.6x", entries[i].Hash)})
	}
	title := fmt.Sprintf(v.T("Dossier n° %d", "Dossier %d"), number)
	if number == ledger.HubChain {
		title = v.T("Passerelle elle-même", "Passerelle itself")
	}
	c.site.Render(w, r, http.StatusOK, title, page.Body(pageTemplates, "story", struct {
		view

		Title, Broken string
		Story         []storyLine
		Desk          string
	}{v, title, broken, story, c.scene.deskURL(int(number))}))
}

type storyLine struct {
	Told  told
	Seq   int64
	Actor string
	Hash  string
}
