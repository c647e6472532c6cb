package demarches_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *demarches.Options) {
		o.Tokens = append(o.Tokens,
			demarches.Token{Value: "expiré", Expired: true},
			demarches.Token{Value: "dehors", OutsideNet: true},
			demarches.Token{Value: "autre", Demarches: []int{1}})
	})
	number := b.file()
	dossier := fmt.Sprintf("{ dossier(number: %d) { number } }", number)
	deep := func(n int) string {
		// demarche.dossiers.nodes is 3 deep; each pair of champs.dossier adds 2.
		return "{ demarche(number: 42) { dossiers { nodes { " +
			strings.Repeat("champs { ... on DossierLinkChamp { dossier { ", n) + "id" +
			strings.Repeat(" } } }", n) + " } } } }"
	}

	for name, c := range map[string]struct {
		token, query  string
		status        int
		code, message string
	}{
		"no token":        {"", dossier, 403, "forbidden", "Without a token, only persisted queries are allowed"},
		"unknown token":   {"inconnu", dossier, 403, "forbidden", "Without a token, only persisted queries are allowed"},
		"expired token":   {"expiré", dossier, 401, "unauthorized", "Token expired"},
		"other network":   {"dehors", dossier, 403, "forbidden", ""},
		"other démarche":  {"autre", dossier, 200, "unauthorized", "An object of type Dossier was hidden due to permissions"},
		"no such dossier": {token, "{ dossier(number: 1) { number } }", 200, "not_found", "Dossier not found"},
		"no such form":    {token, "{ demarche(number: 1) { number } }", 200, "not_found", "Demarche not found"},
		"syntax":          {token, "{ dossier(", 400, "graphql_parse_failed", ""},
		"unknown field":   {token, "{ dossier(number: 1) { nombre } }", 200, "", ""},
		"first and last":  {token, "{ demarche(number: 42) { dossiers(first: 1, last: 1) { nodes { id } } } }", 200, "bad_request", `Arguments "first" and "last" are exclusive`},
		"bad cursor":      {token, `{ demarche(number: 42) { dossiers(after: "abc") { nodes { id } } } }`, 200, "bad_request", ""},
		"no query":        {token, "", 200, "bad_request", ""},
		"too deep":        {token, deep(7), 200, "bad_request", "Query has depth of 18, which exceeds max depth of 15"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := b.in(t)
			r := b.ask(c.token, c.query, nil)
			require.Equal(t, c.status, r.status, r.text)
			require.Nil(t, r.Data)
			require.Contains(t, r.text, `"data":null`)
			require.NotEmpty(t, r.Errors)
			require.Equal(t, c.code, r.code(), r.text)
			if c.message != "" {
				require.Equal(t, c.message, r.Errors[0].Message)
			}
		})
	}
	t.Run("deep enough", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		require.Empty(t, b.ask(token, deep(5), nil).Errors)
	})
	t.Run("not JSON", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		r := b.post(token, "query")
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Equal(t, "bad_request", r.code())
	})
	t.Run("variables as text", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		r := b.post(token, fmt.Sprintf(
			`{"query":"query($n: Int!){dossier(number:$n){number}}","variables":"{\"n\":%d}"}`, number))
		require.Empty(t, r.Errors, r.text)
	})
	t.Run("revoked", func(t *testing.T) {
		t.Parallel()
		b := b.in(t)
		b.AddToken(demarches.Token{Value: "bref"})
		require.Empty(t, b.ask("bref", dossier, nil).Errors)
		b.RevokeToken("bref")
		require.Equal(t, http.StatusForbidden, b.ask("bref", dossier, nil).status)
	})
}

func TestSpoil(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	dossier := fmt.Sprintf("query lire { dossier(number: %d) { number } }", number)

	for code, status := range map[string]int{
		"timeout": 200, "invalid_null": 200, "unauthorized": 200, "internal_server_error": 500, "graphql_parse_failed": 400,
	} {
		b.Spoil(demarches.Spoil{Operation: "lire", Code: code, Times: 1})
		r := b.ask(token, dossier, nil)
		require.Equal(t, status, r.status)
		require.Equal(t, code, r.code())
		require.Equal(t, code == "timeout" || code == "invalid_null", r.Data != nil, "beside partial data: %s", r.text)
		require.Empty(t, b.ask(token, dossier, nil).Errors, "once only")
	}

	remove := b.Spoil(demarches.Spoil{Code: "timeout"})
	require.Len(t, b.ask(token, dossier, nil).Errors, 1)
	remove()
	require.Empty(t, b.ask(token, dossier, nil).Errors)
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *demarches.Options) { o.RateLimit = 3 })
	ask := func(token string) response { return b.ask(token, "{ demarche(number: 42) { number } }", nil) }
	for range 3 {
		require.Equal(t, http.StatusOK, ask(token).status)
	}
	r := ask(token)
	require.Equal(t, http.StatusTooManyRequests, r.status)
	require.Equal(t, "text/plain", r.header.Get("Content-Type"))
	require.Equal(t, "0", r.header.Get("RateLimit-Remaining"))
	end := monday.Truncate(time.Minute).Add(time.Minute)
	require.Equal(t, strconv.FormatInt(end.Unix(), 10), r.header.Get("RateLimit-Reset"))
	require.Empty(t, r.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, ask(readOnly).status, "each token has its own")

	b.clock.advance(30 * time.Second)
	require.Equal(t, http.StatusOK, ask(token).status, "the next minute has begun")
}

// The injector stands in front of the API, and knows operations by name.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := b.file()
	named := fmt.Sprintf("query lire { dossier(number: %d) { number } }", number)
	b.ask(token, named, nil)
	b.ask(token, "{ demarche(number: 42) { number } }", nil)
	b.post(token, `{"query":"query a{demarche(number:42){id}} query b{demarche(number:42){id}}","operationName":"b"}`)
	require.Equal(t, map[string]int{"lire": 1, "demarche": 1, "b": 1}, b.Faults().Calls())

	b.Faults().Add(fault.Rule{Operation: "lire", Kind: fault.Throttle, Times: 1})
	r := b.ask(token, named, nil)
	require.Equal(t, http.StatusTooManyRequests, r.status)
	require.Equal(t, "0", r.header.Get("RateLimit-Remaining"))

	// The answer is lost, the message is there.
	b.Faults().Add(fault.Rule{Operation: "dossierEnvoyerMessage", Kind: fault.StatusAfter, Status: http.StatusBadGateway})
	before := len(b.Messages(number))
	r = b.ask(token, `mutation($i: DossierEnvoyerMessageInput!) { dossierEnvoyerMessage(input: $i) { message { id } } }`,
		map[string]any{"i": b.input(number, map[string]any{"body": "Bonjour"})})
	require.Equal(t, http.StatusBadGateway, r.status)
	require.Len(t, b.Messages(number), before+1)
}
