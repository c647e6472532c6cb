package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// StateBadge is a dossier's state in its colour.
func (v view) StateBadge(state string) template.HTML {
	colour := map[string]string{"accepte": "good", "refuse": "bad", "en_instruction": "warn"}[state]
	return template.HTML(fmt.Sprintf(`<span class="badge %s">%s</span>`, colour, template.HTMLEscapeString(stateName(v.Lang, state))))
}

// verdictOf says in a sentence or two whether everything is right.
func (c *control) verdictOf(v view, d verdict) template.HTML {
	sum := d.sums()
	kind, title := "ok", v.T("Tout est juste.", "Everything is right.")
	switch {
	case d.Ledger != "intact":
		kind, title = "error", v.T("Le registre est rompu : ", "The ledger is broken: ")+d.Ledger
	case !d.Right():
		kind, title = "info", fmt.Sprintf(v.T("En cours. Dossiers qui ne sont pas encore comme il faut : %d ; tâches à faire : %d.",
			"Under way. Dossiers that are not yet as they should be: %d; jobs still to be done: %d."), len(d.Wrong), len(d.Waiting))
	}
	sums := fmt.Sprintf(v.T("%d dossiers : %d groupes, %d projets, %d tickets de suivi, %d messages aux demandeurs%s. Registre : %s.",
		"%d dossiers: %d groups, %d projects, %d tracking issues, %d messages to applicants%s. Ledger: %s."),
		len(d.Judgements), sum.Groups, sum.Projects, sum.Issues, sum.Messages,
		choose(d.Right(), v.T(", chacun une seule fois", ", each just once"), ""), choose(d.Ledger == "intact", v.T("intact", "intact"), d.Ledger))
	return page.Body(pageTemplates, "verdict", struct {
		view

		Kind, Title, Sums string
		Wrong             []judgement
	}{v, kind, title, sums, d.Wrong[:min(len(d.Wrong), 20)]})
}

// choice is a button or an option of the trouble page.
type choice struct{ Value, Label string }

func harmName(v view, harm stage.Harm) string {
	switch harm {
	case stage.Slow:
		return v.T("Ralentir", "Slow down")
	case stage.Refuse:
		return v.T("Refuser (503)", "Refuse (503)")
	case stage.Lose:
		return v.T("Perdre les réponses", "Lose answers")
	case stage.Throttle:
		return v.T("Limiter (429)", "Throttle (429)")
	case stage.Webhooks:
		return v.T("Perdre les webhooks", "Lose webhooks")
	}
	return string(harm)
}

// meanings says what each trouble is.
func meanings(v view) []choice {
	var list []choice
	for _, harm := range stage.Harms() {
		list = append(list, choice{harmName(v, harm), map[stage.Harm]string{
			stage.Slow: v.T("chaque réponse arrive 1,5 s plus tard.", "each answer comes 1.5 s later."),
			stage.Refuse: v.T("le service répond qu’il est indisponible, et rien n’est fait.",
				"the service answers that it is unavailable, and nothing is done."),
			stage.Lose: v.T("l’appel a son effet, mais la réponse n’arrive jamais : Passerelle ne doit pas le faire deux fois.",
				"the call has its effect, but its answer never comes: Passerelle must not do it twice."),
			stage.Throttle: v.T("le service répond qu’il y a trop de requêtes, et dit jusqu’à quand attendre ; un 429 de DS vaut jusqu’à la minute suivante, même réparé.",
				"the service answers that there are too many requests, and until when to wait; a 429 of DS holds until the next minute, even once mended."),
			stage.Webhooks: v.T("DS ne prévient plus Passerelle, qui le découvre à sa ronde suivante.",
				"DS does not tell Passerelle any more, which finds out at its next round."),
		}[harm]})
	}
	return list
}

func serviceName(service stage.Service) string {
	if service == stage.DS {
		return "DS"
	}
	return "GitLab"
}

func extents(v view) []choice {
	return []choice{
		{"", v.T("jusqu’à réparation", "until mended")},
		{"1", v.T("pour 1 appel", "for 1 call")},
		{"3", v.T("pour 3 appels", "for 3 calls")},
		{"10", v.T("pour 10 appels", "for 10 calls")},
		{"30%", v.T("30 % des appels", "30% of the calls")},
		{"60%", v.T("60 % des appels", "60% of the calls")},
	}
}

func extentName(v view, t stage.Trouble) string {
	switch {
	case t.Chance > 0:
		return fmt.Sprintf(v.T("%.0f %% des appels", "%.0f%% of the calls"), 100*t.Chance)
	case t.Times > 0:
		return fmt.Sprintf(v.T("pour %d appels", "for %d calls"), t.Times)
	}
	return v.T("jusqu’à réparation", "until mended")
}

// breakable is a service with what can befall it.
type breakable struct {
	Service stage.Service
	Name    string
	Harms   []choice
}

func (c *control) troublePage(w http.ResponseWriter, r *http.Request) {
	v := newView(r)
	now, err := c.nowOf(r)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var services []breakable
	for _, service := range []stage.Service{stage.DS, stage.GitLab} {
		b := breakable{Service: service, Name: serviceName(service)}
		for _, harm := range stage.Harms() {
			if harm != stage.Webhooks || service == stage.DS {
				b.Harms = append(b.Harms, choice{string(harm), harmName(v, harm)})
			}
		}
		services = append(services, b)
	}
	c.site.Render(w, r, http.StatusOK, v.T("Pannes", "Trouble"), page.Body(pageTemplates, "trouble", struct {
		view

		Services []breakable
		Extents  []choice
		Meanings []choice
		Now      template.HTML
	}{v, services, extents(v), meanings(v), now}))
}

// troubleNow is the part of the page that changes.
func (c *control) troubleNow(w http.ResponseWriter, r *http.Request) {
	now, err := c.nowOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fragment(w, now)
}

func (c *control) cause(w http.ResponseWriter, r *http.Request) {
	word := strings.TrimSuffix(r.FormValue("service")+":"+r.FormValue("harm")+":"+r.FormValue("extent"), ":")
	troubles, err := stage.ParseTroubles(word)
	if err != nil {
		c.site.Fail(w, r, http.StatusUnprocessableEntity, page.Say(r, "Cette panne n’existe pas : choisissez-en une dans la liste.", "There is no such trouble: choose one of the list."))
		return
	}
	for _, trouble := range troubles {
		c.scene.Troubles.Cause(trouble)
	}
	http.Redirect(w, r, "/trouble", http.StatusSeeOther)
}

func (c *control) mend(w http.ResponseWriter, r *http.Request) {
	if id, err := strconv.Atoi(r.FormValue("id")); err == nil {
		c.scene.Troubles.Mend(id)
	} else {
		c.scene.Troubles.MendAll()
	}
	http.Redirect(w, r, "/trouble", http.StatusSeeOther)
}

// replay has a job that failed for good done once more, as an administrator does.
func (c *control) replay(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.FormValue("id"), 10, 64)
	if err != nil {
		id = 0
	}
	desk, err := newDesk(c.scene.pool)
	if err == nil {
		_, err = desk.Replay(r.Context(), id, "demo", "relancé depuis la page des pannes")
	}
	if conflict := (*jobs.Conflict)(nil); errors.Is(err, jobs.ErrNoJob) || errors.As(err, &conflict) {
		c.site.Fail(w, r, http.StatusConflict, err.Error())
		return
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/trouble", http.StatusSeeOther)
}

// caseRow is a trouble as the page shows it.
type caseRow struct {
	stage.Case

	What, Extent, Clock string
}

// jobRow is a job as the page shows it.
type jobRow struct {
	jobs.Job

	Error, Next string
}

// jobsShown bounds the lists of jobs.
const jobsShown = 12

func (c *control) nowOf(r *http.Request) (template.HTML, error) {
	v, ctx := newView(r), r.Context()
	delivered, err := c.scene.deliver(ctx)
	if err != nil {
		return "", err
	}
	var cases []caseRow
	active := 0
	for _, k := range c.scene.Troubles.Cases() {
		if !k.Over {
			active++
		}
		cases = append(cases, caseRow{k, serviceName(k.Service) + " : " + harmName(v, k.Harm), extentName(v, k.Trouble), clock(k.Since)})
	}
	holds, err := c.holds(ctx, v)
	if err != nil {
		return "", err
	}
	failed, err := c.failed(ctx)
	if err != nil {
		return "", err
	}
	var waiting []jobRow
	for _, job := range delivered.Waiting[:min(len(delivered.Waiting), jobsShown)] {
		waiting = append(waiting, newJobRow(job))
	}
	return page.Body(pageTemplates, "now", struct {
		view

		Active  int
		Cases   []caseRow
		Holds   []holdRow
		Waiting []jobRow
		More    int
		Failed  []jobRow
		Verdict template.HTML
	}{
		v, active, cases[:min(len(cases), 10)], holds, waiting, len(delivered.Waiting) - len(waiting),
		failed, c.verdictOf(v, delivered),
	}), nil
}

func newJobRow(job jobs.Job) jobRow {
	row := jobRow{Job: job, Next: clock(job.ScheduledAt)}
	if n := len(job.Errors); n > 0 {
		row.Error = job.Errors[n-1].Error
	}
	return row
}

// failed lists the jobs that failed for good.
func (c *control) failed(ctx context.Context) ([]jobRow, error) {
	desk, err := newDesk(c.scene.pool)
	if err != nil {
		return nil, err
	}
	page, _, err := desk.List(ctx, jobs.Filter{States: []string{"cancelled", "discarded"}, Limit: 100})
	if err != nil {
		return nil, err
	}
	page = slices.DeleteFunc(page, func(job jobs.Job) bool { return !job.Failed })
	var rows []jobRow
	for _, job := range page[:min(len(page), jobsShown)] {
		rows = append(rows, newJobRow(job))
	}
	return rows, nil
}

// holdRow says that a queue is held, and why.
type holdRow struct{ Said, Reason string }

func (c *control) holds(ctx context.Context, v view) ([]holdRow, error) {
	desk, err := newDesk(c.scene.pool)
	if err != nil {
		return nil, err
	}
	holds, err := desk.Holds(ctx)
	if err != nil {
		return nil, err
	}
	var rows []holdRow
	for i := range holds {
		hold := &holds[i]
		var said string
		switch {
		case hold.NextProbe != nil:
			said = fmt.Sprintf(v.T("les tâches de %s attendent que le service réponde de nouveau ; prochain essai à %s",
				"the jobs of %s wait until the service answers again; next try at %s"), hold.Queue, clock(*hold.NextProbe))
		case hold.Until != nil:
			said = fmt.Sprintf(v.T("les tâches de %s attendent jusqu’à %s, comme le service l’a demandé",
				"the jobs of %s wait until %s, as the service asked"), hold.Queue, clock(*hold.Until))
		default:
			said = fmt.Sprintf(v.T("les tâches de %s attendent qu’un administrateur les relance",
				"the jobs of %s wait for an administrator"), hold.Queue)
		}
		rows = append(rows, holdRow{said, hold.Reason})
	}
	return rows, nil
}
