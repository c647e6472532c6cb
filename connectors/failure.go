// Package connectors holds what the connectors to external services share: the
// classes of their failures. Each service has a folder of its own below.
package connectors

import (
	"errors"
	"fmt"
	"time"
)

// Class says what can be done about a failed call.
type Class string

const (
	// Transient failures pass by themselves: network, 5xx, timeouts. The call is
	// made again after a growing delay.
	Transient Class = "transient"
	// Throttled means that the service asked us to wait. The call had no effect.
	Throttled Class = "throttled"
	// Denied means that the service does not accept our token: no call can succeed
	// before somebody renews it. The call had no effect.
	Denied Class = "denied"
	// Permanent failures need a human: bad data, a refusal, a missing right.
	Permanent Class = "permanent"
)

// Failure is the error that every connector returns when a call did not succeed.
// Its text is safe to log and to show: it holds neither tokens nor personal data.
type Failure struct {
	// Service is the name of the external service, as people know it.
	Service string
	// Call names what was tried, such as "create group" or "dossierEnvoyerMessage".
	Call string
	// Class says what can be done about it.
	Class Class
	// Status is the HTTP status of the answer, 0 when there was none.
	Status int
	// NotFound tells that the thing asked for does not exist, or is not visible.
	NotFound bool
	// Down tells that the service as a whole seems to be in trouble, not this call
	// alone: it did not answer, or not as it does, or something else answers in its
	// place.
	Down bool
	// Local tells that the service was not asked at all: our own checks found it.
	Local bool
	// NoEffect tells that the call certainly changed nothing. When it is false
	// the call may have been carried out although it failed.
	NoEffect bool
	// Unreadable says how the service failed, where that may be over what was asked
	// for and not over everything: less of it may get through. Empty otherwise.
	Unreadable string
	// RetryAt is the time that a throttling service named; zero when it named none.
	RetryAt time.Time
	// Detail says why, in the service's own words where they are safe to repeat.
	Detail string
	// Advice says what a human can do about it.
	Advice string
	// Err is the error underneath, if any. It is not part of the text.
	Err error
}

// Error tells which service, what was tried, why it failed and what to do.
func (f *Failure) Error() string {
	text := fmt.Sprintf("%s: %s: %s", f.Service, f.Call, f.Detail)
	if f.Status != 0 {
		text += fmt.Sprintf(" (HTTP %d)", f.Status)
	}
	if f.Advice != "" {
		text += "; " + f.Advice
	}
	return text
}

// Unwrap returns the error underneath.
func (f *Failure) Unwrap() error { return f.Err }

// AsFailure returns the Failure in err's chain, or nil.
func AsFailure(err error) *Failure {
	failure, _ := errors.AsType[*Failure](err)
	return failure
}

// IsNotFound reports whether err says that the thing asked for does not exist, or
// is not visible to us.
func IsNotFound(err error) bool {
	failure := AsFailure(err)
	return failure != nil && failure.NotFound
}
