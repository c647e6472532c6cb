package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// records reads what the plans of several dossiers are made of, but for what DS says.
func (c *crew) records(ctx context.Context, q *ledger.Queries, numbers []int64) (func(number int64, revision int32) onboarding.Record, error) {
	resources, err := q.Resources(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("read the resources of %d dossiers: %w", len(numbers), err)
	}
	commands, err := q.Commands(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("read the commands for %d dossiers: %w", len(numbers), err)
	}
	links, err := q.Links(ctx, numbers)
	if err != nil {
		return nil, fmt.Errorf("read what %d dossiers are linked to: %w", len(numbers), err)
	}
	byResource, byCommand, byLink := ledger.Records(resources), ledger.CommandsOf(commands), ledger.LinksOf(links)
	now := c.now()
	return func(number int64, revision int32) onboarding.Record {
		return onboarding.Record{
			Revision: revision, Resources: byResource[number], Commands: byCommand[number], Links: byLink[number], Now: now,
		}
	}, nil
}

// now is the time by which reminders are due.
func (c *crew) now() time.Time {
	if c.Clock != nil {
		return c.Clock()
	}
	return time.Now()
}

// link finds out which earlier dossier this one goes on from, and what it is known by
// to later ones, and stores what is news of it. It returns the dossier that it went on from
// before, if that is another one.
func (c *crew) link(ctx context.Context, q *ledger.Queries, row *ledger.Dossier, d *onboarding.Dossier, commands []onboarding.Command) (former int64, err error) {
	candidate := c.candidate(d)
	if row.Follows != nil {
		former = *row.Follows
	}
	follows, by := onboarding.Joined(commands), "agent"
	if follows == 0 {
		follows, _ = c.Marks.ReadReference(c.Journey.Programme.Reference, c.Journey.Request(d).Reference)
		by = "reference"
	}
	if follows != 0 && follows != former {
		if follows, err = c.followable(ctx, q, d, follows); err != nil {
			return 0, err
		}
	}
	if follows == former && candidate == row.Candidate {
		return 0, nil
	}
	params := ledger.SetLinksParams{Number: d.Number, Candidate: candidate}
	if follows != 0 {
		params.Follows = &follows
	}
	if err := q.SetLinks(ctx, params); err != nil {
		return 0, fmt.Errorf("link dossier %d: %w", d.Number, err)
	}
	row.Follows, row.Candidate = params.Follows, candidate
	if follows == former {
		return 0, nil
	}
	if follows == 0 {
		return former, nil
	}
	return former, q.Append(ctx, ledger.Fact{
		Chain: d.Number, Actor: ledger.ActorHub, Kind: ledger.DossiersJoined, Data: map[string]any{"follows": follows, "by": by},
	})
}

// followable returns the number if a dossier can go on from it: one of an earlier form, or
// one that is not known yet, which its reference says is ours. Else it returns 0.
func (c *crew) followable(ctx context.Context, q *ledger.Queries, d *onboarding.Dossier, number int64) (int64, error) {
	known, err := c.earlier(ctx, q, d, []int64{number})
	if err != nil || len(known) > 0 {
		return number, err
	}
	switch _, err := q.Dossier(ctx, number); {
	case errors.Is(err, pgx.ErrNoRows):
		return number, nil
	case err != nil:
		return 0, fmt.Errorf("look for the dossier that dossier %d names: %w", d.Number, err)
	}
	return 0, nil
}

// candidate is what a dossier is known by to those of other forms that may belong to the
// same onboarding.
func (c *crew) candidate(d *onboarding.Dossier) string {
	return c.Marks.Candidate(d.UsagerEmail, c.Journey.Request(d).Project)
}

// earlier returns those of the numbers that are dossiers of a form of an earlier step.
func (c *crew) earlier(ctx context.Context, q *ledger.Queries, d *onboarding.Dossier, numbers []int64) ([]int64, error) {
	var forms []int64
	for _, demarche := range c.Journey.Demarches {
		if demarche.Step < c.Journey.FormStep(d) {
			forms = append(forms, demarche.Number)
		}
	}
	if len(forms) == 0 {
		return nil, nil
	}
	known, err := q.Earlier(ctx, ledger.EarlierParams{Numbers: numbers, Demarches: forms})
	if err != nil {
		return nil, fmt.Errorf("look for the dossiers that dossier %d names: %w", d.Number, err)
	}
	return known, nil
}

// stand stores where an onboarding stands, if that is news, with the facts that follow.
func (c *crew) stand(ctx context.Context, q *ledger.Queries, row *ledger.Dossier, d *onboarding.Dossier, r onboarding.Record) error {
	now := onboarding.Stand(c.Journey, d, r)
	var before onboarding.Standing
	if len(row.Standing) > 0 {
		if err := json.Unmarshal(row.Standing, &before); err != nil {
			return fmt.Errorf("read where dossier %d stood: %w", d.Number, err)
		}
	}
	encoded, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("encode where dossier %d stands: %w", d.Number, err)
	}
	now = onboarding.Standing{}
	if err := json.Unmarshal(withoutNUL(encoded), &now); err != nil { // as it will be read again
		return fmt.Errorf("encode where dossier %d stands: %w", d.Number, err)
	}
	if encoded, err = json.Marshal(now); err != nil {
		return fmt.Errorf("encode where dossier %d stands: %w", d.Number, err)
	}
	earlier, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("encode where dossier %d stood: %w", d.Number, err)
	}
	if len(row.Standing) > 0 && slices.Equal(encoded, earlier) {
		return nil
	}
	at := now.Since
	if at.IsZero() || len(row.Standing) > 0 && !at.After(before.Since) {
		at = r.Now // whom it waits for changed, and nothing that has a date
	}
	err = q.SetStanding(ctx, ledger.SetStandingParams{
		Number: d.Number, Standing: encoded, Step: int32(now.Step), Waiting: string(now.Waiting), At: at,
		Follows: row.Follows, Candidate: row.Candidate, WakeAt: row.WakeAt,
	})
	if err != nil {
		return fmt.Errorf("store where dossier %d stands: %w", d.Number, err)
	}
	known := len(row.Standing) > 0
	row.Standing = encoded
	for _, gate := range decidedGates(d, before, now) {
		if err := q.RecordGate(ctx, gate); err != nil {
			return fmt.Errorf("record a gate of dossier %d: %w", d.Number, err)
		}
	}
	return q.Append(ctx, standingFacts(d.Number, known, before, now)...)
}

// decidedGates returns the gates that were decided between two standings.
func decidedGates(d *onboarding.Dossier, before, now onboarding.Standing) []ledger.RecordGateParams {
	var gates []ledger.RecordGateParams
	for _, pass := range now.Passes {
		if slices.ContainsFunc(before.Passes, func(p onboarding.Pass) bool { return p.Step == pass.Step && p.At.Equal(pass.At) }) {
			continue
		}
		gates = append(gates, ledger.RecordGateParams{
			Dossier: d.Number, Step: int32(pass.Step), Decision: string(onboarding.Go), At: pass.At, ByDs: pass.ByDS,
			Overrides: orEmpty(pass.Overrides), Reason: pass.Reason,
		})
	}
	settled := now.Decision == onboarding.DecidedNo && now.Waiting != onboarding.PartyHub && d.State != onboarding.Deleted
	if settled && (before.Decision != now.Decision || before.Step != now.Step || before.Waiting == onboarding.PartyHub || before.Reason != now.Reason) {
		gates = append(gates, ledger.RecordGateParams{
			Dossier: d.Number, Step: int32(now.Step), Decision: string(onboarding.DecidedNo), At: now.Since,
			ByDs: now.ByDS, Overrides: []string{}, Reason: now.Reason,
		})
	}
	return gates
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// standingFacts are the facts that follow from two standings, without what people wrote.
func standingFacts(number int64, known bool, before, now onboarding.Standing) []ledger.Fact {
	var facts []ledger.Fact
	add := func(kind ledger.EntryKind, data map[string]any) {
		facts = append(facts, ledger.Fact{Chain: number, Actor: ledger.ActorHub, Kind: kind, Data: data})
	}
	if known && before.Step != now.Step {
		add(ledger.StepChanged, map[string]any{"from": before.Step, "to": now.Step})
	}
	if !known || before.Eligibility.Case != now.Eligibility.Case ||
		!slices.Equal(before.Unmet, now.Unmet) || !slices.Equal(before.Eligibility.Missing, now.Eligibility.Missing) {
		add(ledger.EligibilityAssessed, map[string]any{
			"case": now.Eligibility.Case, "missing": now.Eligibility.Missing, "unmet": now.Unmet,
		})
	}
	for _, pass := range now.Passes {
		if slices.ContainsFunc(before.Passes, func(p onboarding.Pass) bool { return p.Step == pass.Step }) {
			continue
		}
		by := "gitlab"
		if pass.ByDS {
			by = ledger.ActorDS
		}
		add(ledger.GateDecided, map[string]any{"step": pass.Step, "decision": onboarding.Go, "by": by})
		if len(pass.Overrides) > 0 {
			add(ledger.GateOverridden, map[string]any{"step": pass.Step, "prerequisites": pass.Overrides, "by": by})
		}
	}
	if now.Decision != before.Decision && now.Decision == onboarding.DecidedNo {
		add(ledger.GateDecided, map[string]any{"step": now.Step, "decision": now.Decision})
	}
	if before.Blocked != now.Blocked {
		add(map[bool]ledger.EntryKind{true: ledger.OnboardingBlocked, false: ledger.OnboardingUnblocked}[now.Blocked], nil)
	}
	if before.Hosting != now.Hosting {
		add(ledger.HostingRequested, nil) // the reference is what somebody typed
	}
	return facts
}

// wake notes when the dossier is to be planned again though nobody did anything.
func (c *crew) wake(ctx context.Context, q *ledger.Queries, row *ledger.Dossier, d *onboarding.Dossier, r onboarding.Record) error {
	at := onboarding.Wake(c.Journey, d, r)
	if !at.IsZero() && !at.After(r.Now) {
		at = r.Now.Add(c.Timing.wakeAgain()) // it is planned now; whoever carries it out sets this anew
	}
	var want *time.Time
	if !at.IsZero() {
		want = &at
	}
	same := want == nil && row.WakeAt == nil || want != nil && row.WakeAt != nil && want.Sub(*row.WakeAt).Abs() < time.Second
	if same {
		return nil
	}
	if err := q.SetWake(ctx, ledger.SetWakeParams{Number: d.Number, WakeAt: want}); err != nil {
		return fmt.Errorf("note when to look at dossier %d again: %w", d.Number, err)
	}
	return nil
}

// concern has the other dossiers of the onboarding planned again because of something
// that happened here.
func (c *crew) concern(ctx context.Context, river *Client, tx pgx.Tx, links onboarding.Links, because string) error {
	var others []int64
	if links.Follows != nil {
		others = append(others, links.Follows.Number)
	}
	for _, link := range links.FollowedBy {
		others = append(others, link.Number)
	}
	for _, number := range others {
		row, err := ledger.New(tx).Dossier(ctx, number)
		if errors.Is(err, pgx.ErrNoRows) {
			continue // not seen yet
		} else if err != nil {
			return fmt.Errorf("read dossier %d: %w", number, err)
		}
		if err := lookBecause(ctx, river, tx, &row, because); err != nil {
			return err
		}
	}
	return nil
}

// lookBecause has a dossier looked at because of something that happened.
func lookBecause(ctx context.Context, river *Client, tx pgx.Tx, row *ledger.Dossier, because string) error {
	args := SyncDossier{Dossier: row.Number, Demarche: row.Demarche, Because: because}
	if _, err := river.InsertTx(ctx, tx, args, &insertOpts{Priority: priorityPolled}); err != nil {
		return fmt.Errorf("enqueue the look at dossier %d: %w", row.Number, err)
	}
	return nil
}
