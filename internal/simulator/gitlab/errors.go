package gitlab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Error is a refusal, as the API words it. The acts of people return it too.
type Error struct {
	Status int
	Body   any
	header http.Header
}

func (e *Error) Error() string {
	body, _ := json.Marshal(e.Body)
	return fmt.Sprintf("gitlab: %d %s", e.Status, body)
}

type obj = map[string]any

func refuse(status int, message any) error {
	return &Error{Status: status, Body: obj{"message": message}}
}

func badRequest(message any) error { return refuse(http.StatusBadRequest, message) }

func conflict(message string) error { return refuse(http.StatusConflict, message) }

// notFound is what GitLab says of what does not exist, or may not be seen.
func notFound(what string) error {
	return refuse(http.StatusNotFound, strings.Join(strings.Fields("404 "+what+" Not Found"), " "))
}

func forbidden(reason string) error {
	if reason != "" {
		reason = " - " + reason
	}
	return refuse(http.StatusForbidden, "403 Forbidden"+reason)
}

func unauthorized() error { return refuse(http.StatusUnauthorized, "401 Unauthorized") }

// missing is Grape's answer to requests without a required parameter.
func missing(names ...string) error {
	for i, name := range names {
		names[i] = name + " is missing"
	}
	return &Error{Status: http.StatusBadRequest, Body: obj{"error": strings.Join(names, ", ")}}
}

func invalidParams(names ...string) error {
	for i, name := range names {
		names[i] = name + " is invalid"
	}
	return &Error{Status: http.StatusBadRequest, Body: obj{"error": strings.Join(names, ", ")}}
}

func noneGiven(names ...string) error {
	return &Error{Status: http.StatusBadRequest, Body: obj{
		"error": strings.Join(names, ", ") + " are missing, at least one parameter must be provided",
	}}
}

// invalid collects what is wrong with each attribute of a record.
type invalid map[string][]string

func (v invalid) add(attribute, message string) { v[attribute] = append(v[attribute], message) }

// record is the answer for most records: an object of messages.
func (v invalid) record() error {
	if len(v) == 0 {
		return nil
	}
	return badRequest(map[string][]string(v))
}

// inspected is the answer for groups: the messages as Ruby prints a hash.
func (v invalid) inspected(prefix string, newStyle bool) error {
	if len(v) == 0 {
		return nil
	}
	attributes := make([]string, 0, len(v))
	for attribute := range v {
		attributes = append(attributes, attribute)
	}
	slices.Sort(attributes)
	for i, attribute := range attributes {
		messages := make([]string, len(v[attribute]))
		for j, message := range v[attribute] {
			messages[j] = fmt.Sprintf("%q", message)
		}
		list := "[" + strings.Join(messages, ", ") + "]"
		if newStyle {
			attributes[i] = attribute + ": " + list
		} else {
			attributes[i] = ":" + attribute + "=>" + list
		}
	}
	return badRequest(prefix + " {" + strings.Join(attributes, ", ") + "}")
}
