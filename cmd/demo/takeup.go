package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// takeUp returns what the simulated services of an earlier run held, nil if that is
// not known, or not as new as the ledger: after a crash in the middle of work.
func (s *scene) takeUp(ctx context.Context) (*stage.State, error) {
	kept := &keptState{}
	found, err := s.drawer.read(stateFile, kept)
	if err != nil || !found {
		return nil, err
	}
	facts, err := countFacts(ctx, s.pool)
	if err != nil || kept.State == nil || len(kept.DS) == 0 || len(kept.GitLab) == 0 || !kept.Sealed && kept.Facts != facts {
		return nil, err
	}
	s.progress = kept.Samples
	if s.progress == nil {
		s.progress = []keptSample{}
	}
	// From now on the ledger can go further than this state does.
	kept.Sealed, kept.Facts = false, facts
	return kept.State, s.drawer.write(stateFile, kept)
}

// resumed says whether an earlier run's state was taken up.
func (s *scene) resumed() bool { return s.progress != nil }

// countFacts counts all facts in the ledger.
func countFacts(ctx context.Context, pool *pgxpool.Pool) (facts int64, err error) {
	q := ledger.New(pool)
	for after := ledger.HubChain - 1; ; {
		chains, err := q.Chains(ctx, ledger.ChainsParams{After: after, Count: 1000})
		if err != nil || len(chains) == 0 {
			return facts, explainRead(err)
		}
		heads, err := q.HeadsOf(ctx, chains)
		if err != nil {
			return 0, explainRead(err)
		}
		for _, head := range heads {
			facts += head.Seq
		}
		after = chains[len(chains)-1]
	}
}

func explainRead(err error) error {
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// keep writes down what the simulated services hold.
func (s *scene) keep(facts int64, sealed bool) error {
	if s.drawer == nil || s.Stage == nil {
		return nil
	}
	state, err := s.State()
	if err != nil {
		return err
	}
	kept := &keptState{State: state, Facts: facts, Sealed: sealed, Samples: s.progress}
	if s.current != nil {
		kept.Samples = s.current.progressed()
	}
	return s.drawer.write(stateFile, kept)
}

// keepOn writes down what the simulated services hold, a moment after each change,
// until ctx ends.
func (s *scene) keepOn(ctx context.Context, errs io.Writer) {
	if !s.kept {
		return
	}
	var changes bell
	rung := changes.next()
	changes.watch(ctx, s.Stage)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-rung:
		case <-ctx.Done():
			return
		}
		pause.Reset(time.Second)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		rung = changes.next()
		facts, err := countFacts(ctx, s.pool)
		if err == nil {
			err = s.keep(facts, false)
		}
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(errs, "demo:", err)
		}
	}
}
