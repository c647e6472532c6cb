package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// With these flags, TestNewcomer takes pictures of what it sees: see make screenshots.
var (
	screenshots = flag.String("screenshots", "", "a folder for a picture of each page")
	pictures    = flag.String("pictures", "", "a folder for the README's pictures")
)

// inReadme are the pictures that stand in the README.
var inReadme = map[string]bool{"issue": true, "trouble": true, "ledger": true}

// browser is a newcomer's.
type browser struct {
	*testing.T

	ctx context.Context
}

func openBrowser(ctx context.Context, t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is installed: apt-get install chromium")
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		flags = append(flags, chromedp.NoSandbox)
	}
	ctx, quit := chromedp.NewExecAllocator(ctx, flags...)
	t.Cleanup(quit)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &browser{T: t, ctx: ctx}
	// The first call starts the browser, which ends with the call's context.
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1100, 780)))
	return b
}

func (b *browser) do(what string, action chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, action); err != nil {
		b.fail(what, err)
	}
}

// fail tells what the page shows.
func (b *browser) fail(what string, err error) {
	b.Helper()
	ctx := context.WithoutCancel(b.ctx)
	at, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	require.NoError(b, err, "%s, at %s:\n%s", what, at, text)
}

// run runs a script that returns true.
func (b *browser) run(what, script string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err != nil {
		b.fail(what, err)
	}
}

// open opens an address, click follows a link or presses a button, which leads to
// another page that has the text.
func (b *browser) open(url, text string) {
	b.Helper()
	b.do("open "+url, chromedp.Navigate(url))
	b.see(text)
}

func (b *browser) click(selector, text string) {
	b.Helper()
	b.press(selector)
	b.see(text)
}

// press leads to another page, which see waits for.
func (b *browser) press(selector string) {
	b.Helper()
	b.run("mark", "window.left = true")
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// see waits until the page, or the part of it, says so.
func (b *browser) see(text string, selector ...string) {
	b.Helper()
	part := "main"
	if len(selector) > 0 {
		part = selector[0]
	}
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	condition := fmt.Sprintf("!window.left && document.readyState === 'complete' && !!document.querySelector(%[1]q)?.innerText.includes(%[2]q)", part, text)
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(0)))
		if err == nil {
			return
		}
		if ctx.Err() != nil { // else another page came
			b.fail(fmt.Sprintf("see %q in %s", text, part), err)
		}
	}
}

// fill fills fields in, by id.
func (b *browser) fill(values map[string]string) {
	b.Helper()
	for id, value := range values {
		b.do("fill "+id, chromedp.SetValue(chromedp.CSS("#"+id), value))
	}
}

func (b *browser) picture(name string) {
	b.Helper()
	for _, dir := range []string{*screenshots, *pictures} {
		if dir == "" || dir == *pictures && !inReadme[name] {
			continue
		}
		take := chromedp.CaptureScreenshot()
		if dir == *screenshots && dir != *pictures {
			take = chromedp.FullScreenshot(100)
		}
		png, err := chromedp.Run(b.ctx, take)
		if err != nil {
			b.fail("picture "+name, err)
		}
		require.NoError(b, os.MkdirAll(dir, 0o750))
		require.NoError(b, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
	}
}

// TestNewcomer does what somebody does who meets the demo for the first time.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	b := openBrowser(ctx, t)

	ready, ended := make(chan *scene, 1), make(chan ran, 1)
	running, interrupt := context.WithCancel(ctx)
	go func() {
		ended <- runDemoIn(running, demo{settled: func(s *scene) { ready <- s }}, nil)
	}()
	var s *scene
	select {
	case s = <-ready:
	case r := <-ended:
		require.Fail(t, "the demo ended", r.stderr)
	}
	n := newcomer{b, s}
	n.lookAround()
	number := n.file()
	n.decide(number)
	n.followUp(number)
	n.orderInGitLab()
	n.breakAndMend()
	n.readLedger(number)

	d, err := s.deliver(ctx)
	require.NoError(t, err)
	require.True(t, d.Right(), "%+v", d)
	interrupt()
	r := <-ended
	require.Equal(t, 0, r.code, r.stderr)
	require.NotContains(t, r.stderr, "demo:")
	for _, word := range []string{"First form", "Console access", "Decide", "GitLab", "Trouble", "Ledger"} {
		require.Contains(t, r.stdout, word)
	}
}

type newcomer struct {
	*browser

	s *scene
}

func (n newcomer) lookAround() {
	n.open(n.s.control.URL, "Passerelle à l’œuvre")
	n.see("Tout est juste", "#verdict")
	n.picture("home")
	n.click("a.lang", "Passerelle at work")
	n.see("Everything is right", "#verdict")
	n.click("a.lang", "Passerelle à l’œuvre")
}

// file fills the form in, at first not well enough.
func (n newcomer) file() (number int) {
	n.open(n.s.DSURL+"/", "Déposer une demande")
	n.picture("ds-home")
	n.click(`a[href="/commencer/cloud-pi-native"]`, "Déposer le dossier")
	n.picture("ds-form")
	n.click("form[enctype] button:not([name])", "Déposer le dossier")
	n.see("", ".problem")
	n.picture("ds-form-problems")
	n.fill(map[string]string{
		"email": "maya.roy@newcomer.example", "prenom": "Maya", "nom": "Roy", "champ_101": "Atelier du numérique",
		"champ_103": "Carnet de bord", "champ_104": "Un carnet partagé.", "champ_105": demarches.RequestNewProject,
		"champ_106": demarches.InfrastructureCloudPi, "champ_108": "lou.roy@newcomer.example",
	})
	n.run("choose a role", `{const s = document.getElementById("champ_107"); s.value = [...s.options].find(o => o.value && o.value !== "__autre__").value; true}`)
	n.run("say yes", `document.querySelectorAll("input[type=radio][value=true], #champ_131").forEach(i => i.click()); true`)
	n.click("form[enctype] button:not([name])", "Carnet de bord")
	dossiers := n.s.DS.Dossiers()
	number = dossiers[len(dossiers)-1].Number
	require.NoError(n, n.s.DS.WaitFor(n.ctx, func(v demarches.View) bool {
		for _, message := range v.Messages(number) {
			if message.From == stage.Agent {
				return true
			}
		}
		return false
	}))
	n.open(fmt.Sprintf("%s/dossiers/%d", n.s.DSURL, number), "bien reçu")
	n.picture("ds-dossier")
	return number
}

// decide accepts the dossier at the agent's desk; the strip tells what comes of it.
func (n newcomer) decide(number int) {
	n.open(fmt.Sprintf("%s/procedures/%d", n.s.DSURL, stage.Form), fmt.Sprint(number))
	n.picture("ds-desk")
	n.open(fmt.Sprintf("%s/procedures/%d/dossiers/%d", n.s.DSURL, stage.Form, number), "Carnet de bord")
	n.click(`button[value="instruire"]`, "Accepter")
	n.picture("ds-desk-dossier")
	n.act("accepter")
	n.see(fmt.Sprint(number), "#strip")
	n.see("message au demandeur : accepté", "#strip")
}

func (n newcomer) act(act string) {
	n.Helper()
	n.press(fmt.Sprintf("button[value=%s]", act))
}

// followUp looks at what came into being, ticks a box and comments.
func (n newcomer) followUp(number int) {
	j := n.s.critic.judge(number)
	require.Len(n, j.projects, 1)
	require.Len(n, j.issues, 1)
	n.open(n.s.GitLabURL+"/explore/groups", stage.RootGroup)
	n.picture("gitlab-groups")
	n.open(n.s.GitLabURL+"/"+j.projects[0].FullPath, "Dockerfile")
	n.picture("gitlab-project")
	n.click(`a[href$="/-/blob/main/README.md"]`, "Carnet de bord")
	n.picture("gitlab-file")
	n.open(fmt.Sprintf("%s/%s/-/issues", n.s.GitLabURL, stage.TrackingProject), "Carnet de bord")
	n.picture("gitlab-issues")
	n.open(fmt.Sprintf("%s/%s/-/issues/%d", n.s.GitLabURL, stage.TrackingProject, j.issues[0].IID), "Carnet de bord")
	n.click("button.box", "Carnet de bord")
	require.NoError(n, n.s.GitLab.WaitFor(n.ctx, func(v gitlab.View) bool {
		issue, _ := v.Issue(stage.TrackingProject, j.issues[0].IID)
		return strings.Contains(issue.Description, "[x]")
	}))
	n.fill(map[string]string{"comment": "Entretien prévu **jeudi**."})
	n.click("#comment-form button:not([name])", "Entretien prévu jeudi")
	n.run("to the top", "window.scrollTo(0, 0); true")
	n.picture("issue")
}

// orderInGitLab decides by a comment, first as somebody who may not.
func (n newcomer) orderInGitLab() {
	const number = firstNumber + 7 // filed, not looked at yet
	j := n.s.critic.judge(number)
	require.Len(n, j.issues, 1)
	iid := j.issues[0].IID
	page := fmt.Sprintf("%s/%s/-/issues/%d", n.s.GitLabURL, stage.TrackingProject, iid)
	answered := func(part string) {
		n.Helper()
		require.NoError(n, n.s.GitLab.WaitFor(n.ctx, func(v gitlab.View) bool {
			return slices.ContainsFunc(v.Notes(stage.TrackingProject, iid), func(note gitlab.Note) bool {
				return note.Author == stage.User && strings.Contains(note.Body, part)
			})
		}))
		n.open(page, part)
	}
	n.open(page, "Observatoire des données")
	n.actAs(stage.Reporter)
	n.fill(map[string]string{"comment": "/passerelle go"})
	n.click("#comment-form button:not([name])", "/passerelle go")
	answered("sans effet. Seuls les membres du projet de suivi")
	n.actAs(stage.ServiceAgent)
	n.fill(map[string]string{"comment": "Tout est en ordre.\n\n/passerelle go"})
	n.click("#comment-form button:not([name])", "Tout est en ordre.")
	answered("c’est noté, go à l’étape 2")
	n.picture("issue-answers")
	require.NoError(n, n.s.DS.WaitFor(n.ctx, func(v demarches.View) bool {
		dossier, _ := v.Dossier(number)
		link, _ := dossier.Annotations[demarches.AnnotationProjectURL].(string)
		return dossier.State == demarches.Accepte && strings.Contains(link, "bac-a-sable")
	}))
	n.open(n.s.deskURL(number), "accepté")
	n.see("bac-a-sable", `[aria-labelledby="annotations"]`)
	n.picture("ds-desk-accepted")
}

// actAs chooses who acts in GitLab.
func (n newcomer) actAs(user string) {
	n.Helper()
	n.do("choose "+user, chromedp.SetValue(chromedp.CSS("select[name=user]"), user))
	n.click(`form[action="/-/acting"] button`, user)
}

// breakAndMend refuses a dossier while GitLab is down: once it is mended, all is done.
func (n newcomer) breakAndMend() {
	const number = firstNumber + 4 // under instruction
	n.open(n.s.control.URL+"/trouble", "Rien : tout répond")
	n.click(`#break-gitlab button[value="refuse"]`, "en panne")
	n.open(fmt.Sprintf("%s/procedures/%d/dossiers/%d", n.s.DSURL, stage.Form, number), "Refuser")
	n.fill(map[string]string{"motivation": "Le projet est abandonné."})
	n.act("refuser")
	require.NoError(n, n.s.GitLab.Faults().WaitFired(n.ctx, fault.Status, 2))
	n.open(n.s.control.URL+"/trouble", "update_tracking_issue")
	n.see("En cours", "#verdict")
	n.see("503", "#waiting")
	n.run("to the verdict", "document.querySelector('main').style.paddingBottom = '50vh'; document.getElementById('right').scrollIntoView(); true")
	n.picture("trouble")
	n.click("#mend-all", "terminé")
	n.see("Tout est juste", "#verdict")
	n.picture("trouble-mended")
	j := n.s.critic.judge(number)
	require.Empty(n, j.Wrong)
	require.Equal(n, "closed", j.issues[0].State)
}

func (n newcomer) readLedger(number int) {
	n.open(n.s.control.URL+"/ledger", "accepté")
	n.picture("ledger-list")
	n.click(fmt.Sprintf(`main td:first-child a[href="/ledger/%d"]`, number), "Registre intact")
	n.see("projet "+stage.RootGroup, "main")
	n.picture("ledger")
	n.open(n.s.control.URL+"/ledger/999999", "Le registre ne contient rien")
	n.open(n.s.control.URL+"/nowhere", "Page introuvable")
}
