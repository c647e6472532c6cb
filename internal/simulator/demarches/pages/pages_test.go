package pages_test

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches/pages"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

const form = 42

// browser is somebody in front of the simulated DS: cookies are kept, redirects
// followed, nothing is executed.
type browser struct {
	t        *testing.T
	ds       *demarches.Server
	url      string
	client   *http.Client
	webhooks chan url.Values
}

// screen is what the browser shows.
type screen struct {
	status int
	path   string
	header http.Header
	html   string
	text   string
}

func setup(t *testing.T, forms ...demarches.Form) *browser {
	t.Helper()
	b := &browser{t: t, webhooks: make(chan url.Values, 100)}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		b.webhooks <- r.PostForm
	}))
	options := demarches.Options{Token: "jeton", WebhookURL: receiver.URL, Demarches: []demarches.Demarche{{Form: demarches.ConsoleAccessForm(form)}}}
	for _, f := range forms {
		options.Demarches = append(options.Demarches, demarches.Demarche{Form: f})
	}
	b.ds = demarches.New(options)
	server := httptest.NewServer(pages.New(b.ds, &page.Site{}))
	b.url = server.URL
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b.client = &http.Client{Jar: jar, Transport: server.Client().Transport}
	t.Cleanup(func() {
		b.ds.Close()
		server.Close()
		receiver.Close()
	})
	return b
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

func (b *browser) do(r *http.Request) screen {
	b.t.Helper()
	res, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	text := html.UnescapeString(tags.ReplaceAllString(string(body), ""))
	require.NotContains(b.t, string(body), "ZgotmplZ")
	return screen{res.StatusCode, res.Request.URL.Path, res.Header, string(body), text}
}

func (b *browser) get(path string) screen {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	require.NoError(b.t, err)
	return b.do(r)
}

func (b *browser) post(path string, form url.Values) screen {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// upload posts a form with files, as browsers do.
func (b *browser) upload(path string, form url.Values, files map[string]string) screen {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range form {
		for _, v := range values {
			require.NoError(b.t, w.WriteField(name, v))
		}
	}
	for name, content := range files {
		part, err := w.CreateFormFile(name, "plan.txt")
		require.NoError(b.t, err)
		_, err = io.WriteString(part, content)
		require.NoError(b.t, err)
	}
	require.NoError(b.t, w.Close())
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, &body)
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(r)
}

func (b *browser) act(path, name string, more ...string) screen {
	b.t.Helper()
	form := url.Values{"acte": {name}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.post(path, form)
}

func (b *browser) state(number int) demarches.State {
	d, _ := b.ds.Dossier(number)
	return d.State
}

// webhook waits for the next one and returns its state.
func (b *browser) webhook() string {
	b.t.Helper()
	select {
	case w := <-b.webhooks:
		return w.Get("state")
	case <-b.t.Context().Done():
		return ""
	}
}

func (b *browser) file() int {
	b.t.Helper()
	number, err := b.ds.File(form, demarches.Application{Email: "camille@interieur.example", Answers: demarches.ConsoleAccessAnswers("Projet")})
	require.NoError(b.t, err)
	b.webhook()
	return number
}

func champ(id int) string { return fmt.Sprintf("champ_%d", id) }

// complete is a console-access form, filled in.
func complete() url.Values {
	v := url.Values{
		"email": {"camille@interieur.example"}, "prenom": {"Camille"}, "nom": {"Martin"},
		champ(demarches.FieldOrganisation): {"Direction du numérique"}, champ(demarches.FieldMinistry): {"true"},
		champ(demarches.FieldProjectName): {"Guichet"}, champ(demarches.FieldDescription): {"Un service\r\nen ligne"},
		champ(demarches.FieldRequestKind): {demarches.RequestNewProject}, champ(demarches.FieldInfrastructure): {demarches.InfrastructureCloudPi},
		champ(demarches.FieldApplicantRole): {"__autre__"}, champ(demarches.FieldApplicantRole) + "_autre": {"Ergonome"},
		champ(demarches.FieldPiloteMOE): {"pilote@interieur.example"}, champ(demarches.FieldServices): {"3"}, champ(demarches.FieldCPU): {"2,5"},
		champ(demarches.FieldExposure): {demarches.ExposureInternet, demarches.ExposureRIE}, champ(demarches.FieldNorms): {"true"},
	}
	for id := demarches.FieldContainerised; id <= demarches.FieldEncryptionStated; id++ {
		v.Set(champ(id), "true")
	}
	v.Set(champ(demarches.FieldReadOnly), "false")
	return v
}

func TestFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	home := b.get("/")
	require.Contains(t, home.html, `href="/commencer/cloud-pi-native"`)
	require.NotContains(t, home.html, "<script")
	require.Contains(t, home.header.Get("Content-Security-Policy"), "script-src 'self'")

	s := b.get("/commencer/cloud-pi-native")
	require.Equal(t, http.StatusOK, s.status)
	for _, f := range demarches.ConsoleAccessForm(form).Fields {
		require.Contains(t, s.text, f.Label)
		if f.Type != demarches.HeaderSection {
			require.Contains(t, s.html, fmt.Sprintf("name=%q", champ(f.StableID)))
		}
	}

	// Each problem stands at its field, and what was typed stays.
	wrong := complete()
	wrong.Set("email", "personne")
	wrong.Del("nom")
	wrong.Del(champ(demarches.FieldOrganisation))
	wrong.Del(champ(demarches.FieldNorms))
	wrong.Set(champ(demarches.FieldPiloteMOE), "pilote")
	wrong.Set(champ(demarches.FieldServices), "trois")
	wrong.Set(champ(demarches.FieldCPU), "NaN")
	wrong.Set(champ(demarches.FieldRequestKind), "Autre chose")
	s = b.upload("/commencer/cloud-pi-native", wrong, nil)
	require.Equal(t, http.StatusUnprocessableEntity, s.status)
	require.Contains(t, s.text, "8 champs sont à corriger")
	for name, problem := range map[string]string{
		"email": "Indiquez une adresse électronique valide", "nom": "« Nom » doit être rempli",
		champ(demarches.FieldOrganisation): "« Organisation » doit être rempli", champ(demarches.FieldNorms): "doit être rempli",
		champ(demarches.FieldPiloteMOE): "n’est pas une adresse électronique valide", champ(demarches.FieldServices): "doit être un nombre entier",
		champ(demarches.FieldCPU): "doit être un nombre", champ(demarches.FieldRequestKind): "doit être dans la liste",
	} {
		at := regexp.MustCompile(`(?s)<p class="problem" id="` + name + `-erreur">([^<]*)</p>`).FindStringSubmatch(s.html)
		require.NotNil(t, at, name)
		require.Contains(t, html.UnescapeString(at[1]), problem)
		require.Contains(t, s.html, `href="#`+name+`"`)
	}
	require.Contains(t, s.html, `value="trois"`)
	require.Contains(t, s.html, `value="Ergonome"`)
	require.Contains(t, s.html, "Un service\nen ligne</textarea>")
	require.Empty(t, b.ds.Dossiers())
	require.Contains(t, b.upload("/commencer/cloud-pi-native?lang=en", wrong, nil).text, "“Organisation” must be filled in")
	b.get("/?lang=fr")

	s = b.upload("/commencer/cloud-pi-native", complete(), map[string]string{champ(demarches.FieldProjectPlan): "Le plan"})
	require.Equal(t, "/dossiers/1001", s.path)
	require.Contains(t, s.text, "Votre dossier n° 1001 a bien été déposé.")
	require.NotContains(t, b.get("/dossiers/1001").html, `role="status"`, "said once")
	require.Equal(t, "en_construction", b.webhook())
	d, _ := b.ds.Dossier(1001)
	require.Equal(t, "camille@interieur.example", d.Email)
	require.Equal(t, "Martin", d.Applicant.LastName)
	require.Equal(t, "Ergonome", d.Answers[demarches.FieldApplicantRole])
	require.Equal(t, 3, d.Answers[demarches.FieldServices])
	require.InDelta(t, 2.5, d.Answers[demarches.FieldCPU], 0)
	require.Equal(t, false, d.Answers[demarches.FieldReadOnly])
	require.Equal(t, []string{demarches.ExposureInternet, demarches.ExposureRIE}, d.Answers[demarches.FieldExposure])
	require.NotContains(t, d.Answers, demarches.FieldStorage)
	link := regexp.MustCompile(`href="(/fichiers/[^"]*)"`).FindStringSubmatch(s.html)
	require.NotNil(t, link)
	require.Equal(t, "Le plan", b.get(link[1]).html)
	require.Contains(t, b.get("/dossiers").html, `href="/dossiers/1001"`, "the account is remembered")
}

func TestPrefill(t *testing.T) {
	t.Parallel()
	b := setup(t)
	query := url.Values{
		"champ_" + demarches.ChampID(demarches.FieldProjectName): {"Déjà là"},
		"champ_" + demarches.ChampID(demarches.FieldMinistry):    {"true"},
		champ(demarches.FieldEnvironments) + "[]":                {"Recette", "Production"},
		"other": {"x"},
	}
	s := b.get("/commencer/cloud-pi-native?" + query.Encode())
	require.Contains(t, s.html, `value="Déjà là"`)
	require.Contains(t, s.html, `value="true" checked`)
	require.Equal(t, 2, strings.Count(s.html, `value="Recette" checked`)+strings.Count(s.html, `value="Production" checked`))
	require.Contains(t, b.get("/commencer/cloud-pi-native?exemple=1").html, `value="Direction du numérique"`)

	// An example fills in the rest, and takes the place of a choice that there is not.
	query.Set(champ(demarches.FieldRequestKind), "Autre chose")
	link := regexp.MustCompile(`href="(\?[^"]*exemple=1[^"]*)"`).FindStringSubmatch(b.get("/commencer/cloud-pi-native?" + query.Encode()).html)
	require.NotNil(t, link)
	s = b.get("/commencer/cloud-pi-native" + html.UnescapeString(link[1]))
	require.Contains(t, s.html, `value="Déjà là"`)
	require.Contains(t, s.html, `value="Direction du numérique"`)
	require.Contains(t, s.html, `<option selected>`+demarches.RequestNewProject)

	s = b.get("/commencer/cloud-pi-native?" + champ(1) + "=" + strings.Repeat("x", 2000))
	require.Equal(t, http.StatusRequestURITooLong, s.status)
	require.Equal(t, http.StatusNotFound, b.get("/commencer/rien").status)

	// The whole address counts, 2,000 characters at most.
	address := b.url + "/commencer/cloud-pi-native?" + champ(demarches.FieldPrequalification) + "="
	fits := strings.Repeat("x", 2000-len(address)-len("https://")+len("http://"))
	require.Contains(t, b.get(strings.TrimPrefix(address, b.url)+fits).html, `value="`+fits+`"`)
	require.Equal(t, http.StatusRequestURITooLong, b.get(strings.TrimPrefix(address, b.url)+fits+"x").status)
}

func TestEdit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	path := fmt.Sprintf("/dossiers/%d", number)
	s := b.get(path + "/modifier")
	require.Contains(t, s.html, `value="Projet"`)
	require.Contains(t, s.html, "plan-projet.txt")

	change := complete()
	change.Set(champ(demarches.FieldProjectName), "")
	s = b.upload(path+"/modifier", change, nil)
	require.Equal(t, http.StatusUnprocessableEntity, s.status)
	require.Contains(t, s.text, "« Nom du projet » doit être rempli")
	change.Set(champ(demarches.FieldProjectName), "Autre nom")
	change.Set(champ(demarches.FieldServices), "x")
	require.Equal(t, http.StatusUnprocessableEntity, b.upload(path+"/modifier", change, nil).status)
	change.Set(champ(demarches.FieldServices), "")

	s = b.upload(path+"/modifier", change, nil)
	require.Equal(t, path, s.path)
	require.Contains(t, s.text, "Vos modifications sont enregistrées.")
	d, _ := b.ds.Dossier(number)
	require.Equal(t, "Autre nom", d.Answers[demarches.FieldProjectName])
	require.Nil(t, d.Answers[demarches.FieldServices], "taken back")
	require.Len(t, d.Answers[demarches.FieldProjectPlan], 1, "files stay")
	change.Set(champ(demarches.FieldProjectPlan)+"_retirer", "1")
	b.upload(path+"/modifier", change, nil)
	d, _ = b.ds.Dossier(number)
	require.Nil(t, d.Answers[demarches.FieldProjectPlan])

	// A correction that was asked for is made by an edit.
	require.NoError(t, b.ds.AskCorrection(number, "À revoir", "incorrect"))
	require.Contains(t, b.get(path).text, "Corriger le dossier")
	b.upload(path+"/modifier", change, nil)
	d, _ = b.ds.Dossier(number)
	require.False(t, d.CorrectionPending)

	require.NoError(t, b.ds.StartInstruction(number))
	for _, s := range []screen{b.get(path + "/modifier"), b.upload(path+"/modifier", change, nil)} {
		require.Equal(t, http.StatusConflict, s.status)
		require.Contains(t, s.text, "ne peut plus être modifié")
	}
}

func TestApplicant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	path := fmt.Sprintf("/dossiers/%d", number)
	require.Contains(t, b.get("/dossiers").text, "camille@interieur.example", "to choose from")
	require.Equal(t, http.StatusUnprocessableEntity, b.post("/dossiers", url.Values{"email": {"x"}}).status)
	require.Contains(t, b.post("/dossiers", url.Values{"email": {"personne@interieur.example"}}).text, "Aucun dossier")
	require.Contains(t, b.post("/dossiers", url.Values{"email": {"Camille@interieur.example"}}).html, path)

	require.NoError(t, b.ds.WriteMessage(number, "Voir https://suivi.example.org/a?b=1&c=2.", demarches.As(demarches.DefaultAgent)))
	require.NoError(t, b.ds.WriteMessage(number, "Là : https://suivi.example.org/d\u00a0; ou «\u202fhttps://suivi.example.org/e\u202f» (https://suivi.example.org/f)", demarches.As(demarches.DefaultAgent)))
	s := b.get(path)
	require.Contains(t, s.html, `<a href="https://suivi.example.org/a?b=1&amp;c=2" rel`)
	for _, end := range []string{"d", "e", "f"} {
		require.Contains(t, s.html, `<a href="https://suivi.example.org/`+end+`" rel`)
	}
	require.Contains(t, s.text, "a bien été déposé")
	require.NotContains(t, s.text, "<p>")

	s = b.act(path, "message", "message", "  ")
	require.Equal(t, http.StatusConflict, s.status)
	require.Contains(t, s.html, `<p class="problem" id="message-erreur">Votre message ne peut être vide</p>`)
	require.Contains(t, s.html, `required aria-invalid="true" aria-describedby="message-erreur">`)
	require.NotContains(t, b.get(path).html, "message-erreur")
	s = b.act(path, "message", "message", "Merci")
	require.Contains(t, s.text, "Votre message a été envoyé.")
	messages := b.ds.Messages(number)
	require.Equal(t, "Merci", messages[len(messages)-1].Body)
	require.Equal(t, "camille@interieur.example", messages[len(messages)-1].From)

	require.Contains(t, b.act(path, "supprimer").text, "dans la corbeille")
	require.Equal(t, http.StatusConflict, b.act(path, "message", "message", "Encore").status)
	require.Contains(t, b.act(path, "restaurer").text, "restauré")
	require.NoError(t, b.ds.StartInstruction(number))
	require.Equal(t, http.StatusConflict, b.act(path, "supprimer").status)
	require.Equal(t, http.StatusConflict, b.act(path, "masquer").status)
	require.NoError(t, b.ds.Accept(number, ""))
	require.Equal(t, http.StatusConflict, b.act(path, "supprimer").status)
	require.Equal(t, "/dossiers", b.act(path, "masquer").path)
	require.NotContains(t, b.get("/dossiers").html, path+`"`)
	require.Equal(t, http.StatusBadRequest, b.act(path, "voler").status)
	require.Equal(t, http.StatusNotFound, b.get("/dossiers/1").status)
	require.Equal(t, http.StatusNotFound, b.get("/dossiers/abc").status)
}

func TestAgent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	path := fmt.Sprintf("/procedures/%d/dossiers/%d", form, number)
	require.Contains(t, b.get("/procedures").html, fmt.Sprintf(`href="/procedures/%d"`, form))
	require.Contains(t, b.get(fmt.Sprintf("/procedures/%d", form)).html, path)
	require.Contains(t, b.get(path).text, "Annotations privées")

	done := func(name string, state demarches.State, more ...string) {
		t.Helper()
		before := b.state(number)
		s := b.act(path, name, more...)
		require.Equal(t, http.StatusOK, s.status, s.text)
		require.Contains(t, s.html, `class="notice ok"`)
		require.Equal(t, state, b.state(number))
		if state != before {
			require.Equal(t, string(state), b.webhook())
		}
	}
	not := func(name, words string, more ...string) {
		t.Helper()
		before := b.state(number)
		s := b.act(path, name, more...)
		require.Equal(t, http.StatusConflict, s.status)
		require.Contains(t, s.text, words)
		require.Equal(t, before, b.state(number))
	}

	not("accepter", "Le dossier est déjà en construction")
	not("repasser_en_construction", "déjà")
	not("supprimer", "pas encore traité")
	not("archiver", "une fois le traitement terminé")
	not("restaurer", "pas dans la corbeille")
	done("correction", demarches.EnConstruction, "message", "Complétez", "raison", "incomplete")
	require.Contains(t, b.get(path).text, "correction demandée")
	done("message", demarches.EnConstruction, "message", "Bonjour")
	require.Equal(t, demarches.DefaultAgent, b.ds.Messages(number)[2].From)
	done("instruire", demarches.EnInstruction)
	not("instruire", "déjà en instruction")
	not("refuser", "La motivation doit être remplie")
	not("classer", "La motivation doit être remplie", "motivation", "   ")
	refused := b.act(path, "refuser", "motivation", " ", "message", "gardé")
	require.Contains(t, refused.html, `<p class="problem" id="motivation-erreur">La motivation doit être remplie</p>`)
	require.Contains(t, refused.html, `aria-describedby="motivation-aide motivation-erreur" aria-invalid="true"> </textarea>`)
	require.Contains(t, refused.html, `<a href="#motivation">`)
	require.Contains(t, refused.html, ">gardé</textarea>")
	require.NotContains(t, refused.html, "message-erreur")
	done("repasser_en_construction", demarches.EnConstruction)
	done("instruire", demarches.EnInstruction)
	done("refuser", demarches.Refuse, "motivation", "Hors du périmètre")
	require.Contains(t, b.get(path).text, "Hors du périmètre")
	done("repasser_en_instruction", demarches.EnInstruction)
	done("classer", demarches.SansSuite, "motivation", "Doublon")
	done("repasser_en_instruction", demarches.EnInstruction)
	done("accepter", demarches.Accepte)
	done("archiver", demarches.Accepte)
	not("message", "archivé", "message", "perdu ?")
	require.Contains(t, b.get(fmt.Sprintf("/procedures/%d?etat=archives", form)).html, path)
	done("desarchiver", demarches.Accepte)
	done("supprimer", demarches.Accepte)
	require.Contains(t, b.get(fmt.Sprintf("/procedures/%d?etat=corbeille", form)).html, path)
	require.NotContains(t, b.get(fmt.Sprintf("/procedures/%d", form)).html, path)
	not("accepter", "restaurez-le")
	done("restaurer", demarches.Accepte)
	done("supprimer", demarches.Accepte)
	s := b.act(path, "purger")
	require.Equal(t, fmt.Sprintf("/procedures/%d", form), s.path)
	require.Equal(t, http.StatusGone, b.get(path).status)
	require.Equal(t, http.StatusGone, b.act(path, "restaurer").status)

	require.Equal(t, http.StatusNotFound, b.get("/procedures/1").status)
	require.Equal(t, http.StatusNotFound, b.get(fmt.Sprintf("/procedures/1/dossiers/%d", b.file())).status)
	require.Empty(t, b.webhooks)
}

func TestEnglish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	path := fmt.Sprintf("/procedures/%d/dossiers/%d", form, number)
	s := b.get(path)
	require.Contains(t, s.html, `<html lang="fr">`)
	require.Contains(t, s.html, `href="`+path+`?lang=en"`, "the switch keeps the page")
	s = b.get(path + "?lang=en")
	require.Contains(t, s.html, `<html lang="en">`)
	require.Contains(t, s.text, "Start examining")
	s = b.act(path, "accepter")
	require.Contains(t, s.text, "The file is already “filed, can be edited”")
	require.NotContains(t, s.text, "Le dossier est déjà")
	s = b.act(path, "message", "message", " ")
	require.Contains(t, s.html, `<p class="problem" id="message-erreur">The message cannot be empty</p>`)
	require.Contains(t, b.get("/nulle-part").text, "Page not found", "remembered")
	require.Contains(t, b.get("/?lang=fr").text, "Déposer une demande")
}

func TestHostileInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	v := complete()
	for name := range v {
		if !strings.Contains(name, "email") {
			v.Set(name, evil)
		}
	}
	s := b.upload("/commencer/cloud-pi-native", v, nil)
	require.Equal(t, http.StatusUnprocessableEntity, s.status)
	require.NotContains(t, s.html, "<script")
	require.NotContains(t, s.html, "<img")

	v = complete()
	v.Set("email", "camille@interieur.example")
	for _, id := range []int{demarches.FieldProjectName, demarches.FieldDescription, demarches.FieldOrganisation} {
		v.Set(champ(id), evil+"\x00\xff")
	}
	v.Set("nom", evil)
	s = b.upload("/commencer/cloud-pi-native", v, nil)
	require.Equal(t, http.StatusOK, s.status)
	b.act("/dossiers/1001", "message", "message", evil+` https://x.example/"onmouseover="alert(3) javascript:alert(4)`)
	require.NoError(t, b.ds.WriteMessage(1001, evil, demarches.As(demarches.DefaultAgent)))
	require.NoError(t, b.ds.Annotate(1001, demarches.Answers{demarches.AnnotationStep: evil}))
	for _, path := range []string{
		"/dossiers", "/dossiers/1001", "/dossiers/1001/modifier", fmt.Sprintf("/procedures/%d", form),
		fmt.Sprintf("/procedures/%d/dossiers/1001", form), "/commencer/cloud-pi-native?" + url.Values{champ(demarches.FieldProjectName): {evil}}.Encode(),
		"/" + url.PathEscape(evil), "/dossiers?lang=" + url.QueryEscape(evil), "/procedures/42?etat=" + url.QueryEscape(evil) + "&page=-1",
	} {
		s := b.get(path)
		require.NotContains(t, s.html, "<script", path)
		require.NotContains(t, s.html, "<img", path)
		require.NotContains(t, s.html, `"onmouseover`, path)
		require.NotContains(t, s.html, `href="javascript`, path)
	}
	d, _ := b.ds.Dossier(1001)
	require.Equal(t, evil+"\uFFFD", d.Answers[demarches.FieldProjectName])

	// Forms of other sites are refused.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/dossiers/1001", strings.NewReader("acte=supprimer"))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, b.do(r).status)

	// Too much, and nonsense.
	plan := champ(demarches.FieldProjectPlan)
	for size, words := range map[int]string{21 << 20: "Les fichiers joints dépassent 20 Mo au total", 41 << 20: "dépassent de loin 20 Mo"} {
		v = complete()
		v.Set("nom", "Durand-Gardé")
		s = b.upload("/commencer/cloud-pi-native", v, map[string]string{plan: strings.Repeat("x", size)})
		require.Equal(t, http.StatusRequestEntityTooLarge, s.status)
		require.Contains(t, s.text, words)
		if size < 40<<20 {
			require.Contains(t, s.html, `<p class="problem" id="`+plan+`-erreur">`)
			require.Contains(t, s.html, plan+`-taille `+plan+`-erreur" aria-invalid="true">`)
			require.Contains(t, s.html, `value="Durand-Gardé"`)
		}
	}
	v = complete()
	v.Del("nom")
	require.NotContains(t, b.upload("/commencer/cloud-pi-native", v, nil).text, "à joindre à nouveau")
	require.Contains(t, b.upload("/commencer/cloud-pi-native", v, map[string]string{plan: "x"}).text, "à joindre à nouveau")
	r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/commencer/cloud-pi-native", strings.NewReader("garbage"))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	require.Equal(t, http.StatusBadRequest, b.do(r).status)
}

// Every kind of field can be filled in, repeated blocks too.
func TestEveryKindOfField(t *testing.T) {
	t.Parallel()
	b := setup(t, demarches.Form{Number: 7, Title: "De tout", Path: "de-tout", Fields: []demarches.Field{
		{StableID: 1, Label: "Jour", Type: demarches.Date, Required: true},
		{StableID: 2, Label: "Heure", Type: demarches.Datetime},
		{StableID: 3, Label: "Téléphone", Type: demarches.Phone},
		{StableID: 4, Label: "Note", Type: demarches.Explication, Description: "À lire"},
		{StableID: 5, Label: "Lignes", Type: demarches.Repetition, Fields: []demarches.Field{
			{StableID: 6, Label: "Nom", Type: demarches.Text, Required: true}, {StableID: 7, Label: "Nombre", Type: demarches.IntegerNumber},
		}},
	}})
	who := url.Values{"email": {"a@b.example"}, "prenom": {"A"}, "nom": {"B"}, "champ_1": {"hier"}, "champ_2": {"2026-07-01T10:00"}, "champ_3": {"01 02"}}
	who.Set("champ_5_lignes", "3")
	who.Set("champ_5_0_6", "un")
	who.Set("champ_5_0_7", "1")
	who.Set("champ_5_2_7", "x")
	s := b.post("/commencer/de-tout", who)
	require.Equal(t, http.StatusUnprocessableEntity, s.status)
	require.Contains(t, s.text, "« Jour » doit être une date")
	require.Contains(t, s.html, `name="champ_5_0_6" value="un"`)
	who.Set("champ_1", "2026-11-23")
	who.Set("champ_5_2_7", "2")
	require.Contains(t, b.post("/commencer/de-tout", who).text, "« Nom » doit être rempli", "a row without its name")
	who.Set("champ_5_2_6", "deux")
	s = b.post("/commencer/de-tout", who)
	require.Equal(t, http.StatusOK, s.status, s.text)
	d, _ := b.ds.Dossier(1001)
	require.Equal(t, []demarches.Answers{{6: "un", 7: 1}, {6: "deux", 7: 2}}, d.Answers[5], "blank rows are left out")
	require.Contains(t, b.get("/dossiers/1001/modifier").html, `value="2026-07-01T10:00"`)
	require.Contains(t, s.text, "2026-11-23")
}

func TestManyDossiersArePaged(t *testing.T) {
	t.Parallel()
	b := setup(t, demarches.Form{Number: 7, Title: "Court", Path: "court", Fields: []demarches.Field{{StableID: 1, Label: "Texte", Type: demarches.Text}}})
	require.NoError(t, b.ds.SetWebhookURL(7, ""))
	for range 120 {
		_, err := b.ds.File(7, demarches.Application{Email: "a@b.example"})
		require.NoError(t, err)
	}
	require.NoError(t, b.ds.StartInstruction(1001))
	rows := func(s screen) int { return strings.Count(s.html, "<tr>") - 1 }
	s := b.get("/procedures/7")
	require.Equal(t, 50, rows(s))
	require.Contains(t, s.html, `rel="next" href="?page=2"`)
	require.Contains(t, s.text, "Page 1 sur 3")
	require.Equal(t, 20, rows(b.get("/procedures/7?page=3")))
	s = b.get("/procedures/7?etat=en_construction&page=3")
	require.Equal(t, 19, rows(s))
	require.Contains(t, s.html, `href="?etat=en_construction&amp;page=2"`)
	require.Equal(t, 1, rows(b.get("/procedures/7?etat=en_instruction")))
	require.Equal(t, http.StatusOK, b.get("/procedures/7?page=99999999999").status)
	b.post("/dossiers", url.Values{"email": {"a@b.example"}})
	require.Equal(t, 20, rows(b.get("/dossiers?page=3")))
}

// The API and the files are served beside the pages.
func TestAPIBesidePages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/api/v2/graphql", strings.NewReader(`{"query":"{ demarche(number: 42) { title } }"}`))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer jeton")
	require.Contains(t, b.do(r).html, "Accès à la console")
}
