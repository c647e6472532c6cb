package demarches

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/graph-gophers/graphql-go"
)

// maxDepth is how deep a query may be.
const maxDepth = 15

//go:embed schema.graphql
var schemaText string

// schema is parsed once, which takes a while, for all servers of the process; a
// call's session says whose it is.
var schema = sync.OnceValue(func() *graphql.Schema {
	return graphql.MustParseSchema(schemaText, &root{},
		graphql.UseFieldResolvers(), graphql.DisableFieldSelections(), graphql.MaxParallelism(20))
})

func (s *Server) routes() http.Handler {
	operation := func(_ *http.Request, body []byte) string { return s.queries.operation(body) }
	mux := http.NewServeMux()
	mux.Handle("POST /api/v2/graphql", s.faults.Middleware(operation, s.throttled, http.HandlerFunc(s.serveAPI)))
	mux.HandleFunc("GET /fichiers/{key}/{name}", s.serveFile)
	return mux
}

// apiError is an error of the API, beside the data and not in it.
type apiError struct {
	code    string
	message string
}

func (e *apiError) Error() string { return e.message }

// Extensions is what GraphQL shows of an error beside its message.
func (e *apiError) Extensions() map[string]any { return map[string]any{"code": e.code} }

func notFound(typeName string) error {
	return &apiError{code: "not_found", message: typeName + " not found"}
}

func unauthorized(typeName string) error {
	return &apiError{
		code:    "unauthorized",
		message: fmt.Sprintf("An object of type %s was hidden due to permissions", typeName),
	}
}

// session is who calls, whom, and by which address.
type session struct {
	server *Server
	token  Token
	base   string
	// anonymous is a caller without a token, who may name a stored query and reads
	// what everybody may.
	anonymous bool
}

func (s session) opens(demarche int) bool {
	return !s.anonymous && (len(s.token.Demarches) == 0 || slices.Contains(s.token.Demarches, demarche))
}

type sessionKey struct{}

func sessionOf(ctx context.Context) session {
	s, _ := ctx.Value(sessionKey{}).(session)
	return s
}

// answer is what the API says.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors []any           `json:"errors,omitempty"`
}

type rootError struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions,omitempty"`
}

func reply(w http.ResponseWriter, status int, a answer) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a)
}

// fail answers without data. Few errors have a status of their own.
func fail(w http.ResponseWriter, status int, code, message string) {
	e := rootError{Message: message}
	if code != "" {
		e.Extensions = map[string]any{"code": code}
	}
	reply(w, status, answer{Errors: []any{e}})
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !s.limiter.allow(bearer, s.clock()) {
		s.throttled(w, r)
		return
	}
	s.mu.RLock()
	token, known := s.tokens[bearer]
	s.mu.RUnlock()
	anonymous := !known || bearer == ""
	var call request
	body, err := io.ReadAll(r.Body) // bounded by the injector, which has read it before
	if err == nil {
		err = json.Unmarshal(body, &call)
	}
	switch {
	case anonymous && (err != nil || call.QueryID == ""):
		fail(w, http.StatusForbidden, "forbidden", "Without a token, only persisted queries are allowed")
		return
	case token.Expired:
		fail(w, http.StatusUnauthorized, "unauthorized", "Token expired")
		return
	case token.OutsideNet:
		fail(w, http.StatusForbidden, "forbidden", "Request issued from a forbidden network")
		return
	case err != nil:
		fail(w, http.StatusBadRequest, "bad_request", "Invalid JSON: "+err.Error())
		return
	}
	variables, err := call.variables()
	if err != nil {
		fail(w, http.StatusBadRequest, "bad_request", "Invalid variables: "+err.Error())
		return
	}
	if call.QueryID != "" {
		stored, known := storedQueries()[call.QueryID]
		if !known {
			fail(w, http.StatusOK, "bad_request", fmt.Sprintf("No query with id %q", call.QueryID))
			return
		}
		call.Query = stored
	}
	query := s.queries.parse(call.Query)
	switch {
	case call.Query == "":
		fail(w, http.StatusOK, "bad_request", "No query string was present")
		return
	case query.problem != "":
		fail(w, http.StatusBadRequest, "graphql_parse_failed", query.problem)
		return
	}
	if problem := query.pick(call.OperationName); problem != "" {
		fail(w, http.StatusOK, "bad_request", problem)
		return
	}
	if depth := query.depth(); depth > maxDepth {
		fail(w, http.StatusOK, "bad_request",
			fmt.Sprintf("Query has depth of %d, which exceeds max depth of %d", depth, maxDepth))
		return
	}
	spoil, spoilt := s.spoils.take(s.queries.operation(body))
	if spoilt && !spoil.beside() {
		fail(w, spoil.status(), spoil.Code, spoil.message())
		return
	}

	text := query.text
	if len(query.document.Operations) > 1 {
		text = query.only(call.OperationName)
	}
	ctx := context.WithValue(r.Context(), sessionKey{}, session{server: s, token: token, base: base(r), anonymous: anonymous})
	result := schema().Exec(ctx, text, call.OperationName, variables)
	a := answer{Data: query.restored(result.Data)}
	for _, e := range result.Errors {
		a.Errors = append(a.Errors, e)
	}
	if spoilt {
		a.Errors = append(a.Errors, rootError{
			Message: spoil.message(), Extensions: map[string]any{"code": spoil.Code},
		})
	}
	reply(w, http.StatusOK, a)
}

// base is the address under which the caller knows the service.
func base(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
