package demarches

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
)

// maxAnswer bounds an answer: a page of 100 dossiers takes a few megabytes.
const maxAnswer = 16 << 20

var errTooLarge = errors.New("the answer is larger than 16 MiB")

// exchange is what one request met with. The GraphQL library's errors drop the
// status and the headers, so the transport notes them here.
type exchange struct {
	status int
	header http.Header
	body   []byte // of an answer that is an error
	err    error
}

type exchangeKey struct{}

func withExchange(ctx context.Context, ex *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, ex)
}

// transport signs requests, bounds answers and notes what happened.
type transport struct {
	base             http.RoundTripper
	token, userAgent string
}

// RoundTrip implements http.RoundTripper. It reads the whole answer, so that what
// goes wrong half-way is noted like what goes wrong at the start.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ex, _ := r.Context().Value(exchangeKey{}).(*exchange)
	if ex == nil {
		ex = &exchange{}
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+t.token)
	r.Header.Set("Accept", "application/json")
	if t.userAgent != "" {
		r.Header.Set("User-Agent", t.userAgent)
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		ex.err = err
		return nil, err
	}
	ex.status, ex.header = resp.StatusCode, resp.Header
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	if err == nil && len(body) > maxAnswer {
		err = errTooLarge
	}
	if err != nil {
		ex.err = err
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		ex.body = body
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
