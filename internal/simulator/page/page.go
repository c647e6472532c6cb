// Package page is what the pages of the simulators share: one layout, two languages,
// messages that survive a redirect, and a guard for forms. Nothing needs JavaScript,
// and nothing is fetched from elsewhere.
package page

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Site is one simulated service's pages. It is not changed once it serves.
type Site struct {
	Name string
	// Home is where the name leads.
	Home string
	// Style is added to the layout's: the colours of what it imitates, without its
	// marques. The layout's are variables: --accent, --on-accent, --page, --surface,
	// --text, --muted, --line.
	Style template.CSS
	// Strip is what Passerelle did lately, above each page; nil for none.
	Strip func(r *http.Request) template.HTML
	// Menu leads to the parts of the site, Links to the other parts of the demo.
	Menu, Links []Link
}

// Link is an address with its name in each language.
type Link struct {
	Label map[string]string // "fr", "en"
	URL   string
}

// The languages.
const (
	French  = "fr"
	English = "en"
)

const (
	langCookie  = "demo_lang"
	flashCookie = "demo_flash"
	// policy lets nothing in from elsewhere; the only script there can be is a file
	// of the site's own, which refreshes the strip.
	policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; script-src 'self'; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

// Lang is the reader's language: that of ?lang=, else the one chosen before, else
// French, whatever the browser would prefer.
func Lang(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang == French || lang == English {
		return lang
	}
	if c, err := r.Cookie(langCookie); err == nil && c.Value == English {
		return English
	}
	return French
}

// Say is the text in the reader's language.
func Say(r *http.Request, fr, en string) string {
	if Lang(r) == English {
		return en
	}
	return fr
}

// Guard refuses forms that another site sends, by Sec-Fetch-Site and Origin.
// Programs, which send neither, pass.
func Guard(next http.Handler) http.Handler { return http.NewCrossOriginProtection().Handler(next) }

// Body executes a template. An error in one is ours, so it panics.
func Body(t *template.Template, name string, data any) template.HTML {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		panic(err)
	}
	return template.HTML(b.String())
}

// Notice is a message to put into a page: kind is "ok", "error" or "info".
func Notice(kind, text string) template.HTML {
	return Body(layout, "notice", notice{kind, text})
}

type notice struct{ Kind, Text string }

// Redirect answers a form that was taken: the reader sees the message on the page
// to which it leads.
func Redirect(w http.ResponseWriter, r *http.Request, to, message string) {
	if message != "" {
		setCookie(w, flashCookie, base64.RawURLEncoding.EncodeToString([]byte(message)), 60)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// setCookie sets a cookie for all of the host, which browsers share between ports.
func setCookie(w http.ResponseWriter, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

//go:embed layout.gohtml
var layoutText string

var layout = template.Must(template.New("layout").Parse(layoutText))

type view struct {
	*Site
	Lang, Title string
	Flash       string
	Strip       template.HTML
	Switch      string
	Body        template.HTML
	Menu, Links []shown
}

type shown struct {
	Label, URL string
	Current    bool
}

// English says whether the page is in English.
func (v view) English() bool { return v.Lang == English }

// Render writes a page.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, title string, body template.HTML) {
	lang := Lang(r)
	if r.URL.Query().Has("lang") {
		setCookie(w, langCookie, lang, 365*24*3600)
	}
	v := view{
		Site: s, Lang: lang, Title: title, Body: body,
		Switch: switchURL(r, lang), Menu: shownLinks(r, s.Menu, lang), Links: shownLinks(r, s.Links, lang),
	}
	if c, err := r.Cookie(flashCookie); err == nil {
		text, _ := base64.RawURLEncoding.DecodeString(c.Value)
		v.Flash = string(text)
		setCookie(w, flashCookie, "", -1)
	}
	if s.Strip != nil {
		v.Strip = s.Strip(r)
	}
	html := Body(layout, "layout", v)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(html))
}

// Fail writes a page that says what went wrong and nothing else.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, status int, message string) {
	title := Say(r, "Demande impossible", "Not possible")
	if status == http.StatusNotFound {
		title = Say(r, "Page introuvable", "Page not found")
	}
	s.Render(w, r, status, title, Body(layout, "failure", struct{ Title, Text string }{title, message}))
}

// switchURL is this page in the other language.
func switchURL(r *http.Request, lang string) string {
	query := r.URL.Query()
	query.Set("lang", English)
	if lang == English {
		query.Set("lang", French)
	}
	return (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}).String()
}

func shownLinks(r *http.Request, links []Link, lang string) []shown {
	list := make([]shown, 0, len(links))
	for _, l := range links {
		label := l.Label[lang]
		if label == "" {
			label = l.Label[French]
		}
		current := strings.HasPrefix(l.URL, "/") && (r.URL.Path == l.URL || l.URL != "/" && strings.HasPrefix(r.URL.Path, l.URL+"/"))
		list = append(list, shown{label, l.URL, current})
	}
	return list
}

// Pages leads to the pages of a list before and after this one, by ?page=, the rest
// of the query kept. It is empty if there is only one.
func Pages(r *http.Request, current, last int) template.HTML {
	if last <= 1 {
		return ""
	}
	at := func(n int) string {
		if n < 1 || n > last {
			return ""
		}
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(n))
		return "?" + query.Encode()
	}
	return Body(layout, "pages", struct {
		English                     bool
		Current, Last               int
		First, Before, After, AtEnd string
	}{Lang(r) == English, current, last, at(1), at(current - 1), at(current + 1), at(last)})
}
