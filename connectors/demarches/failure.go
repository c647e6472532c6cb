package demarches

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hasura/go-graphql-client"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// service is DS's name in errors.
const service = "Démarches Simplifiées"

// What humans can do about the failures that they have to deal with.
const (
	adviceExpired = "the token has expired or is not known: make a new one in DS and give it in PASSERELLE_DS_TOKEN"
	adviceRefused = "check in DS that the token given in PASSERELLE_DS_TOKEN is the right one, is not revoked, and may be used from this network"
	adviceHidden  = "in DS, give the token of PASSERELLE_DS_TOKEN access to this démarche"
	adviceRead    = "in DS, let the token of PASSERELLE_DS_TOKEN write, not only read"
	adviceNumber  = "check the démarche's number, and that the token of PASSERELLE_DS_TOKEN was made by one of its administrators"
	adviceURL     = "check the address in PASSERELLE_DS_URL: it must be the one of DS itself, with nothing that redirects"
	adviceNull    = "DS fails to give a part of this dossier: tell its support team the dossier's number"
)

func (c *Client) fail(op operation, class connectors.Class, detail string) *connectors.Failure {
	if op.subject != "" {
		detail = op.subject + ": " + detail
	}
	return &connectors.Failure{
		Service: service,
		Call:    op.name,
		Class:   class,
		// Reading changes nothing, however it ends.
		NoEffect: !op.mutation,
		Detail:   detail,
	}
}

// failure says what became of a call that ended with err.
func (c *Client) failure(op operation, ex *exchange, err error) *connectors.Failure {
	f := c.classify(op, ex, err)
	f.Status = ex.status
	return f
}

func (c *Client) classify(op operation, ex *exchange, err error) *connectors.Failure {
	switch {
	case ex.status == http.StatusTooManyRequests:
		f := c.fail(op, connectors.Throttled, "too many requests")
		f.NoEffect = true
		f.RetryAt = retryAt(ex.header, time.Now())
		return f
	case ex.err != nil:
		return c.unanswered(op, ex)
	case ex.status == 0:
		// The request could not even be made.
		f := c.fail(op, connectors.Permanent, "the request cannot be written")
		f.NoEffect, f.Err = true, err
		return f
	case ex.status >= http.StatusInternalServerError,
		ex.status == http.StatusRequestTimeout, ex.status == http.StatusTooEarly:
		return c.fail(op, connectors.Transient, c.reason(ex))
	case ex.status >= http.StatusBadRequest:
		f := c.fail(op, connectors.Permanent, c.reason(ex))
		f.NoEffect = true
		switch ex.status {
		case http.StatusUnauthorized:
			f.Advice = adviceExpired
		case http.StatusForbidden:
			f.Advice = adviceRefused
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			// Not NotFound: DS says that of a dossier with HTTP 200.
			f.Advice = adviceURL
		}
		return f
	case ex.status >= http.StatusMultipleChoices:
		f := c.fail(op, connectors.Permanent, "the service answers with a redirection")
		f.NoEffect, f.Advice = true, adviceURL
		return f
	}
	if rootErrors := fromDS(err); len(rootErrors) > 0 {
		return c.refused(op, rootErrors)
	}
	return c.unreadable(op, err)
}

// unreadable is the failure for an answer with HTTP 200 that is not what was asked
// for: a proxy's page, or an object missing without a word.
func (c *Client) unreadable(op operation, err error) *connectors.Failure {
	f := c.fail(op, connectors.Transient, "the answer is not one that DS gives")
	f.Status, f.Err = http.StatusOK, err
	return f
}

// unanswered is the failure for a request that got no answer, or not all of it.
func (c *Client) unanswered(op operation, ex *exchange) *connectors.Failure {
	detail, class := "the connection failed", connectors.Transient
	var dial *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(ex.err, errTooLarge):
		detail = errTooLarge.Error()
		if ex.status < http.StatusInternalServerError {
			class = connectors.Permanent
		}
	case errors.Is(ex.err, context.Canceled):
		detail = "interrupted"
	case errors.Is(ex.err, context.DeadlineExceeded), errors.As(ex.err, &timeout) && timeout.Timeout():
		detail = "no answer in time"
	case errors.As(ex.err, &dial):
		detail = "the connection failed: " + c.plain(dial.Error())
	}
	f := c.fail(op, class, detail)
	f.Err = ex.err
	// What could not connect sent nothing. Anything later may have arrived.
	if errors.As(ex.err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect") {
		f.NoEffect = true
	}
	return f
}

// fromDS picks the errors that DS itself put at the root of its answer; the
// library's own carry an error underneath.
func fromDS(err error) []graphql.Error {
	var all graphql.Errors
	if !errors.As(err, &all) {
		return nil
	}
	var theirs []graphql.Error
	for _, e := range all {
		if e.Unwrap() == nil {
			theirs = append(theirs, e)
		}
	}
	return theirs
}

// refused is the failure for root errors, which come with HTTP 200, by
// extensions.code. One that passes by itself wins over the others, and "not found"
// counts only when nothing else is said.
func (c *Client) refused(op operation, rootErrors []graphql.Error) *connectors.Failure {
	var (
		messages            []string
		notFound, transient bool
		worst, advice       string
	)
	// Before anything is carried out: the request is refused as a whole, or the
	// objects that a mutation names cannot be loaded. Errors below the mutation's
	// own field come from its answer, after it was carried out.
	noEffect := true
	for _, e := range rootErrors {
		messages = append(messages, e.Message)
		code, _ := e.Extensions["code"].(string)
		switch code {
		case "not_found":
			notFound = true
			noEffect = noEffect && len(e.Path) <= 1
		case "unauthorized":
			worst, advice = code, adviceHidden
			noEffect = noEffect && len(e.Path) <= 1
		case "timeout", "internal_server_error":
			transient, noEffect = true, false
		case "invalid_null":
			worst, noEffect = code, false
			advice = adviceNull
		case "bad_request", "graphql_parse_failed":
			worst = code
		default:
			worst, noEffect = "other", false
		}
	}
	detail := c.plain(strings.Join(messages, "; "))
	if detail == "" {
		detail = "refused without a reason"
	}
	f := c.fail(op, connectors.Permanent, detail)
	f.NoEffect = f.NoEffect || noEffect
	switch {
	case transient:
		f.Class = connectors.Transient
	case worst != "":
		f.Advice = advice
	case notFound:
		f.NotFound = true
		if op.name == opChanges || op.name == opInstructeurs {
			f.Advice = adviceNumber
		}
	}
	return f
}

// validationError is what DS's mutations answer when they refuse: no code, a
// sentence in French.
type validationError struct{ Message string }

// rejected is the failure for a mutation that DS refused in its payload: it was
// not carried out.
func (c *Client) rejected(op operation, problems []validationError) *connectors.Failure {
	var messages []string
	for _, p := range problems {
		messages = append(messages, p.Message)
	}
	all := c.plain(strings.Join(messages, "; "))
	f := c.fail(op, connectors.Permanent, all)
	f.Status, f.NoEffect = http.StatusOK, true
	switch lower := strings.ToLower(all); {
	case strings.Contains(lower, "réessayer plus tard"):
		f.Class = connectors.Transient
	case strings.Contains(lower, "lecture"):
		f.Advice = adviceRead
	}
	return f
}

// reason is why an answer with an error status says that it is one: DS's own words
// when it is DS that speaks, never the page of something in between.
func (c *Client) reason(ex *exchange) string {
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(ex.body, &answer) == nil {
		var messages []string
		for _, e := range answer.Errors {
			messages = append(messages, e.Message)
		}
		if text := c.plain(strings.Join(messages, "; ")); text != "" {
			return text
		}
	}
	if text := http.StatusText(ex.status); text != "" {
		return strings.ToLower(text)
	}
	return "the service answers with an error"
}

// address is anything that looks like an e-mail address.
var address = regexp.MustCompile(`[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+`)

// plain makes words of DS's safe to log and to show: one line, of bounded length,
// without addresses and without our token.
func (c *Client) plain(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if len(c.token) >= 8 { // shorter, it would take pieces out of plain words
		text = strings.ReplaceAll(text, c.token, "…")
	}
	text = address.ReplaceAllString(text, "…@…")
	const limit = 300
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit]) + "…"
	}
	return text
}

// maxWait bounds the time for which a service can hold us off.
const maxWait = time.Hour

// retryAt reads the end of a throttling. DS names it in RateLimit-Reset, in Unix
// seconds; a proxy before it may add Retry-After, in seconds or as a date. It is
// zero when there is none, or none in the future.
func retryAt(h http.Header, now time.Time) time.Time {
	var at time.Time
	if v := h.Get("Retry-After"); v != "" {
		if seconds, err := strconv.ParseInt(v, 10, 32); err == nil {
			at = now.Add(time.Duration(seconds) * time.Second)
		} else if date, err := http.ParseTime(v); err == nil {
			at = date
		}
	}
	if at.IsZero() {
		if unix, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64); err == nil {
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
