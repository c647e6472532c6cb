// Package fault puts faults on demand between a client and a simulated service:
// cut connections, lost answers, late effects, slowness, load balancers' errors,
// throttling. What distinguishes one from another is whether, and when, the call
// has its effect in the service; that is what a careful client has to find out.
package fault

import "time"

// Kind says what happens to a call.
type Kind string

const (
	// ResetBefore cuts the connection; the service never sees the call.
	ResetBefore Kind = "reset-before"
	// ResetAfter lets the call have its effect, then cuts the connection without an answer.
	ResetAfter Kind = "reset-after"
	// Hang lets the call have its effect at once; its answer comes Delay later,
	// or never when Delay is 0: it then lasts until the caller goes away.
	Hang Kind = "hang"
	// LateEffect lets the call have its effect only after Delay, even if the
	// caller has gone by then; the answer, if anyone still waits, comes after it.
	LateEffect Kind = "late-effect"
	// Slow waits for Delay before the effect, and gives up if the caller goes away first.
	Slow Kind = "slow"
	// Status answers Rule.Status with an HTML body, as a load balancer does, without effect.
	Status Kind = "status"
	// StatusAfter lets the call have its effect, then replaces the answer as Status does.
	StatusAfter Kind = "status-after"
	// Throttle answers 429 in the service's own manner, without effect.
	Throttle Kind = "throttle"
)

// Kinds lists every kind, in the order of the documentation.
var Kinds = []Kind{ResetBefore, ResetAfter, Hang, LateEffect, Slow, Status, StatusAfter, Throttle}

// Rule says which calls meet which fault. Rules are asked in the order in which
// they were added; the first that fires decides, and those after it do not count
// that call.
type Rule struct {
	Operation   string  // exact name of the operation; empty for every one
	Kind        Kind    // what happens
	Skip        int     // how many matching calls pass before the rule fires
	Times       int     // how often the rule fires; 0 for ever
	Probability float64 // chance that a matching call is hit, from the injector's seed; 0 for always
	Delay       time.Duration
	Status      int                               // for Status and StatusAfter; 0 means 503
	Match       func(op string, body []byte) bool // a further condition, if not nil
}

// rule is a Rule with its counts, which the injector's mutex guards.
type rule struct {
	Rule
	seen, fired int
}

// spent says whether the rule has fired as often as it may.
func (r *rule) spent() bool { return r.Times > 0 && r.fired >= r.Times }

// concerns says whether the rule is about such a call at all. It may take its time,
// and look at the injector: no lock is held.
func (r *rule) concerns(op string, body []byte) bool {
	return (r.Operation == "" || r.Operation == op) && (r.Match == nil || r.Match(op, body))
}

// hits counts the call and says whether the rule fires on it. chance is asked
// only when the outcome depends on it, so that one rule's draws are not
// disturbed by calls that do not concern it.
func (r *rule) hits(chance func() float64) bool {
	if r.spent() {
		return false
	}
	r.seen++
	if r.seen <= r.Skip || (r.Probability > 0 && chance() >= r.Probability) {
		return false
	}
	r.fired++
	return true
}
