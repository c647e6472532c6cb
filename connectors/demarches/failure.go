package demarches

import (
	"encoding/json"
	"errors"
	"net/http"
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
func (c *Client) failure(op operation, ex *connectors.Exchange, err error) *connectors.Failure {
	f := c.classify(op, ex, err)
	f.Status = ex.Status
	switch {
	case op.mutation:
		f.Unreadable = ""
	case ex.Status < http.StatusInternalServerError && ex.TooMuch(),
		ex.Status == http.StatusInternalServerError, ex.Status == http.StatusBadGateway, ex.Status == http.StatusGatewayTimeout:
		f.Unreadable = strings.TrimPrefix(f.Detail, op.subject+": ")
	}
	return f
}

func (c *Client) classify(op operation, ex *connectors.Exchange, err error) *connectors.Failure {
	switch {
	case ex.Status == http.StatusTooManyRequests:
		f := c.fail(op, connectors.Throttled, "too many requests")
		f.NoEffect = true
		f.RetryAt = ex.RetryAt(time.Now())
		return f
	case ex.Err != nil:
		return c.unanswered(op, ex)
	case ex.Status == 0:
		// The request could not even be made.
		f := c.fail(op, connectors.Permanent, "the request cannot be written")
		f.NoEffect, f.Err = true, err
		return f
	case ex.Status >= http.StatusInternalServerError,
		ex.Status == http.StatusRequestTimeout, ex.Status == http.StatusTooEarly:
		reason, _ := c.reason(ex)
		f := c.fail(op, connectors.Transient, reason)
		f.Down = true
		return f
	case ex.Status >= http.StatusBadRequest:
		reason, spoken := c.reason(ex)
		f := c.fail(op, connectors.Permanent, reason)
		f.NoEffect = true
		switch ex.Status {
		case http.StatusUnauthorized:
			f.Class, f.Advice = connectors.Denied, adviceExpired
		case http.StatusForbidden:
			f.Class, f.Advice = connectors.Denied, adviceRefused
			if !spoken { // something before DS
				f.Class, f.Down = connectors.Transient, true
			}
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			// Not NotFound: DS says that of a dossier with HTTP 200.
			f.Class, f.Down, f.Advice = connectors.Transient, true, adviceURL
		}
		return f
	case ex.Status >= http.StatusMultipleChoices:
		f := c.fail(op, connectors.Transient, "the service answers with a redirection")
		f.Down, f.NoEffect, f.Advice = true, true, adviceURL
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
	const detail = "the answer is not one that DS gives"
	f := c.fail(op, connectors.Transient, detail)
	f.Status, f.Err, f.Down, f.Unreadable = http.StatusOK, err, true, detail
	return f
}

// unanswered is the failure for a request that got no answer, or not all of it.
func (c *Client) unanswered(op operation, ex *connectors.Exchange) *connectors.Failure {
	detail, class, noEffect := ex.Unanswered()
	f := c.fail(op, class, c.plain(detail))
	f.Err, f.NoEffect = ex.Err, f.NoEffect || noEffect
	f.Down = class == connectors.Transient
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
		f.Class, f.Unreadable = connectors.Transient, detail
	case worst == "invalid_null":
		f.Advice, f.Unreadable = advice, detail
	case worst != "":
		f.Advice = advice
	case notFound:
		f.NotFound = true
		if op.name == opChanges || op.name == opHeadings || op.name == opNewest || op.name == opInstructeurs || op.name == opLabels {
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
func (c *Client) reason(ex *connectors.Exchange) (reason string, spoken bool) {
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(ex.Body, &answer) == nil {
		var messages []string
		for _, e := range answer.Errors {
			messages = append(messages, e.Message)
		}
		if text := c.plain(strings.Join(messages, "; ")); text != "" {
			return text, true
		}
	}
	if text := http.StatusText(ex.Status); text != "" {
		return strings.ToLower(text), false
	}
	return "the service answers with an error", false
}

// plain makes the service's words safe to log and to show.
func (c *Client) plain(text string) string { return connectors.Plain(text, c.token) }
