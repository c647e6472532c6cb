package pages_test

import (
	"encoding/json"
	"fmt"
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

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	commit := ""
	b.server.Read(func(v gitlab.View) {
		last, _ := v.Log(sandbox, "main", gitlab.Part{Limit: 1})
		commit = last[0].ID
	})
	require.NoError(t, b.server.AddGroupMember("embarquement/portail", "stranger", gitlab.Developer))
	for path, wants := range map[string][]string{
		"/":                                              {"embarquement", "portail", "suivi"},
		"/explore/groups?q=port":                         {"embarquement/portail"},
		"/explore/projects":                              {"bac-a-sable", "suivi", "1\u00a0ticket ouvert"},
		"/explore/projects?q=nulle-part":                 {"Aucun projet."},
		"/embarquement":                                  {"portail", "1\u00a0projet"},
		"/groups/embarquement/portail":                   {"bac-a-sable", "Sous-groupes et projets"},
		"/embarquement/portail":                          {"bac-a-sable"},
		"/EMBARQUEMENT/Portail":                          {"bac-a-sable"},
		"/passerelle":                                    {"Espace personnel de @passerelle"},
		"/" + sandbox:                                    {"index.html", "docs/", "<h1>Bac à sable</h1>", "Privé", `href="/embarquement/portail/bac-a-sable/-/blob/main/docs/guide.md"`},
		"/" + sandbox + "/-/tree/main/docs":              {"guide.md", "img/", "Guide"},
		"/" + sandbox + "/-/tree/" + commit:              {"index.html"},
		"/" + sandbox + "/-/blob/main/README.md":         {"<h1>Bac à sable</h1>", "Voir le source"},
		"/" + sandbox + "/-/blob/main/README.md?plain=1": {`id="L1"`, "# Bac à sable"},
		"/" + sandbox + "/-/blob/HEAD/index.html":        {`id="L2"`, "&lt;script&gt;alert(1)&lt;/script&gt;"},
		"/" + sandbox + "/-/blob/main/docs/img/x.png":    {"n’est pas un texte"},
		"/" + sandbox + "/-/blob/main/a%20b/%C3%A7%20&%20d%3F%23%25.txt":         {"deux"},
		"/" + sandbox + "/-/blob/main/docs":                                      {"guide.md", "img/"},
		"/" + sandbox + "/-/raw/main/docs/guide.md":                              {"Le *guide*, revu.\n"},
		"/" + sandbox + "/-/commits/main":                                        {"Guide", "Bac à sable"},
		"/" + sandbox + "/-/commit/" + commit:                                    {"- Le *guide*.", "&#43; Le *guide*, revu."},
		"/" + sandbox + "/-/commit/" + commit[:8]:                                {"docs/guide.md"},
		"/" + sandbox + "/-/issues":                                              {"Aucun ticket ici."},
		"/" + tracking:                                                           {"Ce dépôt est vide."},
		"/" + tracking + "/-/issues":                                             {"Portail : accès à la console", "Tâches 1/3", "étape"},
		"/" + tracking + "/-/issues?state=closed":                                {"Aucun ticket ici."},
		"/" + tracking + "/-/issues?label_name[]=" + url.QueryEscape("étape::2"): {"Portail : accès"},
		"/" + tracking + "/-/issues?label_name=autre":                            {"Aucun ticket ici."},
		"/" + tracking + "/-/issues/new":                                         {"Créer le ticket"},
		"/" + tracking + "/-/labels":                                             {"à traiter"},
		"/" + tracking + "/-/hooks":                                              {"pas de webhook"},
		"/groups/embarquement/portail/-/group_members":                           {"@stranger", "Développeur", "@passerelle", "Propriétaire"},
		"/" + sandbox + "/-/project_members":                                     {"hérités", "@stranger"},
	} {
		body := b.read(t, path)
		for _, want := range wants {
			require.True(t, strings.Contains(body, want), "%s: no %q", path, want) //nolint:testifylint // pages are long
		}
	}
	for _, path := range []string{
		"/nulle-part", "/" + sandbox + "/-/nulle-part", "/" + sandbox + "/-/blob/main/nulle-part", "/" + sandbox + "/-/blob/nulle-part/README.md",
		"/" + sandbox + "/-/raw/main/nulle-part", "/" + sandbox + "/-/commit/0000000000", "/" + sandbox + "/-/commits/nulle-part",
		"/" + sandbox + "/-/tree/main/nulle-part", "/" + tracking + "/-/issues/99", "/" + tracking + "/-/issues/un", "/groups/nulle-part",
	} {
		require.Equal(t, http.StatusNotFound, b.get(t, path).status, path)
	}
	require.Equal(t, 401, b.get(t, "/api/v4/projects").status, "the API is beside")
	require.Contains(t, b.read(t, b.issuePath("?lang=en")), "Edit title and description")
	require.Contains(t, b.read(t, b.issuePath("")), "Edit title and description", "the language is kept")
}

// TestAddressesOfTheAPI opens every web_url that the API tells.
func TestAddressesOfTheAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.server.AddUser("root", true)
	opened := 0
	for _, path := range []string{
		"/groups", "/projects", "/issues?scope=all", "/users", "/namespaces", "/projects/embarquement%2Fportail%2Fbac-a-sable/repository/commits",
		"/projects/embarquement%2Fportail%2Fbac-a-sable/repository/branches", "/projects/embarquement%2Fportail%2Fbac-a-sable/members/all",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.web.URL+"/api/v4"+path, nil)
		require.NoError(t, err)
		r.Header.Set("PRIVATE-TOKEN", token)
		var list []map[string]any
		require.NoError(t, json.Unmarshal([]byte(b.do(t, r).body), &list))
		require.NotEmpty(t, list, path)
		for _, item := range list {
			for _, key := range []string{"web_url", "readme_url"} {
				if address, _ := item[key].(string); address != "" {
					b.read(t, strings.TrimPrefix(address, b.web.URL))
					opened++
				}
			}
		}
	}
	require.Greater(t, opened, 15)
}

func TestMoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.server.MoveGroup("embarquement/portail", "", "ailleurs"))
	require.Equal(t, "/embarquement/ailleurs/bac-a-sable/-/blob/main/README.md?plain=1", b.get(t, "/"+sandbox+"/-/blob/main/README.md?plain=1").url)
	require.Equal(t, "/embarquement/ailleurs", b.get(t, "/groups/embarquement/portail").url)
}

func TestManyProjects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 120 {
		_, err := b.server.CreateProject(fmt.Sprintf("programme/projet-%03d", n))
		require.NoError(t, err)
		_, err = b.server.OpenIssue(tracking, "passerelle", fmt.Sprintf("Demande %03d", n), "")
		require.NoError(t, err)
	}
	_, err := b.server.CreateGroup("programme/groupe", "passerelle")
	require.NoError(t, err)
	for _, path := range []string{"/explore/projects", "/programme", "/" + tracking + "/-/issues"} {
		seen := map[string]bool{}
		for n := 1; n <= 7; n++ {
			body := b.read(t, fmt.Sprintf("%s?page=%d", path, n))
			require.LessOrEqual(t, strings.Count(body, `<a class="name" href`), 21)
			for part := range strings.SplitSeq(body, `<a class="name" href="`) {
				name, _, _ := strings.Cut(part, `"`)
				if strings.HasPrefix(name, "/programme/") || strings.HasPrefix(name, "/groups/") {
					require.False(t, seen[name], name)
					seen[name] = true
				}
			}
		}
		require.GreaterOrEqual(t, len(seen), 121, path)
	}
	require.Contains(t, b.read(t, "/programme?page=999999999999"), "Page")
}

func TestSiteIsTheCallers(t *testing.T) {
	t.Parallel()
	server := gitlab.New(gitlab.Options{})
	t.Cleanup(server.Close)
	site := &page.Site{Name: "Forge", Strip: nil, Links: []page.Link{{Label: map[string]string{"fr": "Formulaire"}, URL: "http://ds.example.org/"}}}
	recorder := httptest.NewRecorder()
	pages.New(server, site).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/explore/groups", nil))
	require.Equal(t, 200, recorder.Code)
	require.Contains(t, recorder.Body.String(), "Forge")
	require.Contains(t, recorder.Body.String(), "http://ds.example.org/")
	require.Contains(t, recorder.Body.String(), "<option selected>root", "there is no agent")
	require.Empty(t, site.Home, "the caller's site is not changed")
}
