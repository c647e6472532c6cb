package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab/pages"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

func TestTimesAreThoseOfParis(t *testing.T) {
	t.Parallel()
	for moment, wants := range map[string][2]string{
		"2026-01-31T23:30:00Z": {`<time datetime="2026-02-01T00:30:00+01:00">01/02/2026 à 00:30</time>`, ">1 Feb 2026, 00:30<"},
		"2026-07-14T10:00:00Z": {`<time datetime="2026-07-14T12:00:00+02:00">14/07/2026 à 12:00</time>`, ">14 Jul 2026, 12:00<"},
	} {
		at, err := time.Parse(time.RFC3339, moment)
		require.NoError(t, err)
		server := gitlab.New(gitlab.Options{Token: "glpat-hub", Now: func() time.Time { return at }})
		t.Cleanup(server.Close)
		_, err = server.CreateGroup("programme", "passerelle")
		require.NoError(t, err)
		_, err = server.CreateProject("programme/suivi")
		require.NoError(t, err)
		for at, address := range []string{"/explore/projects?lang=fr", "/explore/projects?lang=en"} {
			recorder := httptest.NewRecorder()
			pages.New(server, &page.Site{}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, address, nil))
			for _, cookie := range recorder.Result().Cookies() { // the language is kept, then shown
				r := httptest.NewRequest(http.MethodGet, "/explore/projects", nil)
				r.AddCookie(cookie)
				recorder = httptest.NewRecorder()
				pages.New(server, &page.Site{}).ServeHTTP(recorder, r)
			}
			require.Contains(t, recorder.Body.String(), wants[at])
		}
	}
}

func TestLabelsArePlainChips(t *testing.T) {
	t.Parallel()
	b := setup(t)
	names := []string{"étape::2", "étape::3", `dit "vite" fait`, `fin"`, `a" label`, "<b>", "**gras**"}
	require.NoError(t, b.server.ChangeLabels(tracking, b.issue.IID, "passerelle", names[1:], nil))
	body := b.read(t, b.issuePath(""))
	require.NotContains(t, body, `class="scope"`)
	told := regexp.MustCompile(`<li class="told"[^\n]*`).FindString(body)
	for _, name := range []string{"étape::3", "dit &#34;vite&#34; fait", "fin&#34;", "a&#34; label", "&lt;b&gt;", "**gras**"} {
		require.Contains(t, told, `<span class="dot"></span><span>`+name+`</span></span>`)
	}
	require.NotContains(t, told, "~")
	require.NotContains(t, told, "label ·")
	require.NoError(t, b.server.ChangeLabels(tracking, b.issue.IID, "passerelle", []string{"neuve"}, names[2:4]))
	require.Regexp(t, `a ajouté <span class="chip"[^\n]*<span>neuve</span></span> et a retiré <span class="chip"[^\n]*vite[^\n]*<span>fin&#34;</span></span> · `, b.read(t, b.issuePath("")))
}

func TestMarkdownAsPlainText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for written, said := range map[string]string{
		"Lire [la doc](https://example.org/a_b) et **signer**": "Lire la doc et signer",
		"Caf\\*é\\_ \\(@\u2060root\\) \u2060/close":            "Caf*é_ (@root) /close",
		"1. `a\\_b` &amp; https://example.org/ <b>":            "1. `a\\_b` & https://example.org/ <b>",
		"# titre": "# titre",
	} {
		said = regexp.MustCompile("`").ReplaceAllString(said, "")
		i, err := b.server.OpenIssue(tracking, "passerelle", "Cases", "- [ ] "+written)
		require.NoError(t, err)
		b.issue = i
		require.Contains(t, boxes(b.read(t, b.issuePath(""))), said)
	}

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.web.URL+"/api/v4/groups/programme",
		strings.NewReader(url.Values{"description": {"Bac \\(\u2060@moi\\) \\_suivi\\_ <script>"}}.Encode()))
	require.NoError(t, err)
	r.Header.Set("PRIVATE-TOKEN", "glpat-hub")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, 200, b.do(t, r).status)
	for _, path := range []string{"/explore/groups", "/programme"} {
		require.Contains(t, b.read(t, path), "Bac (@moi) _suivi_ &lt;script&gt;</p>", path)
	}
}
