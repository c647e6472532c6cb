package connectors

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxAnswer bounds an answer, in bytes: a page of 100 dossiers takes a few megabytes.
const maxAnswer = 16 << 20

const tooLate = "no answer in time"

var errTooLarge = errors.New("the answer is larger than 16 MiB")

// Exchange is what one request met with. The libraries' errors drop the status and
// headers of some answers and the cause of others, so Transport notes them here.
type Exchange struct {
	Status int
	Header http.Header
	// Body is that of an answer that is an error.
	Body []byte
	Err  error
}

type exchangeKey struct{}

// WithExchange has Transport note in ex what the requests made with the context meet.
func WithExchange(ctx context.Context, ex *Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, ex)
}

// Transport adds headers to requests, bounds answers and notes what happened.
type Transport struct {
	base   http.RoundTripper
	header http.Header
}

// idleConnections is how many connections to a service are kept for the next calls:
// as many as jobs usually run at once.
const idleConnections = 32

// NewTransport returns a Transport over base; nil stands for a transport of its own
// with the usual settings.
func NewTransport(base http.RoundTripper, header http.Header) *Transport {
	if base == nil {
		own := &http.Transport{}
		if standard, ok := http.DefaultTransport.(*http.Transport); ok {
			own = standard.Clone()
		}
		own.MaxIdleConnsPerHost = idleConnections
		base = own
	}
	return &Transport{base: base, header: header}
}

// RoundTrip implements http.RoundTripper. It reads the whole answer, so that what
// goes wrong half-way is noted like what goes wrong at the start.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ex, _ := r.Context().Value(exchangeKey{}).(*Exchange)
	if ex == nil {
		ex = &Exchange{}
	}
	*ex = Exchange{} // what a redirection met with does not count
	if len(t.header) > 0 {
		r = r.Clone(r.Context())
		maps.Copy(r.Header, t.header)
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		ex.Err = err
		return nil, err
	}
	ex.Status, ex.Header = resp.StatusCode, resp.Header
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	if err == nil && len(body) > maxAnswer {
		err = errTooLarge
	}
	if err != nil {
		ex.Err = err
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		ex.Body = body
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// Unanswered says of a request that got no answer, or not all of it, what went
// wrong, of which class that is, and whether it certainly had no effect.
func (ex *Exchange) Unanswered() (detail string, class Class, noEffect bool) {
	detail, class = "the connection failed", Transient
	var (
		dial    *net.OpError
		timeout net.Error
	)
	switch {
	case errors.Is(ex.Err, errTooLarge):
		detail = errTooLarge.Error()
		if ex.Status < http.StatusInternalServerError {
			class = Permanent
		}
	case errors.Is(ex.Err, context.Canceled):
		detail = "interrupted"
	case errors.Is(ex.Err, context.DeadlineExceeded), errors.As(ex.Err, &timeout) && timeout.Timeout():
		detail = tooLate
	case errors.As(ex.Err, &dial):
		detail = "the connection failed: " + dial.Error()
	}
	// What could not connect sent nothing. Anything later may have arrived.
	noEffect = errors.As(ex.Err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect")
	return detail, class, noEffect
}

// TooMuch reports whether the answer to a request that arrived did not come in time,
// or was too large.
func (ex *Exchange) TooMuch() bool {
	detail, _, unsent := ex.Unanswered()
	return ex.Err != nil && !unsent && (detail == tooLate || detail == errTooLarge.Error())
}

// maxWait bounds the time for which a service can hold us off.
const maxWait = time.Hour

// RetryAt reads the end of a throttling. GitLab names it in Retry-After, in seconds or
// as a date, DS in RateLimit-Reset, in Unix seconds; a proxy before DS may add the
// former. It is zero when there is none, or none in the future.
func (ex *Exchange) RetryAt(now time.Time) time.Time {
	var at time.Time
	if v := ex.Header.Get("Retry-After"); v != "" {
		if seconds, err := strconv.ParseInt(v, 10, 32); err == nil {
			at = now.Add(time.Duration(seconds) * time.Second)
		} else if date, err := http.ParseTime(v); err == nil {
			at = date
		}
	}
	if at.IsZero() {
		if unix, err := strconv.ParseInt(ex.Header.Get("RateLimit-Reset"), 10, 64); err == nil {
			at = time.Unix(unix, 0)
		}
	}
	switch {
	case !at.After(now):
		return time.Time{}
	case at.Sub(now) > maxWait:
		return now.Add(maxWait)
	}
	return at
}
