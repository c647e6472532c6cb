package stage

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
)

// gitlabHooks is where a hub takes GitLab's webhooks.
const gitlabHooks = "/webhooks/gitlab"

// relay stands where DS and GitLab send their webhooks, so that hubs can come and go.
type relay struct {
	target atomic.Pointer[httputil.ReverseProxy]
	// loses says whether the next webhook of DS's never arrives.
	loses func() bool
}

func (r *relay) to(address string) {
	target, err := url.Parse(address)
	if err != nil || address == "" {
		r.target.Store(nil)
		return
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // hubs come and go
	r.target.Store(proxy)
}

// ServeHTTP passes a webhook on, or answers as nothing does.
func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if proxy := r.target.Load(); proxy != nil && (request.URL.Path == gitlabHooks || !r.loses()) {
		proxy.ServeHTTP(w, request)
		return
	}
	w.WriteHeader(http.StatusBadGateway)
}
