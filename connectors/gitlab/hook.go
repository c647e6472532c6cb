package gitlab

import (
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"
)

// The kinds of events that are about issues.
const (
	IssueHook = "issue"
	NoteHook  = "note"
)

// Bounds on what a webhook may say.
const (
	maxHookKind = 64
	maxHookPath = 1024
)

// Hook is what GitLab's webhook says, as far as it is used: a hint that something
// happened on an issue. What happened is read through the API.
type Hook struct {
	// Kind is the event's object_kind.
	Kind string
	// Project is the project's full path.
	Project string
	// Issue is the issue's number in the project, 0 when the event is about none.
	Issue int64
	// User is the number of who did it, 0 when the event does not tell.
	User int64
}

// HookError says why a body is not a webhook of GitLab's. Its text never repeats
// what was received.
type HookError struct {
	// Field is the field at fault, "body" for the whole.
	Field  string
	Reason string
}

// Error implements error.
func (e *HookError) Error() string { return "gitlab: webhook: " + e.Field + ": " + e.Reason }

// DecodeHook reads the body of GitLab's webhook: of the events about issues and the
// comments on them, which issue it is. Of others it reads the kind, no more.
func DecodeHook(body []byte) (Hook, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return Hook{}, &HookError{Field: "body", Reason: "not a JSON object"}
	}
	var hook Hook
	var err error
	if hook.Kind, err = hookText(fields, "object_kind", "", maxHookKind); err != nil {
		return Hook{}, err
	}
	number := "object_attributes"
	switch hook.Kind {
	case IssueHook:
	case NoteHook:
		on, err := hookText(fields, "object_attributes", "noteable_type", maxHookKind)
		if err != nil {
			return Hook{}, err
		}
		if on != "Issue" { // a merge request, a commit, a snippet
			return hook, nil
		}
		number = "issue"
	default:
		return hook, nil
	}
	if hook.Project, err = hookText(fields, "project", "path_with_namespace", maxHookPath); err != nil {
		return Hook{}, err
	}
	if hook.Issue, err = hookNumber(fields, number, "iid"); err != nil {
		return Hook{}, err
	}
	hook.User, _ = hookNumber(fields, "user", "id") // older versions do not tell
	return hook, nil
}

// hookValue finds a field, or a field of an object, and decodes it. The names are
// matched letter by letter, unlike those of a struct's fields.
func hookValue(fields map[string]json.RawMessage, object, name string, value any) *HookError {
	path, raw := object, fields[object]
	if name != "" {
		var inner map[string]json.RawMessage
		if raw == nil || json.Unmarshal(raw, &inner) != nil || inner == nil {
			return &HookError{Field: object, Reason: "missing, or not an object"}
		}
		path, raw = object+"."+name, inner[name]
	}
	if raw == nil || string(raw) == "null" {
		return &HookError{Field: path, Reason: "missing"}
	}
	if json.Unmarshal(raw, value) != nil {
		return &HookError{Field: path, Reason: "of another type"}
	}
	return nil
}

func hookText(fields map[string]json.RawMessage, object, name string, limit int) (string, error) {
	var text string
	if err := hookValue(fields, object, name, &text); err != nil {
		return "", err
	}
	path := strings.TrimSuffix(object+"."+name, ".")
	switch {
	case text == "":
		return "", &HookError{Field: path, Reason: "empty"}
	case len(text) > limit:
		return "", &HookError{Field: path, Reason: "too long"}
	case !utf8.ValidString(text):
		return "", &HookError{Field: path, Reason: "not UTF-8"}
	}
	return text, nil
}

func hookNumber(fields map[string]json.RawMessage, object, name string) (int64, error) {
	var number int64
	if err := hookValue(fields, object, name, &number); err != nil {
		return 0, err
	}
	if number <= 0 || number > math.MaxInt32 {
		return 0, &HookError{Field: object + "." + name, Reason: "not the number of an issue"}
	}
	return number, nil
}
