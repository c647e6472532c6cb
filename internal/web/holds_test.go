package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, wrong := range []struct {
		method, path, body string
		token              string
		status             int
		field              string
	}{
		{http.MethodPut, "/holds/gitlab", `{"reason": "upgrade"}`, viewer, http.StatusForbidden, "Authorization"},
		{http.MethodDelete, "/holds/gitlab", `{"reason": "upgrade"}`, viewer, http.StatusForbidden, "Authorization"},
		{http.MethodPut, "/holds/github", `{"reason": "upgrade"}`, operator, http.StatusBadRequest, "queue"},
		{http.MethodPut, "/holds/gitlab", `{"reason": " "}`, operator, http.StatusBadRequest, "reason"},
		{http.MethodPut, "/holds/gitlab", `{"reason": "upgrade", "until": "2020-01-01T00:00:00Z"}`, operator, http.StatusBadRequest, "until"},
		{http.MethodPut, "/holds/gitlab", `{"reason": "upgrade", "for": "1h"}`, operator, http.StatusBadRequest, "body"},
		{http.MethodDelete, "/holds/gitlab", `nothing`, operator, http.StatusBadRequest, "body"},
	} {
		got := r.call(wrong.method, "/admin/api/v1"+wrong.path, wrong.body, "Authorization", "Bearer "+wrong.token)
		require.Equal(t, wrong.status, got.status, wrong)
		require.Equal(t, wrong.field, got.problem(t)["field"], wrong)
	}
	require.Zero(t, r.count("select count(*) from queue_holds"))
	require.Empty(t, r.entries(0))

	got := r.call(http.MethodPut, "/admin/api/v1/holds/gitlab", `{"reason": "upgrade", "until": "2999-01-01T00:00:00Z"}`, "Authorization", "Bearer "+operator)
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Contains(t, got.body, `"author":"admin:jean"`)
	got = r.call(http.MethodPut, "/admin/api/v1/holds/gitlab", `{"reason": "a shorter one", "until": "2998-01-01T00:00:00Z"}`, "Authorization", "Bearer "+operator)
	require.Contains(t, got.body, "2998")
	require.NotContains(t, got.body, "2999", "an administrator can shorten a hold")
	got = r.call(http.MethodGet, "/admin/api/v1/holds", "", "Authorization", "Bearer "+viewer)
	require.Equal(t, http.StatusOK, got.status)
	got = r.call(http.MethodDelete, "/admin/api/v1/holds/gitlab", `{"reason": "over"}`, "Authorization", "Bearer "+operator)
	require.JSONEq(t, `{"lifted": 1}`, got.body)
	require.Len(t, r.entries(0), 3)
}
