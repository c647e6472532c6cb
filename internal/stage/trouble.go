package stage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// Service is what trouble can befall.
type Service string

// The services.
const (
	DS     Service = "ds"
	GitLab Service = "gitlab"
)

// Harm is a kind of trouble.
type Harm string

// The kinds of trouble.
const (
	// Slow delays each answer.
	Slow Harm = "slow"
	// Refuse answers 503, as a load balancer before a service that is down.
	Refuse Harm = "refuse"
	// Lose carries a call out and cuts the connection instead of answering.
	Lose Harm = "lose"
	// Throttle answers 429, in the service's own manner.
	Throttle Harm = "throttle"
	// Webhooks loses DS's webhooks, which it never sends again.
	Webhooks Harm = "webhooks"
)

// Harms lists the kinds of trouble.
func Harms() []Harm { return []Harm{Slow, Refuse, Lose, Throttle, Webhooks} }

// slowness is how long an answer then takes: long for who waits for it, and less
// than a client's patience.
const slowness = 1500 * time.Millisecond

// Trouble is trouble on demand.
type Trouble struct {
	Service Service
	Harm    Harm
	// Times is how many calls it strikes before it ends by itself; 0 for all until
	// it is mended.
	Times int
	// Chance is the share of calls that it strikes; 0 for each.
	Chance float64
}

// Case is one trouble that was caused, and what it did.
type Case struct {
	Trouble

	ID     int
	Since  time.Time
	Struck int
	// Over says that it ended, by itself or mended.
	Over bool

	remove func()
}

// Troubles are the troubles of a stage.
type Troubles struct {
	stage *Stage

	mu    sync.Mutex
	cases []*Case
}

// casesKept is how many are remembered once they are over.
const casesKept = 50

// Cause brings trouble, and returns its number.
func (t *Troubles) Cause(trouble Trouble) int {
	if trouble.Harm == Webhooks {
		trouble.Service = DS
	}
	c := &Case{Trouble: trouble, Since: time.Now(), remove: func() {}}
	rule := fault.Rule{Match: func(string, []byte) bool { return t.strikes(c) }}
	switch trouble.Harm {
	case Slow:
		rule.Kind, rule.Delay = fault.Slow, slowness
	case Refuse:
		rule.Kind = fault.Status
	case Lose:
		rule.Kind = fault.ResetAfter
	case Throttle:
		rule.Kind = fault.Throttle
	case Webhooks: // the relay asks
	}
	// Not under the lock: the injector asks for it while it holds its own.
	switch {
	case trouble.Harm == Webhooks:
	case trouble.Service == DS:
		c.remove = t.stage.DS.Faults().Add(rule)
	default:
		c.remove = t.stage.GitLab.Faults().Add(rule)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.ID = 1
	if n := len(t.cases); n > 0 {
		c.ID = t.cases[n-1].ID + 1
	}
	t.cases = append(t.cases, c)
	if i := slices.IndexFunc(t.cases, func(c *Case) bool { return c.Over }); i >= 0 && len(t.cases) > casesKept {
		t.cases = slices.Delete(t.cases, i, i+1)
	}
	return c.ID
}

// strikes decides on one call, and counts it.
func (t *Troubles) strikes(c *Case) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.Over || c.Chance > 0 && rand.Float64() >= c.Chance {
		return false
	}
	c.Struck++
	c.Over = c.Times > 0 && c.Struck >= c.Times
	return true
}

// losesWebhook decides on one webhook.
func (t *Troubles) losesWebhook() bool {
	return slices.ContainsFunc(t.webhookCases(), t.strikes)
}

func (t *Troubles) webhookCases() []*Case {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*Case
	for _, c := range t.cases {
		if c.Harm == Webhooks {
			found = append(found, c)
		}
	}
	return found
}

// Mend ends a trouble. An unknown number is no error: it has ended.
func (t *Troubles) Mend(id int) { t.mend(func(c *Case) bool { return c.ID == id }) }

// MendAll ends every trouble.
func (t *Troubles) MendAll() { t.mend(func(*Case) bool { return true }) }

func (t *Troubles) mend(which func(*Case) bool) {
	t.mu.Lock()
	var ended []func()
	for _, c := range t.cases {
		if which(c) {
			c.Over = true
			ended = append(ended, c.remove)
		}
	}
	t.mu.Unlock()
	for _, remove := range ended {
		remove()
	}
}

// Cases lists the troubles that were caused, the latest first.
func (t *Troubles) Cases() []Case {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Case, 0, len(t.cases))
	for _, c := range slices.Backward(t.cases) {
		list = append(list, *c)
	}
	return list
}

// ParseTroubles reads troubles as a command line gives them, separated by commas:
// [ds:|gitlab:]KIND[:COUNT|:PERCENT%]. Without a service, it befalls both.
func ParseTroubles(text string) ([]Trouble, error) {
	var list []Trouble
	for word := range strings.SplitSeq(text, ",") {
		parts := strings.Split(strings.TrimSpace(word), ":")
		services := []Service{DS, GitLab}
		if service := Service(parts[0]); slices.Contains(services, service) {
			services, parts = []Service{service}, parts[1:]
		}
		if len(parts) == 0 || len(parts) > 2 || !slices.Contains(Harms(), Harm(parts[0])) {
			return nil, fmt.Errorf("%q: write [ds:|gitlab:]KIND[:COUNT|:PERCENT%%], where KIND is slow, refuse, lose, throttle or webhooks", word)
		}
		trouble := Trouble{Harm: Harm(parts[0])}
		if len(parts) == 2 {
			if err := trouble.limit(parts[1]); err != nil {
				return nil, fmt.Errorf("%q: %w", word, err)
			}
		}
		if trouble.Harm == Webhooks {
			if len(services) == 1 && services[0] == GitLab {
				return nil, fmt.Errorf("%q: the hub lives by DS's webhooks alone: write webhooks", word)
			}
			services = []Service{DS}
		}
		for _, trouble.Service = range services {
			list = append(list, trouble)
		}
	}
	return list, nil
}

func (t *Trouble) limit(text string) error {
	percent, isShare := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(percent)
	switch {
	case isShare && err == nil && n >= 1 && n <= 100:
		t.Chance = float64(n) / 100
	case !isShare && err == nil && n >= 1 && n <= 1000:
		t.Times = n
	default:
		return fmt.Errorf("%s: write how many calls, 1 to 1000, or which share of them, 1%% to 100%%", text)
	}
	return nil
}
