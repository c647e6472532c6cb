package gitlab

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// call is one request to the API, being served.
type call struct {
	*params
	server  *Server
	request *http.Request
	user    *User
	token   *Token
	header  http.Header
	status  int
}

// raw is an answer that is not JSON.
type raw struct {
	contentType string
	body        []byte
}

type handler func(*call) (any, error)

func (c *call) value(name string) string { return c.request.PathValue(name) }

// accepted answers 202, as deletions do.
func (c *call) accepted() (any, error) {
	c.status = http.StatusAccepted
	return obj{"message": "202 Accepted"}, nil
}

func (c *call) noContent() (any, error) {
	c.status = http.StatusNoContent
	return nil, nil
}

// serve runs a handler for an authenticated user, under the state's lock: for
// reading on GET and HEAD, for writing otherwise.
func (s *Server) serve(operation string, handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{server: s, request: r, header: http.Header{}}
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		var answer any
		var err error
		if c.params, err = parseParams(w, r); err == nil {
			run := func() error {
				if err := c.authenticate(reads); err != nil {
					return err
				}
				if err := s.limiter.allow(c, operation); err != nil {
					return err
				}
				answer, err = handle(c)
				return err
			}
			if reads {
				err = s.read(run)
			} else {
				err = s.update(run)
			}
		}
		c.write(w, answer, err)
	}
}

func (c *call) write(w http.ResponseWriter, answer any, err error) {
	status := http.StatusOK
	if c.request.Method == http.MethodPost {
		status = http.StatusCreated
	}
	if c.status != 0 {
		status = c.status
	}
	if err != nil {
		refusal := new(Error)
		if !errors.As(err, &refusal) {
			refusal = &Error{Status: http.StatusInternalServerError, Body: obj{"message": "500 Internal Server Error"}}
		}
		status, answer = refusal.Status, refusal.Body
		maps.Copy(c.header, refusal.header)
	}
	header := w.Header()
	maps.Copy(header, c.header)
	header.Set("X-Gitlab-Meta", `{"correlation_id":"simulator","version":"1"}`)
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	body, isRaw := answer.(raw)
	if !isRaw {
		body.contentType = "application/json"
		body.body, err = json.Marshal(answer)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	header.Set("Content-Type", body.contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body.body)
}

// authenticate finds who is calling, and whether the token may do so.
func (c *call) authenticate(reads bool) error {
	value := c.request.Header.Get("PRIVATE-TOKEN")
	if value == "" {
		value, _ = strings.CutPrefix(c.request.Header.Get("Authorization"), "Bearer ")
	}
	if value == "" {
		value = c.str("private_token")
	}
	if value == "" {
		value = c.str("access_token")
	}
	c.token = c.server.tokens[value]
	if c.token == nil {
		return unauthorized()
	}
	c.user = c.server.users[c.token.UserID]
	switch {
	case c.token.Revoked:
		return invalidToken("Token was revoked. You have to re-authorize from the user.")
	case c.token.expired(c.server.now()):
		return invalidToken("Token is expired. You can either do re-authorization or token refresh.")
	case slices.Contains(c.token.Scopes, "api"):
		return nil
	case reads && slices.Contains(c.token.Scopes, "read_api"):
		return nil
	case reads && slices.Contains(c.token.Scopes, "read_user") && c.request.URL.Path == "/api/v4/user":
		return nil
	case c.request.URL.Path == "/api/v4/personal_access_tokens/self":
		return nil
	}
	scope := "api"
	if reads {
		scope = "api read_api"
	}
	return &Error{Status: http.StatusForbidden, Body: obj{
		"error":             "insufficient_scope",
		"error_description": "The request requires higher privileges than provided by the access token.",
		"scope":             scope,
	}}
}

func invalidToken(description string) error {
	return &Error{Status: http.StatusUnauthorized, Body: obj{"error": "invalid_token", "error_description": description}}
}
