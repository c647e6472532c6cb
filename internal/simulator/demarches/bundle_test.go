package demarches_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

const (
	token    = "jeton-de-test"
	readOnly = "jeton-de-lecture"
	form     = 42
)

// monday is when the tests take place, in winter.
var monday = time.Date(2026, time.November, 23, 10, 15, 30, 123456789, time.UTC)

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bundle is a simulated DS behind a real HTTP server, with somebody to receive its webhooks.
type bundle struct {
	*demarches.Server
	t        testing.TB
	clock    *clock
	url      string
	webhooks chan string // bodies received
}

func setup(tb testing.TB, change ...func(*demarches.Options)) *bundle {
	tb.Helper()
	b := &bundle{t: tb, clock: &clock{now: monday}, webhooks: make(chan string, 1000)}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Method != http.MethodPost {
			body = []byte("not a form")
		}
		b.webhooks <- string(body)
		w.WriteHeader(http.StatusNoContent)
	}))
	options := demarches.Options{
		Token:      token,
		Tokens:     []demarches.Token{{Value: readOnly, ReadOnly: true}},
		Clock:      b.clock.time,
		WebhookURL: receiver.URL + "/secret",
		Demarches: []demarches.Demarche{{
			Form: demarches.ConsoleAccessForm(form),
			Groups: []demarches.Group{
				{Label: "défaut", Agents: []string{"agent@dinum.example", "robot@dinum.example"}},
				{Label: "autre", Agents: []string{"ailleurs@dinum.example"}},
			},
			Labels: []string{"à relancer", "prioritaire"},
		}},
	}
	for _, c := range change {
		c(&options)
	}
	b.Server = demarches.New(options)
	server := httptest.NewServer(b.Server)
	b.url = server.URL
	tb.Cleanup(func() {
		b.Close()
		server.Close()
		receiver.Close()
	})
	return b
}

// in is the same bundle, which fails the subtest in place of its parent.
func (b *bundle) in(tb testing.TB) *bundle {
	tb.Helper()
	c := *b
	c.t = tb
	return &c
}

func (b *bundle) file(options ...demarches.ActOption) int {
	b.t.Helper()
	number, err := b.File(form, demarches.Application{
		Email:     "camille.martin@interieur.example",
		Applicant: demarches.Applicant{Civility: "Mme", FirstName: "Camille", LastName: "Martin"},
		Answers:   demarches.ConsoleAccessAnswers("Démarche Zéro Papier"),
	}, options...)
	require.NoError(b.t, err)
	return number
}

// response is an answer of the API.
type response struct {
	status int
	header http.Header
	text   string
	Data   map[string]any
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
}

func (r response) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	return r.Errors[0].Extensions.Code
}

func (b *bundle) post(bearer, body string) response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/api/v2/graphql", bytes.NewBufferString(body))
	require.NoError(b.t, err)
	r.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	answer := response{status: res.StatusCode, header: res.Header, text: string(text)}
	if bytes.HasPrefix(text, []byte("{")) {
		require.NoError(b.t, json.Unmarshal(text, &answer), string(text))
	}
	return answer
}

func (b *bundle) ask(bearer, query string, variables map[string]any) response {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(b.t, err)
	return b.post(bearer, string(body))
}

// query asks and wants an answer without errors.
func (b *bundle) query(query string, variables map[string]any) map[string]any {
	b.t.Helper()
	r := b.ask(token, query, variables)
	require.Equal(b.t, http.StatusOK, r.status, r.text)
	require.Empty(b.t, r.Errors, r.text)
	return r.Data
}

// mutate does a mutation named name with its input and returns its payload.
func (b *bundle) mutate(name, selection string, input map[string]any) map[string]any {
	b.t.Helper()
	typeName := string(name[0]-'a'+'A') + name[1:] + "Input"
	query := "mutation($input:" + typeName + "!){" + name + "(input:$input){errors{message} " + selection + "}}"
	data := b.query(query, map[string]any{"input": input})
	return data[name].(map[string]any)
}

func (b *bundle) input(number int, more map[string]any) map[string]any {
	in := map[string]any{"dossierId": demarches.DossierID(number), "instructeurId": demarches.InstructeurID(1)}
	maps.Copy(in, more)
	return in
}

func (b *bundle) webhook() string {
	b.t.Helper()
	select {
	case body := <-b.webhooks:
		return body
	case <-b.t.Context().Done():
		return ""
	}
}

// settled closes the simulator, so that no more webhooks come, and counts those that did.
func (b *bundle) settled() int {
	b.Close()
	return len(b.webhooks)
}

func at(data any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			data = data.(map[string]any)[s]
		case int:
			data = data.([]any)[s]
		}
	}
	return data
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// direct asks the handler without a network.
func (b *bundle) direct(query string, variables map[string]any) map[string]any {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(b.t, err)
	r := httptest.NewRequest(http.MethodPost, "/api/v2/graphql", bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	var answer response
	require.NoError(b.t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Empty(b.t, answer.Errors)
	return answer.Data
}
