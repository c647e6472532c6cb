package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// firstNumber is where DS begins.
const firstNumber = 1001

// earlier is what an earlier run left in a database that was kept.
type earlier struct {
	// dossiers counts those that its ledger tells of.
	dossiers int
	// next is the number of the first dossier of this run: no job of theirs and no
	// lease is about it. 1001, where DS begins, if there was none.
	next int
	// issue is the highest number of a tracking issue of theirs: what GitLab tells of an
	// issue with that number or a lower one would be taken for theirs.
	issue int
	// dropped counts its jobs that were still to be done.
	dropped int
}

// settleEarlier makes room for a run whose simulated services begin anew, because
// what they held is not known, or is older than the ledger: what an earlier run still
// had to do there would be done to dossiers and groups of this run that happen to have
// the same numbers. The ledger stays.
func settleEarlier(ctx context.Context, pool *pgxpool.Pool) (earlier, error) {
	found := earlier{next: firstNumber}
	q := ledger.New(pool)
	for last := ledger.HubChain; ; {
		chains, err := q.Chains(ctx, ledger.ChainsParams{After: last, Count: 1000})
		if err != nil {
			return earlier{}, fmt.Errorf("read the ledger of the earlier run: %w", err)
		}
		if len(chains) == 0 {
			break
		}
		found.dossiers += len(chains)
		last = chains[len(chains)-1]
		found.next = int(last) + 1
		resources, err := q.Resources(ctx, chains)
		if err != nil {
			return earlier{}, fmt.Errorf("read the ledger of the earlier run: %w", err)
		}
		for i := range resources {
			if iid, err := strconv.Atoi(resources[i].ExternalID); err == nil && resources[i].Kind == string(onboarding.KindIssue) {
				found.issue = max(found.issue, iid)
			}
		}
	}
	desk, err := newDesk(pool)
	if err != nil {
		return earlier{}, err
	}
	filter := jobs.Filter{States: unfinished(), Limit: 100}
	for more := true; more; more = filter.After != "" {
		var page []jobs.Job
		if page, filter.After, err = desk.List(ctx, filter); err != nil {
			return earlier{}, err
		}
		for i := range page {
			// One that a killed hub left running ends once River notices.
			if _, err := desk.River.JobCancel(ctx, page[i].ID); err != nil {
				return earlier{}, fmt.Errorf("drop job %d of the earlier run: %w", page[i].ID, err)
			}
			found.dropped++
			// It may have a lease on a dossier that the ledger does not know yet.
			found.next = max(found.next, int(page[i].Dossier)+1)
		}
	}
	return found, nil
}

// newDesk looks at the hub's jobs from outside.
func newDesk(pool *pgxpool.Pool) (*jobs.Desk, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("look at the jobs: %w", err)
	}
	return &jobs.Desk{Pool: pool, River: client}, nil
}

// unfinished lists the states of jobs that are still to be done.
func unfinished() []string {
	return []string{"available", "pending", "running", "retryable", "scheduled"}
}
