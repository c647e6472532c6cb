package main

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// front serves a simulator on one origin: what is the demo's own first, then the API,
// then the pages.
func front(own *http.ServeMux, api, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, ownPath):
			own.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"), strings.HasPrefix(r.URL.Path, "/fichiers/"):
			api.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// ownPath is where the demo's own things are on every origin. GitLab's paths cannot
// begin so.
const ownPath = "/-/passerelle/"

// portOf is the port of an address.
func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	_, port, _ := net.SplitHostPort(u.Host)
	n, _ := strconv.Atoi(port)
	return n
}

// remember keeps the addresses for the next start: links in GitLab and DS lead there.
func (s *scene) remember(controlURL string) error {
	if s.drawer == nil {
		return nil
	}
	s.keys.DSPort, s.keys.GitLabPort, s.keys.Port = portOf(s.DSURL), portOf(s.GitLabURL), portOf(controlURL)
	return s.drawer.write(keysFile, s.keys)
}
