package pages_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab/pages"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

const (
	sandbox  = "embarquement/portail/bac-a-sable"
	tracking = "programme/suivi"
)

const description = `Demande d’accès : [dossier n° 1](https://ds.example.org/dossiers/1).

## Parcours <!-- passerelle:abc -->

- [ ] Lire la documentation
- [x] Signer la charte
  - [ ] dont l’annexe

| Fichier | Rôle |
|---|---|
| ` + "`index.html`" + ` | la page |

Voir ~~ceci~~ https://example.org/ et @root.
`

// testBundle is a GitLab with a sandbox and a tracking issue, its pages, and a
// browser in which "agent" acts.
type testBundle struct {
	server *gitlab.Server
	web    *httptest.Server
	hooks  chan string // what webhooks tell: event and action
	client *http.Client
	issue  gitlab.Issue
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{hooks: make(chan string, 100)}
	b.server = gitlab.New(gitlab.Options{Token: "glpat-hub"})
	mux := http.NewServeMux()
	mux.Handle("/api/v4/", b.server)
	mux.Handle("/", pages.New(b.server, &page.Site{}))
	b.web = httptest.NewServer(mux)
	t.Cleanup(func() {
		b.server.Close()
		b.web.Close()
	})
	jar := cookies{}
	b.client = &http.Client{Jar: jar}
	b.server.AddUser(pages.Visitor, true)
	b.server.AddUser("stranger", false)
	for _, group := range []string{"embarquement/portail", "programme"} {
		_, err := b.server.CreateGroup(group, "passerelle")
		require.NoError(t, err)
	}
	for _, project := range []string{sandbox, tracking} {
		_, err := b.server.CreateProject(project, "passerelle")
		require.NoError(t, err)
	}
	require.NoError(t, b.server.CommitFiles(sandbox, "passerelle", "Bac à sable\n\nTrois fichiers.", map[string]string{
		"README.md":        "# Bac à sable\n\nBonjour : [guide](docs/guide.md), [page](index.html).\n\n- [ ] à faire\n",
		"index.html":       "<!DOCTYPE html>\n<script>alert(1)</script>\n",
		"docs/guide.md":    "Le *guide*.\n",
		"docs/img/x.png":   "\x89PNG\x00",
		"a b/ç & d?#%.txt": "un\ndeux\n",
	}))
	require.NoError(t, b.server.CommitFiles(sandbox, "passerelle", "Guide", map[string]string{"docs/guide.md": "Le *guide*, revu.\n"}))
	var err error
	b.issue, err = b.server.OpenIssue(tracking, "passerelle", "Portail : accès à la console", description, "étape::2", "à traiter")
	require.NoError(t, err)
	return b
}

// cookies keeps cookies whatever their age.
type cookies map[string]*http.Cookie

func (c cookies) SetCookies(_ *url.URL, list []*http.Cookie) {
	for _, cookie := range list {
		if cookie.MaxAge < 0 {
			delete(c, cookie.Name)
		} else {
			c[cookie.Name] = cookie
		}
	}
}

func (c cookies) Cookies(*url.URL) (list []*http.Cookie) {
	for _, cookie := range c {
		list = append(list, cookie)
	}
	return list
}

type answer struct {
	status int
	header http.Header
	url    string
	body   string
}

func (b *testBundle) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	res, err := b.client.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, res.Request.URL.RequestURI(), string(body)}
}

func (b *testBundle) get(t *testing.T, path string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.web.URL+path, nil)
	require.NoError(t, err)
	return b.do(t, r)
}

// read is get for what must be there.
func (b *testBundle) read(t *testing.T, path string) string {
	t.Helper()
	a := b.get(t, path)
	require.Equal(t, http.StatusOK, a.status, "%s: %s", path, a.body)
	return a.body
}

// post sends a form, and follows to where it leads.
func (b *testBundle) post(t *testing.T, path string, fields ...string) answer {
	t.Helper()
	form := url.Values{}
	for at := 0; at < len(fields); at += 2 {
		form.Add(fields[at], fields[at+1])
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.web.URL+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.web.URL)
	return b.do(t, r)
}

func (b *testBundle) issuePath(rest string) string {
	return fmt.Sprintf("/%s/-/issues/%d%s", tracking, b.issue.IID, rest)
}

func (b *testBundle) current(t *testing.T) gitlab.Issue {
	t.Helper()
	for _, i := range b.server.Issues(tracking) {
		if i.IID == b.issue.IID {
			return i
		}
	}
	t.Fatal("the issue is gone")
	return gitlab.Issue{}
}
