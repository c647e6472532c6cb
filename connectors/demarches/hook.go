package demarches

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Bounds on what a webhook's body may be. DS's takes less than 200 bytes.
const (
	maxHook       = 16 << 10
	maxHookFields = 64
	maxHookValue  = 64
)

// Hook is what DS's webhook says. It is a hint: whoever knows the address can send
// one, and it may be late, repeated or early.
type Hook struct {
	Demarche, Dossier int64
	// State is empty when the hook names none that DS knows.
	State onboarding.State
	// UpdatedAt is zero when it cannot be read.
	UpdatedAt time.Time
	// Remark tells what could not be read. It never repeats what was received.
	Remark string
}

// HookError says why a body is not a webhook of DS's. Its text never repeats what
// was received.
type HookError struct {
	// Field is the field at fault, empty for the whole body.
	Field  string
	Reason string
}

// Error implements error.
func (e *HookError) Error() string {
	if e.Field == "" {
		return "demarches: webhook: " + e.Reason
	}
	return "demarches: webhook: " + e.Field + ": " + e.Reason
}

// DecodeHook reads the body of DS's webhook, a form of procedure_id, dossier_id,
// state and updated_at. The two numbers suffice; the rest is only remarked on.
func DecodeHook(body []byte) (Hook, error) {
	if len(body) > maxHook {
		return Hook{}, &HookError{Reason: "too long"}
	}
	fields, reason := hookFields(string(body))
	if reason != "" {
		return Hook{}, &HookError{Reason: reason}
	}
	var hook Hook
	var err error
	if hook.Demarche, err = hookNumber(fields, "procedure_id"); err != nil {
		return Hook{}, err
	}
	if hook.Dossier, err = hookNumber(fields, "dossier_id"); err != nil {
		return Hook{}, err
	}
	var remarks []string
	remark := func(name, reason string) { remarks = append(remarks, name+": "+reason) }

	if value, reason := hookValue(fields, "state"); reason != "" {
		remark("state", reason)
	} else if state := onboarding.State(value); !state.Known() {
		remark("state", "unknown")
	} else {
		hook.State = state
	}
	if value, reason := hookValue(fields, "updated_at"); reason != "" {
		remark("updated_at", reason)
	} else if at, ok := hookTime(value); !ok {
		remark("updated_at", "not a date")
	} else {
		hook.UpdatedAt = at
	}
	hook.Remark = strings.Join(remarks, "; ")
	return hook, nil
}

// hookField is one of the four fields, as received.
type hookField struct {
	value string
	// fault tells why the value cannot be used.
	fault string
}

// hookFields splits a form. It is not url.ParseQuery because one bad escape in a
// field that matters little must not cost the ones that matter.
func hookFields(body string) (map[string]hookField, string) {
	fields := map[string]hookField{}
	n := 0
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		if n++; n > maxHookFields {
			return nil, "too many fields"
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			continue
		}
		var field hookField
		value, err := url.QueryUnescape(rawValue)
		switch value = strings.TrimSpace(value); {
		case err != nil:
			field.fault = "badly encoded"
		case len(value) > maxHookValue:
			field.fault = "too long"
		default:
			field.value = value
		}
		if before, ok := fields[name]; ok && before != field {
			field = hookField{fault: "given twice"}
		}
		fields[name] = field
	}
	return fields, ""
}

func hookValue(fields map[string]hookField, name string) (value, reason string) {
	switch field, ok := fields[name]; {
	case !ok:
		return "", "missing"
	case field.fault != "":
		return "", field.fault
	case field.value == "":
		return "", "empty"
	default:
		return field.value, ""
	}
}

// hookNumber reads the number of a démarche or a dossier. DS's API takes an Int,
// which GraphQL bounds to 32 bits: no larger one can be asked for.
func hookNumber(fields map[string]hookField, name string) (int64, error) {
	value, reason := hookValue(fields, name)
	if reason != "" {
		return 0, &HookError{Field: name, Reason: reason}
	}
	// ParseUint takes digits alone, without a sign.
	number, err := strconv.ParseUint(value, 10, 32)
	if err != nil || number == 0 || number > math.MaxInt32 {
		return 0, &HookError{Field: name, Reason: "not the number of anything"}
	}
	return int64(number), nil
}

// hookTimes are Ruby's text forms, which DS sends, and ISO 8601.
var hookTimes = []string{
	"2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05 UTC",
	time.RFC3339,
}

func hookTime(value string) (time.Time, bool) {
	for _, layout := range hookTimes {
		if at, err := time.Parse(layout, value); err == nil && !at.IsZero() {
			return at, true
		}
	}
	return time.Time{}, false
}
