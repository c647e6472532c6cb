package pages_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// listen has GitLab send the tracking project's webhooks.
func (b *testBundle) listen(t *testing.T) chan string {
	t.Helper()
	heard := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			Kind       string `json:"object_kind"`
			User       struct{ Username string }
			Attributes struct{ Action string } `json:"object_attributes"`
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err == nil {
			heard <- event.Kind + " " + event.Attributes.Action + " by " + event.User.Username
		}
	}))
	t.Cleanup(hook.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.web.URL+"/api/v4/projects/programme%2Fsuivi/hooks",
		strings.NewReader("issues_events=true&note_events=true&url="+hook.URL))
	require.NoError(t, err)
	r.Header.Set("PRIVATE-TOKEN", "glpat-hub")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, 201, b.do(t, r).status)
	return heard
}

var boxButton = regexp.MustCompile(`<button class="box" form="boxes" name="box" id="box-\d+" role="checkbox" aria-checked="(true|false)" aria-label="([^"]*)" value="([^"]*)">`)

// boxes are the values of the buttons on a page, by what they are about.
func boxes(body string) map[string]string {
	found := map[string]string{}
	for _, match := range boxButton.FindAllStringSubmatch(body, -1) {
		found[html.UnescapeString(match[2])] = html.UnescapeString(match[3])
	}
	return found
}

func TestActs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	heard := b.listen(t)

	found := boxes(b.read(t, b.issuePath("")))
	require.Len(t, found, 3)
	a := b.post(t, b.issuePath("/box"), "box", found["Lire la documentation"])
	require.Equal(t, 200, a.status)
	require.Equal(t, b.issuePath(""), a.url)
	require.Contains(t, b.current(t).Description, "- [x] Lire la documentation")
	require.Equal(t, "issue update by agent", <-heard)
	require.Contains(t, a.body, "a mis à jour la tâche <strong>Lire la documentation</strong> : faite")
	a = b.post(t, b.issuePath("/box"), "box", boxes(a.body)["Signer la charte"])
	require.Contains(t, b.current(t).Description, "- [ ] Signer la charte")
	require.Equal(t, "issue update by agent", <-heard)
	a = b.post(t, b.issuePath("/box"), "box", boxes(a.body)["dont l’annexe"])
	require.Equal(t, 200, a.status)
	require.Contains(t, b.current(t).Description, "  - [x] dont l’annexe")
	require.Equal(t, "issue update by agent", <-heard)

	a = b.post(t, b.issuePath("/add_label"), "label", "étape::3")
	require.Contains(t, a.body, "a ajouté")
	b.post(t, b.issuePath("/remove_label"), "label", "étape::2")
	require.Equal(t, []string{"à traiter", "étape::3"}, b.current(t).Labels)
	require.Equal(t, "issue update by agent", <-heard)
	require.Equal(t, "issue update by agent", <-heard)

	a = b.post(t, b.issuePath("/comment"), "comment", "Bonjour *vous*,\r\nà bientôt.\r\n/label ~\"étape::2\"")
	require.Contains(t, a.body, "Commentaire publié.")
	require.Contains(t, a.body, "Bonjour <em>vous</em>")
	require.Contains(t, b.current(t).Labels, "étape::2")
	require.Equal(t, "note create by agent", <-heard)
	require.Equal(t, "issue update by agent", <-heard)
	require.NotContains(t, b.read(t, b.issuePath("")), "Commentaire publié.", "told once")
	a = b.post(t, b.issuePath("/comment"), "comment", "/close")
	require.Contains(t, a.body, "Commandes exécutées.")
	require.Equal(t, "closed", b.current(t).State)
	require.Equal(t, "issue close by agent", <-heard)
	b.post(t, b.issuePath("/reopen"))
	require.Equal(t, "opened", b.current(t).State)
	require.Equal(t, "issue reopen by agent", <-heard)
	a = b.post(t, b.issuePath("/comment"), "comment", "Fini.", "then", "close")
	require.Contains(t, a.body, "a fermé le ticket")
	require.Equal(t, "closed", b.current(t).State)
	a = b.post(t, b.issuePath("/comment"), "comment", " ", "then", "reopen")
	require.Contains(t, a.body, "Ticket rouvert.")

	a = b.post(t, "/"+tracking+"/-/issues", "title", "Autre", "description", "- [ ] un\r\n- [ ] deux")
	require.Equal(t, "/"+tracking+"/-/issues/2", a.url)
	require.Len(t, boxes(a.body), 2)
	require.Equal(t, "- [ ] un\n- [ ] deux", b.server.Issues(tracking)[1].Description)
	require.NoError(t, b.server.WaitDelivered(t.Context()))
	require.Contains(t, b.read(t, "/"+tracking+"/-/hooks"), "Note Hook")
}

var editMark = regexp.MustCompile(`name="mark" value="([^"]*)"`)

func TestEdit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := b.read(t, b.issuePath(""))
	mark := editMark.FindStringSubmatch(body)[1]
	a := b.post(t, b.issuePath("/edit"), "mark", mark, "title", "Neuf", "description", "Voilà.")
	require.Equal(t, 200, a.status)
	require.Equal(t, "Voilà.", b.current(t).Description)
	require.Equal(t, "Neuf", b.current(t).Title)

	a = b.post(t, b.issuePath("/edit"), "mark", mark, "title", "Neuf", "description", "Autre <chose>.")
	require.Equal(t, http.StatusConflict, a.status, "somebody else has edited it")
	require.Contains(t, a.body, "Autre &lt;chose&gt;.", "nothing typed is lost")
	require.Equal(t, "Voilà.", b.current(t).Description)

	found := boxes(body)
	a = b.post(t, b.issuePath("/box"), "box", found["Signer la charte"])
	require.Equal(t, http.StatusConflict, a.status, "the box is no longer there")
	require.Equal(t, "Voilà.", b.current(t).Description)
}

func TestWhoActs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.post(t, "/-/acting", "user", "stranger", "back", b.issuePath(""))
	require.Equal(t, b.issuePath(""), a.url)
	require.Contains(t, a.body, "<option selected>stranger")
	a = b.post(t, b.issuePath("/comment"), "comment", "Laissez-moi <entrer>")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Contains(t, a.body, "@stranger n’a pas accès")
	require.Contains(t, a.body, "Laissez-moi &lt;entrer&gt;</textarea>", "nothing typed is lost")
	require.NoError(t, b.server.AddProjectMember(tracking, "stranger", gitlab.Guest))
	require.Equal(t, 200, b.post(t, b.issuePath("/comment"), "comment", "Merci").status)
	a = b.post(t, b.issuePath("/add_label"), "label", "étape::5")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.body, "@stranger n’a pas le droit")

	require.Equal(t, http.StatusUnprocessableEntity, b.post(t, "/-/acting", "user", "personne").status)
	for _, back := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""} {
		require.Equal(t, "/explore/groups", b.post(t, "/-/acting", "user", "agent", "back", back).url, back)
	}
	require.NoError(t, b.server.ArchiveProject(tracking, "", true))
	a = b.post(t, b.issuePath("/comment"), "comment", "Encore")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.body, "Ce projet est archivé")
	require.NotContains(t, a.body, "<textarea")
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, fields := range map[string][]string{
		"/box":       {"box", "nonsense"},
		"/add_label": {"label", "a, b"},
		"/comment":   {"comment", " \n "},
	} {
		status := b.post(t, b.issuePath(path), fields...).status
		require.GreaterOrEqual(t, status, 400, path)
		require.Less(t, status, 500, path)
	}
	a := b.post(t, "/"+tracking+"/-/issues", "title", " ", "description", "texte")
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	require.Contains(t, a.body, "Écrivez un titre.")
	require.Contains(t, a.body, "texte</textarea>")
	requireAtField(t, a.body, "title", "Écrivez un titre.")
	a = b.post(t, "/"+tracking+"/-/issues", "title", strings.Repeat("x", 300), "description", "\r\ntexte")
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	requireAtField(t, a.body, "title", "255 caractères")
	require.Contains(t, a.body, strings.Repeat("x", 300)+`"`)
	require.Contains(t, a.body, ">\n\ntexte</textarea>", "a browser drops the first line break")
	a = b.post(t, "/"+tracking+"/-/issues", "title", "x", "description", strings.Repeat("x", 1<<20+1))
	requireAtField(t, a.body, "description", "1048576 caractères")
	require.Equal(t, http.StatusMethodNotAllowed, b.get(t, b.issuePath("/close")).status, "a link changes nothing")
	require.Equal(t, http.StatusNotFound, b.post(t, b.issuePath("/nonsense")).status)
	require.Equal(t, http.StatusNotFound, b.post(t, "/"+tracking+"/-/issues/99/close").status)

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.web.URL+b.issuePath("/close"), nil)
	require.NoError(t, err)
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, b.do(t, r).status)
	require.Equal(t, "opened", b.current(t).State)
}

// requireAtField finds a problem at a field, which points to it, and nowhere else.
func requireAtField(t *testing.T, body, field, problem string) {
	t.Helper()
	require.Regexp(t, `<p class="problem" id="`+field+`-problem">[^<]*`+regexp.QuoteMeta(problem), body)
	require.Regexp(t, `<(?:input|textarea) [^>]*id="`+field+`"[^>]* aria-invalid="true" aria-describedby="(?:[a-z-]+ )?`+field+`-problem" autofocus>`, body)
	require.Equal(t, 1, strings.Count(body, `class="problem"`))
	require.Equal(t, 1, strings.Count(body, "autofocus"))
	require.NotContains(t, body, "notice error")
}

func TestProblemsAtFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mark := editMark.FindStringSubmatch(b.read(t, b.issuePath("")))[1]
	for _, refused := range []struct {
		act            string
		form           []string
		field, problem string
		kept           string
	}{
		{"/comment", []string{"comment", " \r\n "}, "comment", "Écrivez un commentaire.", ">\n \n </textarea>"},
		{"/add_label", []string{"label", " "}, "new-label", "Écrivez le nom", `value=" "`},
		{"/add_label", []string{"label", "a, b"}, "new-label", "virgule", `value="a, b"`},
		{"/add_label", []string{"label", strings.Repeat("é", 256)}, "new-label", "255 caractères", `value="éé`},
		{"/edit", []string{"mark", mark, "title", " ", "description", "Voilà."}, "edit-title", "Écrivez un titre.", ">\nVoilà.</textarea>"},
		{"/edit", []string{"mark", "autre", "title", "Neuf", "description", "Voilà."}, "edit-description", "a changé entre-temps", `value="Neuf"`},
	} {
		a := b.post(t, b.issuePath(refused.act), refused.form...)
		require.GreaterOrEqual(t, a.status, 400, refused.act)
		requireAtField(t, a.body, refused.field, refused.problem)
		require.Contains(t, a.body, refused.kept)
		if refused.field != "comment" {
			require.Contains(t, a.body, "<details open>", "the field is to be seen")
		}
	}
	require.Equal(t, b.issue.Title, b.current(t).Title)
	require.Len(t, b.current(t).Labels, 2)
	require.Equal(t, 200, b.post(t, b.issuePath("/add_label"), "label", strings.Repeat("é", 255)).status)

	b.post(t, "/-/acting", "user", "stranger", "back", "/")
	require.NoError(t, b.server.AddProjectMember(tracking, "stranger", gitlab.Guest))
	a := b.post(t, b.issuePath("/add_label"), "label", "neuve")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.body, "notice error")
	require.NotContains(t, a.body, `class="problem"`, "no field is to blame")
	require.Contains(t, a.body, `value="neuve"`)
	require.NoError(t, b.server.ArchiveProject(tracking, "", true))
	require.Contains(t, b.post(t, b.issuePath("/comment"), "comment", "").body, "notice error", "there is no field")
}

func TestReplies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	iid := b.current(t).IID
	require.NoError(t, b.server.Comment("programme/suivi", iid, "", "Premier commentaire"))
	require.NoError(t, b.server.Comment("programme/suivi", iid, "", "Second commentaire"))
	first := 0
	for _, n := range b.server.Notes("programme/suivi", iid) {
		if n.Body == "Premier commentaire" {
			first = n.ID
		}
	}
	a := b.post(t, b.issuePath("/reply"), "note", strconv.Itoa(first), "reply", "Une réponse\r\n/label ~inconnu")
	require.Equal(t, 200, a.status)
	body := b.read(t, b.issuePath(""))
	require.Regexp(t, `(?s)Premier commentaire.*<ul class="replies">.*Une réponse.*</ul>.*Second commentaire`, body, "under what it answers")
	require.Equal(t, 1, strings.Count(body, `class="replies"`))

	a = b.post(t, b.issuePath("/reply"), "note", strconv.Itoa(first), "reply", "  ")
	require.Equal(t, 422, a.status)
	require.Contains(t, a.body, "reply-"+strconv.Itoa(first)+"-problem")
	require.Equal(t, 404, b.post(t, b.issuePath("/reply"), "note", "77", "reply", "x").status)
}
