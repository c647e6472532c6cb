package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// service is GitLab's name in errors.
const service = "GitLab"

// What humans can do about the failures that they have to deal with.
const (
	adviceExpired = "the token has expired, was revoked or is not known: make a new one in GitLab and give it in PASSERELLE_GITLAB_TOKEN"
	adviceScope   = "give in PASSERELLE_GITLAB_TOKEN a token with the scope api"
	adviceRight   = "check that the token of PASSERELLE_GITLAB_TOKEN has the role that this takes, and that what it changes is not archived"
	adviceURL     = "check the address in PASSERELLE_GITLAB_URL: it must be the one of GitLab itself, with its path prefix if it has one"
)

// errTaken marks failures to create what exists already.
var errTaken = errors.New("taken")

// IsTaken reports whether err says that something could not be created because its
// name or path is taken. What stands there may be ours, or somebody else's.
func IsTaken(err error) bool { return errors.Is(err, errTaken) }

func (c *Client) fail(op operation, class connectors.Class, detail string) *connectors.Failure {
	if op.subject != "" {
		detail = op.subject + ": " + detail
	}
	return &connectors.Failure{
		Service: service,
		Call:    op.name,
		Class:   class,
		// Reading changes nothing, however it ends.
		NoEffect: op.method == http.MethodGet,
		Detail:   c.plain(detail),
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
		reason, _ := readReason(ex)
		return c.fail(op, connectors.Transient, reason)
	case ex.status >= http.StatusBadRequest:
		return c.refused(op, ex)
	case ex.status >= http.StatusMultipleChoices:
		f := c.fail(op, connectors.Permanent, "the service answers with a redirection")
		f.NoEffect, f.Advice = true, adviceURL
		return f
	}
	return c.unreadable(op, err)
}

// refused is the failure for an answer with a status of 4xx: nothing was done.
func (c *Client) refused(op operation, ex *exchange) *connectors.Failure {
	reason, spoken := readReason(ex)
	f := c.fail(op, connectors.Permanent, reason)
	f.NoEffect = true
	switch ex.status {
	case http.StatusUnauthorized:
		f.Advice = adviceExpired
	case http.StatusForbidden:
		f.Advice = adviceRight
		if strings.HasPrefix(reason, "insufficient_scope") {
			f.Advice = adviceScope
		}
	case http.StatusNotFound:
		// A page says that there is no GitLab there, not that the thing is missing.
		f.NotFound = spoken
		if !spoken {
			f.Advice = adviceURL
		}
	default:
		switch lower := strings.ToLower(reason); {
		case strings.Contains(lower, "already been taken"),
			strings.Contains(lower, "file with this name already exists"):
			f.Err = errTaken
		case strings.Contains(lower, "try again"):
			// "The project is still being deleted. Please try again later."
			f.Class = connectors.Transient
		}
	}
	return f
}

// unreadable is the failure for an answer of success that is not what was asked
// for, such as a proxy's page.
func (c *Client) unreadable(op operation, err error) *connectors.Failure {
	f := c.fail(op, connectors.Transient, "the answer is not one that GitLab gives")
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
		detail = "the connection failed: " + dial.Error()
	}
	f := c.fail(op, class, detail)
	f.Err = ex.err
	// What could not connect sent nothing. Anything later may have arrived.
	if errors.As(ex.err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect") {
		f.NoEffect = true
	}
	return f
}

// readReason is why an answer with an error status says that it is one: GitLab's
// own words when it is GitLab that speaks, never the page of something in between.
func readReason(ex *exchange) (reason string, spoken bool) {
	var answer struct {
		Message     any    `json:"message"`
		Error       any    `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(ex.body, &answer) == nil {
		reason = flatten(answer.Message)
		if reason == "" {
			reason = flatten(answer.Error)
			if answer.Description != "" {
				reason = strings.TrimPrefix(reason+": "+answer.Description, ": ")
			}
		}
		// The status is told apart.
		reason = strings.TrimPrefix(reason, fmt.Sprintf("%d ", ex.status))
	}
	if reason != "" {
		return reason, true
	}
	if reason = strings.ToLower(http.StatusText(ex.status)); reason == "" {
		reason = "the service answers with an error"
	}
	return reason, false
}

// rubyKey is a key as Ruby prints a hash: {:path=>["…"]}, or {path: ["…"]} on
// recent versions. GitLab puts such prints into some messages.
var rubyKey = regexp.MustCompile(`[:"]?([\w.]+)"?\s*=>\s*`)

var rubyMarks = strings.NewReplacer("{", "", "}", "", "[", "", "]", "", `"`, "")

// flatten turns GitLab's messages, which are a string, a list, or lists by field,
// into one readable line.
func flatten(message any) string {
	switch m := message.(type) {
	case string:
		if strings.Contains(m, `["`) {
			m = rubyMarks.Replace(rubyKey.ReplaceAllString(m, "$1: "))
		}
		return m
	case []any:
		parts := make([]string, 0, len(m))
		for _, part := range m {
			parts = append(parts, flatten(part))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		parts := make([]string, 0, len(m))
		for _, key := range slices.Sorted(maps.Keys(m)) {
			parts = append(parts, key+": "+flatten(m[key]))
		}
		return strings.Join(parts, "; ")
	case nil:
		return ""
	default:
		return fmt.Sprint(m)
	}
}

// address is anything that looks like an e-mail address.
var address = regexp.MustCompile(`[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+`)

// plain makes words of GitLab's safe to log and to show: one line, of bounded
// length, without addresses and without our token.
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

// retryAt reads the end of a throttling: Retry-After in seconds or as a date, or
// RateLimit-Reset in Unix seconds. It is zero when there is none, or none in the
// future.
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
