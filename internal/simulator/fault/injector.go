package fault

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
)

// maxOperations bounds the request log: operation names come from clients.
const maxOperations = 1000

// otherOperations is where calls are counted once the log has maxOperations names.
const otherOperations = "(others)"

// Injector holds the rules of one service, its request log and the count of the
// faults that struck. It is safe for concurrent use.
type Injector struct {
	// ctx ends with Close, and with it every wait of a fault.
	ctx    context.Context
	cancel context.CancelFunc
	late   sync.WaitGroup

	mu     sync.Mutex
	random *rand.Rand
	rules  []*rule
	closed bool
	fired  map[Kind]int
	calls  map[string]int
	struck chan struct{} // closed, and replaced, whenever fired changes
}

// NewInjector returns an injector without rules, which lets every call pass. The
// same seed and the same sequence of calls give the same faults.
func NewInjector(seed uint64) *Injector {
	ctx, cancel := context.WithCancel(context.Background())
	return &Injector{
		ctx: ctx, cancel: cancel,
		random: rand.New(rand.NewPCG(seed, seed)),
		fired:  map[Kind]int{},
		calls:  map[string]int{},
		struck: make(chan struct{}),
	}
}

// Add puts a rule after those that are there. The function it returns takes that
// rule away again; a fault under way goes on.
func (i *Injector) Add(r Rule) (remove func()) {
	added := &rule{Rule: r}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules = append(i.rules, added)
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.rules = slices.DeleteFunc(i.rules, func(r *rule) bool { return r == added })
	}
}

// Clear takes all rules away.
func (i *Injector) Clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rules = nil
}

// Fired counts the faults that struck since the start. A fault counts once it has
// done its harm and before the caller can notice: those that let the call have its
// effect count after that effect, Slow when its delay begins.
func (i *Injector) Fired() map[Kind]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.fired)
}

// WaitFired returns when faults of this kind have struck at least n times since the start.
func (i *Injector) WaitFired(ctx context.Context, kind Kind, n int) error {
	for {
		i.mu.Lock()
		fired, struck := i.fired[kind], i.struck
		i.mu.Unlock()
		if fired >= n {
			return nil
		}
		select {
		case <-struck:
		case <-ctx.Done():
			return fmt.Errorf("fault: %s struck %d times, not %d: %w", kind, fired, n, ctx.Err())
		}
	}
}

// Calls counts the calls that arrived, by operation, whatever became of them.
func (i *Injector) Calls() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.calls)
}

// ResetCalls empties the request log.
func (i *Injector) ResetCalls() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.calls)
}

// Close ends every wait: late effects whose time has not come are dropped, and
// their callers cut off; those under way are waited for. Calls pass freely afterwards.
func (i *Injector) Close() {
	i.mu.Lock()
	i.closed = true
	i.rules = nil
	i.mu.Unlock()
	i.cancel()
	i.late.Wait()
}

// take logs the call and returns the rule that fires on it, if one does.
func (i *Injector) take(op string, body []byte) *rule {
	for _, r := range i.log(op) {
		if r.concerns(op, body) && i.fires(r) {
			return r
		}
	}
	return nil
}

// log counts the call and returns the rules to be asked: those that are not spent.
func (i *Injector) log(op string) []*rule {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, known := i.calls[op]; !known && len(i.calls) >= maxOperations {
		op = otherOperations
	}
	i.calls[op]++
	return slices.DeleteFunc(slices.Clone(i.rules), (*rule).spent)
}

// fires asks a rule that concerns a call. A late effect is registered here, under the
// lock, so that Close cannot miss it.
func (i *Injector) fires(r *rule) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || !slices.Contains(i.rules, r) || !r.hits(i.random.Float64) {
		return false
	}
	if r.Kind == LateEffect {
		i.late.Add(1)
	}
	return true
}

func (i *Injector) strike(kind Kind) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fired[kind]++
	close(i.struck)
	i.struck = make(chan struct{})
}
