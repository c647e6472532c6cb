package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	r := setup(t)
	require.Equal(t, http.StatusOK, r.call(http.MethodGet, "/healthz", "").status)
	require.Equal(t, http.StatusOK, r.call(http.MethodGet, "/readyz", "").status)

	metrics := r.call(http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusOK, metrics.status)
	require.Contains(t, metrics.body, "go_goroutines ")

	r.pool.Close()
	require.Equal(t, http.StatusOK, r.call(http.MethodGet, "/healthz", "").status, "it lives")
	got := r.call(http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	got.problem(t)
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, path := range []string{"/", "/admin", "/admin/api/v1", "/webhooks", "/nowhere", "/metrics/x", "/debug/pprof/"} {
		got := r.call(http.MethodGet, path, "")
		require.Equal(t, http.StatusNotFound, got.status, path)
		got.problem(t)
	}
	got := r.call(http.MethodDelete, "/healthz", "")
	require.Equal(t, http.StatusMethodNotAllowed, got.status)
	got.problem(t)
}
