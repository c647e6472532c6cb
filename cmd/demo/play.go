package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// atOnce bounds how many dossiers are under way at a time.
const atOnce = 32

// stranger owns the groups that stand where samples' groups would.
const stranger = "equipe-voisine"

// play files the samples and acts on them as agents do.
type play struct {
	*scene

	samples   []*sample
	strangers []gitlab.Group
	bell      bell
	next      int // the number that DS gives next

	mu sync.Mutex // guards what the samples' progress is
}

// outcome is how a play ended.
type outcome struct {
	*census

	samples []*sample
	// ledger is "intact", or names the first broken row.
	ledger string
}

func newPlay(s *scene, samples []*sample) (*play, error) {
	p := &play{scene: s, samples: samples, next: max(s.earlier.next, firstNumber)}
	for _, dossier := range s.DS.Dossiers() {
		p.next = max(p.next, dossier.Number+1)
	}
	s.GitLab.AddUser(stranger, false)
	for i, sample := range samples {
		if i < len(s.progress) {
			sample.resume(s.progress[i])
		}
		if !sample.taken {
			continue
		}
		group, err := p.strangersGroup(sample.strangersPath())
		if err != nil {
			return nil, fmt.Errorf("make the stranger's group: %w", err)
		}
		p.strangers = append(p.strangers, group)
	}
	return p, nil
}

// strangersGroup makes a stranger's group, unless an earlier run made it.
func (p *play) strangersGroup(path string) (group gitlab.Group, err error) {
	there := false
	p.GitLab.Read(func(v gitlab.View) { group, there = v.Group(path) })
	if !there {
		group, err = p.GitLab.CreateGroup(path, stranger)
	}
	return group, err
}

// progressed is how far the samples are, to be kept.
func (p *play) progressed() []keptSample {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := make([]keptSample, 0, len(p.samples))
	for _, s := range p.samples {
		kept = append(kept, keptSample{Number: s.number, Acts: s.acted, Seconds: s.settled.Seconds()})
	}
	return kept
}

// note changes what the progress of a sample is.
func (p *play) note(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// perform plays until every sample is settled or ctx ends.
func (p *play) perform(ctx context.Context, timeout time.Duration, filed func(*sample)) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.bell.watch(ctx, p.Stage)

	var playing sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, s := range p.samples {
		if s.settled > 0 {
			continue // by an earlier run
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			s.wrong = []string{"not filed in time"}
			continue
		}
		if err := p.file(s); err != nil {
			s.wrong = []string{err.Error()}
			<-places
			continue
		}
		filed(s)
		playing.Go(func() {
			defer func() { <-places }()
			p.settle(ctx, s)
		})
	}
	playing.Wait()
	p.idle(ctx, p.samples[0].number)
}

func (p *play) file(s *sample) error {
	s.filed = time.Now()
	if s.number != 0 {
		return nil // by an earlier run
	}
	number, err := p.DS.File(stage.Form, s.application(p.next))
	if err != nil {
		return err
	}
	if number != p.next && s.hostile {
		err = fmt.Errorf("DS gave the number %d, not %d", number, p.next)
	}
	p.next = number + 1
	p.note(func() { s.number = number })
	return err
}

// settle acts on a dossier, each time that it looks as it should until then.
func (p *play) settle(ctx context.Context, s *sample) {
	end := filed()
	for i, a := range s.acts {
		if i < s.acted {
			end = end.after(a)
			continue
		}
		if !p.await(ctx, s, end) {
			return
		}
		if err := a.do(p.DS, s.number, s.reason); err != nil {
			s.wrong = []string{fmt.Sprintf("%s in DS: %s", a, err)}
			return
		}
		p.note(func() { s.acted = i + 1 })
		end = end.after(a)
	}
	if p.await(ctx, s, end) {
		p.note(func() { s.settled = time.Since(s.filed) })
	}
}

// await waits until a dossier looks as it should.
func (p *play) await(ctx context.Context, s *sample, want ending) bool {
	for {
		rung := p.bell.next()
		if s.wrong = p.critic.look(s, want); len(s.wrong) == 0 {
			return true
		}
		select {
		case <-rung:
		case <-ctx.Done():
			s.wrong = append([]string{"not settled in time, it was to become " + string(want.state)}, s.wrong...)
			return false
		}
	}
}

// idle waits until the hub has nothing left to do for dossiers from a number on: what
// would be done twice has been by then. Postgres gives no signal for it.
func (s *scene) idle(ctx context.Context, from int) {
	desk, err := newDesk(s.pool)
	if err != nil {
		return
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		page, _, err := desk.List(ctx, jobs.Filter{States: unfinished(), Limit: 100})
		busy := err != nil
		for i := range page {
			busy = busy || int(page[i].Dossier) >= from
		}
		if !busy {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// conclude looks at everything once more, now that nothing moves.
func (p *play) conclude(ctx context.Context) (*outcome, error) {
	for _, s := range p.samples {
		switch {
		case len(s.wrong) > 0:
		case s.filed.IsZero():
			// Settled by an earlier run; people may have acted on it since.
			judged := p.critic.judge(s.number)
			s.wrong = judged.Wrong.english()
		default:
			s.wrong = p.critic.look(s, s.last())
		}
	}
	result := &outcome{census: p.critic.takeCensus(p.samples, p.strangers), samples: p.samples, ledger: "intact"}
	_, _, err := ledger.New(p.pool).Verify(ctx, func(broken *ledger.BrokenChain) {
		if result.ledger == "intact" {
			result.ledger = broken.Error()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("verify the ledger: %w", err)
	}
	return result, nil
}

// failures lists why the demo did not end as it should.
func (o *outcome) failures() []string {
	var failures []string
	for _, s := range o.samples {
		if len(s.wrong) > 0 {
			failures = append(failures, fmt.Sprintf("dossier %d (%s) did not end as it should: %s", s.number, s.what, strings.Join(s.wrong, "; ")))
		}
	}
	failures = append(failures, o.wrong...)
	if o.ledger != "intact" {
		failures = append(failures, "the ledger is broken: "+o.ledger)
	}
	return failures
}

// bell rings whenever something changed in a simulated service.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

// next returns what is closed at the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

// watch rings at each change until ctx ends. The conditions never hold: they are
// asked again after each change.
func (b *bell) watch(ctx context.Context, s *stage.Stage) {
	go func() { _ = s.GitLab.WaitFor(ctx, func(gitlab.View) bool { b.ring(); return false }) }()
	go func() { _ = s.DS.WaitFor(ctx, func(demarches.View) bool { b.ring(); return false }) }()
}
