package hub_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"
)

// admin asks the admin API of the hub that was started last.
func (r *rig) admin(method, path, body string) (status int, answer string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.ctx, method, r.address+"/admin/api/v1"+path, strings.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+r.Admin)
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	return response.StatusCode, string(text)
}

// replay replays the newest job of a kind, as an administrator does.
func (r *rig) replay(kind string, want int) {
	r.t.Helper()
	r.replayJob(count(r, "select max(id) from river_job where kind = $1", kind), want)
}

func (r *rig) replayJob(id, want int) {
	r.t.Helper()
	status, answer := r.admin(http.MethodPost, fmt.Sprintf("/jobs/%d/replay", id), `{"reason": "la cause est levée"}`)
	require.Equal(r.t, want, status, answer)
}
