package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// errTourInterrupted is Ctrl-C before the tour's end.
var errTourInterrupted = errors.New("interrupted before the tour’s end")

// tour plays one team's journey slowly, and tells what happens in each system. Each act
// waits for its effect in the simulated services.
type tour struct {
	*scene

	out     io.Writer
	lang    string
	pace    time.Duration // between two acts, for the reader
	timeout time.Duration // for each effect
	bell    bell
	facts   *progress
	title   string // of the act, in English
	acts    int

	// first and second are the team's dossiers, of the first form and of the second.
	first, second int
	link          string // to the second form
}

// playTour plays the tour to its end.
func (s *scene) playTour(ctx context.Context, o options, out io.Writer) error {
	t := &tour{scene: s, out: out, lang: o.lang, pace: o.pace, timeout: o.timeout, facts: newProgress(out, s.pool)}
	t.facts.line = t.factLine
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.bell.watch(ctx, s.Stage)
	var following sync.WaitGroup
	following.Go(func() { t.facts.follow(ctx) })
	defer following.Wait()
	defer cancel()

	for i, act := range []func(context.Context) error{
		t.diagnose, t.qualify, t.apply, t.intrude, t.stumble, t.sendBack, t.mend, t.accept, t.mistype, t.label, t.host, t.produce,
	} {
		if i > 0 {
			t.rest(ctx)
		}
		if err := act(ctx); err != nil {
			return err
		}
	}
	return t.sumUp(ctx)
}

// say is a text in the reader's language.
func (t *tour) say(fr, en string, about ...any) string {
	return fmt.Sprintf(choose(t.lang == page.English, en, fr), about...)
}

// begin opens an act.
func (t *tour) begin(fr, en string) {
	t.acts++
	t.title = en
	fmt.Fprintf(t.out, "\n%2d. %s\n", t.acts, t.say(fr, en))
}

// does tells what somebody does, and where it can be seen.
func (t *tour) does(where, fr, en string, about ...any) {
	fmt.Fprintf(t.out, "    %s\n    %s %s\n", t.say(fr, en, about...), t.say("à voir :", "see:"), where)
}

// ends tells what came of an act.
func (t *tour) ends(fr, en string, about ...any) {
	fmt.Fprintf(t.out, "    → %s\n", t.say(fr, en, about...))
}

// factLine is a line of the ledger, under the act that it follows from. What people wrote
// cannot steer the terminal.
func (t *tour) factLine(e *ledger.LedgerEntry) string {
	fact := tell(t.lang, e)
	return fmt.Sprintf("        %-10s  %d  %s", fact.Where, fact.Number, plain(fact.What))
}

func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// rest gives the reader time.
func (t *tour) rest(ctx context.Context) {
	pause := time.NewTimer(t.pace)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
}

// await waits until something has come, and until the hub has nothing left to do.
func (t *tour) await(ctx context.Context, what, where string, come func() bool) error {
	within, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	for {
		rung := t.bell.next()
		if come() {
			break
		}
		select {
		case <-rung:
		case <-within.Done():
			return t.stopped(ctx, what, where)
		}
	}
	if err := t.GitLab.WaitDelivered(within); err != nil {
		return t.stopped(ctx, what, where)
	}
	t.idle(within, t.first)
	t.facts.tell(within)
	return nil
}

// stopped says what did not come.
func (t *tour) stopped(ctx context.Context, what, where string) error {
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			return cause
		}
		return errTourInterrupted
	}
	return fmt.Errorf("the tour stopped at act %d (%s): after %s there is no sign of %s; look at %s", t.acts, t.title, t.timeout, what, where)
}

// issue is a dossier's tracking issue.
func (t *tour) issue(number int) gitlab.Issue {
	if held := t.critic.judge(number); len(held.issues) > 0 {
		return held.issues[0]
	}
	return gitlab.Issue{}
}

func (t *tour) issueURL(number int) string {
	return fmt.Sprintf("%s/%s/-/issues/%d", t.GitLabURL, stage.TrackingProject, t.issue(number).IID)
}

func (t *tour) dossierURL(number int) string { return fmt.Sprintf("%s/dossiers/%d", t.DSURL, number) }

// bears says whether a dossier's issue bears a label.
func (t *tour) bears(number int, label string) bool {
	return slices.Contains(t.issue(number).Labels, label)
}

// message is the message of that key that the applicant got, empty if none came.
func (t *tour) message(number int, key string) string {
	mark := t.critic.marks.Mark(int64(number), onboarding.ResourceKey{System: onboarding.InDemarches, Kind: onboarding.KindMessage, Key: key})
	for _, message := range t.DS.Messages(number) {
		if message.From == stage.Agent && strings.Contains(message.Body, mark) {
			return message.Body
		}
	}
	return ""
}

// state is a dossier's state in DS.
func (t *tour) state(number int) onboarding.State {
	dossier, _ := t.DS.Dossier(number)
	return onboarding.State(dossier.State)
}

// orders has somebody comment on the second dossier's issue, waits for the answer and for
// what it leads to, and shows the answer.
func (t *tour) orders(ctx context.Context, user, command string, come func(answer string) bool) error {
	return t.ordersOn(ctx, t.second, user, command, come)
}

func (t *tour) ordersOn(ctx context.Context, number int, user, command string, come func(answer string) bool) error {
	issue := t.issue(number)
	t.does(t.issueURL(number), "@%s commente le ticket dans GitLab : « %s »", "@%s comments on the issue in GitLab: “%s”", user, command)
	return t.answered(ctx, number, "the hub’s answer and what follows from it", come, func() error {
		return t.GitLab.Comment(stage.TrackingProject, issue.IID, user, command)
	})
}

// answered does something on an issue, waits for the hub's answer and for what it leads
// to, and shows the answer.
func (t *tour) answered(ctx context.Context, number int, what string, come func(answer string) bool, do func() error) error {
	iid, before := t.issue(number).IID, 0
	for _, note := range t.GitLab.Notes(stage.TrackingProject, iid) {
		before = max(before, note.ID)
	}
	if err := do(); err != nil {
		return err
	}
	answer := ""
	err := t.await(ctx, what, t.issueURL(number), func() bool {
		for _, note := range t.GitLab.Notes(stage.TrackingProject, iid) {
			if note.ID > before && !note.System && note.Author == stage.User && !t.critic.isNote(note, number) {
				answer = note.Body
			}
		}
		return answer != "" && come(answer)
	})
	if err == nil {
		t.quote(t.say("Passerelle répond dans le fil :", "Passerelle answers in the thread:"), answer)
	}
	return err
}

var hiddenComment = regexp.MustCompile(`(?s)<!--.*?-->`)

// quotedLines bounds what is shown of an answer.
const quotedLines = 14

// quote shows what the hub wrote.
func (t *tour) quote(who, text string) {
	fmt.Fprintf(t.out, "    %s\n", who)
	lines := strings.Split(strings.TrimSpace(hiddenComment.ReplaceAllString(text, "")), "\n")
	for _, line := range lines[:min(len(lines), quotedLines)] {
		fmt.Fprintln(t.out, strings.TrimRight("      │ "+plain(line), " "))
	}
	if len(lines) > quotedLines {
		fmt.Fprintln(t.out, "      │ …")
	}
}

// sumUp tells where everything is, once all is right.
func (t *tour) sumUp(ctx context.Context) error {
	all, err := t.settled(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\n%s\n", t.say("L’équipe est arrivée à l’étape 5. Tout est resté à sa place :", "The team has come to step 5. Everything is where it belongs:"))
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	row := func(fr, en, where string) { fmt.Fprintf(table, "  %s\t%s\n", t.say(fr, en), where) }
	row("diagnostic flash, vu par l’équipe", "first form, as the team sees it", t.dossierURL(t.first))
	row("accès à la console, vu par l’équipe", "console access, as the team sees it", t.dossierURL(t.second))
	row("accès à la console, vu par l’agent", "console access, as the agent sees it", t.deskURL(t.second))
	row("premier ticket, fermé", "first issue, closed", t.issueURL(t.first))
	row("second ticket, avec le fil", "second issue, with the thread", t.issueURL(t.second))
	row("bac à sable, en production", "sandbox, in production", t.GitLabURL+"/"+t.sandbox().FullPath)
	row("registre", "ledger", fmt.Sprintf("%s/ledger/%d", t.control.URL, t.second))
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the summary: %w", err)
	}
	sum := all.sums()
	_, err = fmt.Fprintf(t.out, "\n%s\n", t.say(
		"%d dossiers, %d groupe, %d projet, %d tickets, %d messages à l’équipe, chacun une seule fois ; le registre est intact.",
		"%d dossiers, %d group, %d project, %d issues, %d messages to the team, each just once; the ledger is intact.",
		len(all.Judgements), sum.Groups, sum.Projects, sum.Issues, sum.Messages))
	return err
}

// settled waits until all is right with both dossiers.
func (t *tour) settled(ctx context.Context) (verdict, error) {
	within, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	again := time.NewTicker(glance) // Postgres gives no signal when a job ends
	defer again.Stop()
	for {
		all, err := t.deliver(within)
		if err == nil && all.Right() {
			return all, nil
		}
		select {
		case <-again.C:
		case <-within.Done():
			if ctx.Err() != nil {
				return verdict{}, t.stopped(ctx, "", "")
			}
			return verdict{}, fmt.Errorf("not all is right at the tour’s end: %s", all.wrong(err))
		}
	}
}

// wrong says in a sentence what is not right.
func (v verdict) wrong(err error) string {
	var parts []string
	if err != nil {
		parts = append(parts, err.Error())
	}
	for i := range v.Wrong {
		parts = append(parts, fmt.Sprintf("dossier %d: %s", v.Wrong[i].Number, strings.Join(v.Wrong[i].Wrong.english(), ", ")))
	}
	if len(v.Waiting) > 0 {
		parts = append(parts, fmt.Sprintf("%d jobs are still to be done", len(v.Waiting)))
	}
	if v.Ledger != "intact" && v.Ledger != "" {
		parts = append(parts, "the ledger is broken: "+v.Ledger)
	}
	return strings.Join(parts, "; ")
}
