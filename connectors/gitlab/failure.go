package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// Service is GitLab's name in errors.
const Service = "GitLab"

// What humans can do about the failures that they have to deal with.
const (
	adviceExpired = "the token has expired, was revoked or is not known: make a new one in GitLab and give it in PASSERELLE_GITLAB_TOKEN"
	adviceScope   = "give in PASSERELLE_GITLAB_TOKEN a token with the scope api"
	adviceRight   = "check that the token of PASSERELLE_GITLAB_TOKEN has the role that this takes, and that what it changes is not archived"
	adviceMoved   = "what this is about was renamed or moved in GitLab: give its new path, or run passerelle reconcile, then replay the job"
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
		Service: Service,
		Call:    op.name,
		Class:   class,
		// Reading changes nothing, however it ends.
		NoEffect: op.method == http.MethodGet,
		Detail:   c.plain(detail),
	}
}

// failure says what became of a call that ended with err.
func (c *Client) failure(op operation, ex *connectors.Exchange, err error) *connectors.Failure {
	f := c.classify(op, ex, err)
	f.Status = ex.Status
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
		reason, _ := readReason(ex)
		f := c.fail(op, connectors.Transient, reason)
		f.Down = true
		return f
	case ex.Status >= http.StatusBadRequest:
		return c.refused(op, ex)
	case ex.Status >= http.StatusMultipleChoices:
		f := c.fail(op, connectors.Transient, "the service answers with a redirection")
		f.Down, f.NoEffect, f.Advice = true, true, adviceURL
		to, err := url.Parse(ex.Header.Get("Location"))
		if err == nil && (to.Host == "" || to.Host == c.api.BaseURL().Host) && strings.Contains(to.Path, "/api/v4/") {
			// GitLab's own: one group or project has moved, and the rest answers.
			f.Class, f.Down, f.Advice = connectors.Permanent, false, adviceMoved
		}
		return f
	}
	return c.unreadable(op, err)
}

// refused is the failure for an answer with a status of 4xx: nothing was done.
func (c *Client) refused(op operation, ex *connectors.Exchange) *connectors.Failure {
	reason, spoken := readReason(ex)
	f := c.fail(op, connectors.Permanent, reason)
	f.NoEffect = true
	switch ex.Status {
	case http.StatusUnauthorized:
		f.Class, f.Advice = connectors.Denied, adviceExpired
	case http.StatusForbidden:
		f.Advice = adviceRight
		if !spoken { // something before GitLab
			f.Class, f.Down = connectors.Transient, true
		}
		if strings.HasPrefix(reason, "insufficient_scope") {
			f.Advice = adviceScope
		}
	case http.StatusNotFound:
		// A page says that there is no GitLab there, not that the thing is missing.
		f.NotFound = spoken
		if !spoken {
			f.Class, f.Down, f.Advice = connectors.Transient, true, adviceURL
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
	f.Status, f.Err, f.Down = http.StatusOK, err, true
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

// readReason is why an answer with an error status says that it is one: GitLab's
// own words when it is GitLab that speaks, never the page of something in between.
func readReason(ex *connectors.Exchange) (reason string, spoken bool) {
	var answer struct {
		Message     any    `json:"message"`
		Error       any    `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(ex.Body, &answer) == nil {
		reason = flatten(answer.Message)
		if reason == "" {
			reason = flatten(answer.Error)
			if answer.Description != "" {
				reason = strings.TrimPrefix(reason+": "+answer.Description, ": ")
			}
		}
		// The status is told apart.
		reason = strings.TrimPrefix(reason, fmt.Sprintf("%d ", ex.Status))
	}
	if reason != "" {
		return reason, true
	}
	if reason = strings.ToLower(http.StatusText(ex.Status)); reason == "" {
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

// plain makes the service's words safe to log and to show.
func (c *Client) plain(text string) string { return connectors.Plain(text, c.token) }
