package page_test

import (
	"html/template"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

func get(t *testing.T, h http.Handler, target string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Header.Set("Accept-Language", "en-GB")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func shown(s *page.Site) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Render(w, r, http.StatusOK, "Titre <b>", template.HTML("<h1>"+page.Say(r, "Bonjour", "Hello")+"</h1>"))
	})
}

func TestRender(t *testing.T) {
	t.Parallel()
	s := &page.Site{
		Name: "Site", Home: "/",
		Menu:  []page.Link{{Label: map[string]string{"fr": "Listes", "en": "Lists"}, URL: "/listes"}},
		Links: []page.Link{{Label: map[string]string{"fr": "Seulement"}, URL: "http://127.0.0.1:1/"}},
		Strip: func(r *http.Request) template.HTML { return template.HTML("<p>strip " + r.URL.Path + "</p>") },
	}
	w := get(t, shown(s), "/listes/7?page=2")
	body := w.Body.String()
	for _, part := range []string{
		`<html lang="fr">`, "Titre &lt;b&gt; · Site", "<h1>Bonjour</h1>", `<a href="/listes" aria-current="page">Listes</a>`, "Seulement",
		"<p>strip /listes/7</p>", `href="/listes/7?lang=en&amp;page=2"`, `href="#contenu"`,
	} {
		require.Contains(t, body, part)
	}
	require.NotContains(t, body, "<script")
	require.Empty(t, w.Result().Cookies())
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")

	// The choice of a language is kept.
	w = get(t, shown(s), "/?lang=en")
	require.Contains(t, w.Body.String(), "<h1>Hello</h1>")
	require.Len(t, w.Result().Cookies(), 1)
	w = get(t, shown(s), "/autre", w.Result().Cookies()...)
	require.Contains(t, w.Body.String(), `<html lang="en">`)
	require.Contains(t, w.Body.String(), "Seulement", "French where there is no English")
	require.Contains(t, get(t, shown(s), "/?lang=xx").Body.String(), `<html lang="fr">`)
}

func TestRedirectCarriesAMessage(t *testing.T) {
	t.Parallel()
	s := &page.Site{Name: "Site"}
	mux := http.NewServeMux()
	mux.Handle("GET /", shown(s))
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) { page.Redirect(w, r, "/fait", "C’est <fait>") })
	mux.HandleFunc("POST /non", func(w http.ResponseWriter, r *http.Request) { s.Fail(w, r, http.StatusConflict, "Non <non>") })
	server := httptest.NewServer(page.Guard(mux))
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar}
	send := func(method, path, site string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
		require.NoError(t, err)
		r.Header.Set("Sec-Fetch-Site", site)
		res, err := client.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		var body strings.Builder
		require.NoError(t, res.Write(&body))
		return res.StatusCode, body.String()
	}
	_, body := send(http.MethodPost, "/", "same-origin")
	require.Contains(t, body, "C’est &lt;fait&gt;")
	_, body = send(http.MethodGet, "/", "none")
	require.NotContains(t, body, "&lt;fait&gt;")
	status, body := send(http.MethodPost, "/non", "same-origin")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, body, "Non &lt;non&gt;")
	status, _ = send(http.MethodPost, "/", "cross-site")
	require.Equal(t, http.StatusForbidden, status)
}

func TestPages(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/liste?q=a%22b&page=2", nil)
	require.Empty(t, page.Pages(r, 1, 1))
	html := string(page.Pages(r, 2, 3))
	require.Contains(t, html, "Page 2 sur 3")
	require.Contains(t, html, `rel="prev" href="?page=1&amp;q=a%22b"`)
	require.Contains(t, html, `rel="next" href="?page=3&amp;q=a%22b"`)
	require.NotContains(t, string(page.Pages(r, 3, 3)), `rel="next"`)
	require.Contains(t, string(page.Notice("error", "<x>")), "&lt;x&gt;")
}
