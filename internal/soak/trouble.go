package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/localpg"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// faults are what befalls calls to DS and GitLab: 4 % of them in all. The longest
// late effect is within what the hub waits for: the call's timeout and 15 s.
var faults = []fault.Rule{
	{Kind: fault.ResetBefore, Probability: 0.007},
	{Kind: fault.ResetAfter, Probability: 0.007},
	{Kind: fault.Hang, Probability: 0.004},
	{Kind: fault.LateEffect, Probability: 0.003, Delay: 3 * time.Second},
	{Kind: fault.LateEffect, Probability: 0.002, Delay: 9 * time.Second},
	{Kind: fault.Slow, Probability: 0.003, Delay: time.Second},
	{Kind: fault.Slow, Probability: 0.002, Delay: 3 * time.Second},
	{Kind: fault.Status, Probability: 0.007},
	{Kind: fault.StatusAfter, Probability: 0.006, Status: http.StatusBadGateway},
}

// trouble lets people act while everything goes wrong, until the time is over; then
// it mends everything.
func (w *world) trouble(ctx context.Context) error {
	injectors := []*fault.Injector{w.set.DS.Faults(), w.set.GitLab.Faults()}
	for _, injector := range injectors {
		for _, rule := range faults {
			injector.Add(rule)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	storm, calm := context.WithTimeout(ctx, w.duration)
	defer calm()
	w.crowd.begun = time.Now()
	var under sync.WaitGroup
	begin := func(work func(context.Context) error) {
		under.Go(func() {
			if err := work(storm); err != nil {
				cancel(err)
			}
		})
	}
	begin(w.killHubs)
	begin(w.crash)
	begin(w.harmLink)
	begin(func(ctx context.Context) error { w.throttle(ctx); return nil })
	begin(func(ctx context.Context) error { w.progress(ctx); return nil })
	err := w.crowd.live(ctx, w.duration)
	if err != nil {
		calm()
	}
	under.Wait()
	for _, injector := range injectors {
		injector.Clear()
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// sleep waits between least and most, and says whether there is time left.
func sleep(ctx context.Context, random *rand.Rand, least, most time.Duration) bool {
	select {
	case <-time.After(least + time.Duration(random.Int64N(int64(most-least)))):
		return true
	case <-ctx.Done():
		return false
	}
}

// killHubs ends a hub without a word now and then.
func (w *world) killHubs(ctx context.Context) error {
	random := w.random(streamKills)
	for sleep(ctx, random, 15*time.Second, 30*time.Second) {
		w.hubs[random.IntN(len(w.hubs))].kill()
	}
	return nil
}

// crash has the database crash twice.
func (w *world) crash(ctx context.Context) error {
	for range 2 {
		select {
		case <-time.After(w.duration / 3):
		case <-ctx.Done():
			return nil
		}
		// In its own time: half a restart is none.
		if err := w.postgres.Restart(context.WithoutCancel(ctx), localpg.Immediate); err != nil {
			return err
		}
		w.restarts++
	}
	return nil
}

// harmLink slows, silences and cuts the hubs' link to the database, one after another.
func (w *world) harmLink(ctx context.Context) error {
	random := w.random(streamLink)
	for n := 0; sleep(ctx, random, 10*time.Second, 20*time.Second); n++ {
		harm := harms[n%len(harms)]
		if err := harm.do(w.link); err != nil {
			return fmt.Errorf("the link, %s: %w", harm.name, err)
		}
		sleep(ctx, random, 2*time.Second, 5*time.Second)
		if err := harm.mend(w.link); err != nil {
			return fmt.Errorf("the link, no longer %s: %w", harm.name, err)
		}
		w.harmed[harm.name]++
	}
	return nil
}

// throttle has GitLab ask for a pause, and every fifth time DS, whose pause lasts to the
// end of the minute. It is no matter of chance for each call: a busy queue would be held
// all the time.
func (w *world) throttle(ctx context.Context) {
	random := w.random(streamThrottle)
	for n := 1; sleep(ctx, random, 15*time.Second, 30*time.Second); n++ {
		injector := w.set.GitLab.Faults()
		if n%5 == 0 {
			injector = w.set.DS.Faults()
		}
		injector.Add(fault.Rule{Kind: fault.Throttle, Times: 1})
	}
}

// progress tells every now and then how far it is.
func (w *world) progress(ctx context.Context) {
	ticker := time.NewTicker(30 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			waiting := "the database does not answer"
			if jobs, err := w.backlog(ctx); err == nil {
				waiting = fmt.Sprintf("%d jobs and deliveries waiting", jobs)
			}
			fmt.Printf("soak: %v: %d webhooks sent, %d calls, %s\n",
				time.Since(w.crowd.begun).Round(time.Second), w.relay.counts().sent, w.requests(), waiting)
		case <-ctx.Done():
			return
		}
	}
}
