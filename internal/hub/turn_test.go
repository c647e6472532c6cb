package hub_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// once is a fault that strikes a call once, and a signal that it is about to.
func once(rule fault.Rule) (fault.Rule, <-chan struct{}) {
	struck := make(chan struct{})
	rule.Times = 1
	strike := sync.OnceFunc(func() { close(struck) })
	rule.Match = func(string, []byte) bool {
		strike()
		return true
	}
	return rule, struck
}

// A refusal arrives while a call of the provisioning is under way, at each of them.
// Nothing is left active, nothing is left behind unknown; and a new acceptance goes
// on from there.
func TestRefusedDuringProvisioning(t *testing.T) {
	t.Parallel()
	for _, call := range []string{postGroup, postProject, postCommit, postInvitation} {
		for kind, loss := range map[string]fault.Rule{
			"late effect": {Kind: fault.LateEffect, Delay: lossDelay},
			"no answer":   {Kind: fault.Hang},
			"no effect":   {Kind: fault.Slow, Delay: lossDelay},
			"slow":        {Kind: fault.Slow, Delay: lossTimeout / 2},
		} {
			t.Run(call+", "+kind, func(t *testing.T) {
				t.Parallel()
				r := setup(t).lossy()
				r.start()
				number := r.file("Portail des agents")
				r.settled()
				rule, struck := once(loss)
				r.lose(call, rule)
				r.accept(number)
				r.received("the call", struck)
				r.turnDown(number)
				r.settled()

				want := r.stock()
				require.Equal(t, want.Projects, want.Archived, "an active sandbox is left")
				require.LessOrEqual(t, want.Groups, 1)
				require.LessOrEqual(t, want.Projects, want.Groups)
				require.LessOrEqual(t, want.Commits, want.Projects)
				want.Issues, want.Closed, want.Notes = 1, 1, 1
				r.sound(want)
				require.Equal(t, want.Groups, count(r, "select count(*) from resources where kind = 'group' and done_at is not null"), "an orphan")
				require.Equal(t, want.Projects, count(r, "select count(*) from resources where kind = 'project' and done_at is not null"), "an orphan")
				sent := r.sent(number)
				require.Equal(t, "refused 2", sent[len(sent)-1])

				r.act(r.DS.BackToInstruction(number))
				r.act(r.DS.Accept(number, ""))
				again := accepted(1)
				again.Messages = want.Messages + 1
				r.sound(again)
			})
		}
	}
}

// The same for what the applicant is told: a message under way when the decision is
// undone may arrive, and then the ledger says so.
func TestRefusedDuringMessage(t *testing.T) {
	t.Parallel()
	for kind, loss := range map[string]fault.Rule{
		"late effect": {Kind: fault.LateEffect, Delay: lossDelay},
		"no answer":   {Kind: fault.Hang},
		"no effect":   {Kind: fault.Slow, Delay: lossDelay},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			number := r.file("Portail des agents")
			r.settled()
			rule, struck := once(loss)
			r.lose(sendMessage, rule)
			r.accept(number)
			r.received("the message", struck)
			r.turnDown(number)
			r.settled()
			want := accepted(1)
			want.Archived, want.Closed, want.Messages = 1, 1, len(r.messages(number))
			r.sound(want)
			sent := []string{"received", "accepted 1", "refused 2"}
			if kind == "no effect" {
				sent = []string{"received", "refused 2"}
			}
			require.Equal(t, sent, r.sent(number))
			require.Len(t, r.messages(number), len(sent))
		})
	}
}

// A dossier that is refused while its issue is being opened has no open issue.
func TestRefusedDuringIssue(t *testing.T) {
	t.Parallel()
	for kind, loss := range map[string]fault.Rule{
		"late effect": {Kind: fault.LateEffect, Delay: lossDelay},
		"no answer":   {Kind: fault.Hang},
		"no effect":   {Kind: fault.Slow, Delay: lossDelay},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			rule, struck := once(loss)
			r.lose(postIssue, rule)
			number := r.file("Portail des agents")
			r.received("the issue", struck)
			r.refuse(number)
			r.settled()
			// The receipt waits for the issue, and is not sent when it comes too late.
			want := stock{Issues: 1, Closed: 1, Notes: 1, Messages: len(r.sent(number))}
			require.Contains(t, r.sent(number), "refused 1")
			if kind == "no effect" {
				want = stock{Messages: want.Messages}
				require.Contains(t, r.kinds(number), "intent_dropped")
			}
			r.sound(want)
		})
	}
}

// The name changes between the call that may have made the group and its refusal: the
// group is found where it was made.
func TestRenamedDuringProvisioning(t *testing.T) {
	t.Parallel()
	r := setup(t).lossy()
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	rule, struck := once(fault.Rule{Kind: fault.Hang})
	r.lose(postGroup, rule)
	r.accept(number)
	r.received("the group", struck)
	r.act(r.DS.BackToInstruction(number))
	r.act(r.DS.BackToConstruction(number))
	r.quietly(r.DS.Edit(number, map[int]any{103: "Un autre nom"}))
	r.poll()
	r.settled()
	r.accept(number)
	r.settled()
	want := accepted(1)
	want.Messages = len(r.messages(number))
	r.sound(want)
}

// Yesterday's job, replayed after a refusal, does nothing but be replayed.
func TestReplayAfterRefusal(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.settled()
	r.turnDown(number)
	want := accepted(1)
	want.Archived, want.Closed, want.Messages = 1, 1, 3
	r.sound(want)

	kinds := r.kinds(number)
	r.GitLab.Faults().ResetCalls()
	for _, kind := range []string{"provision_sandbox", "open_tracking_issue", "update_tracking_issue", "write_back", "archive_sandbox"} {
		r.replay(kind, http.StatusAccepted)
		r.settled()
		kinds = append(kinds, "job_replayed")
	}
	r.sound(want)
	require.Equal(t, kinds, r.kinds(number))
	require.Empty(t, calls(r.GitLab.Faults()))
	require.Equal(t, []string{"admin:admin"}, list(r, "select distinct actor from ledger_entries where kind = 'job_replayed'"))
	r.replay("poll_demarche", http.StatusAccepted)
	r.replayJob(1<<40, http.StatusNotFound)
	r.sound(want)
}

// A job that begins while a refusal is being stored waits for it, and does nothing.
func TestRefusedJustBefore(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.RetryCap = time.Hour // who is held does not look again by itself
	running := r.startPolled()
	number := r.file("Portail des agents")
	r.settled()
	r.holdQueue("gitlab", http.StatusOK)
	r.accept(number)
	r.eventually("the sandbox is put off", func() bool {
		return count(r, "select count(*) from river_job where kind = 'provision_sandbox' and state = 'scheduled'") == 1
	})

	// Nobody can write to the dossier's ledger, and so end storing the refusal, until this ends.
	tx, err := r.pool.Begin(r.ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(r.ctx)) }()
	_, err = tx.Exec(r.ctx, "select from ledger_heads where chain = $1 for update", number)
	require.NoError(t, err)
	waiting := "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
	r.quietly(r.DS.BackToInstruction(number, demarches.WithoutWebhook()))
	r.quietly(r.DS.Refuse(number, motivation, demarches.WithoutWebhook()))
	require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(number, onboarding.Refuse, r.updated(number))))
	r.hooks++
	r.eventually("the refusal is being stored", func() bool { return count(r, waiting) == 1 })
	r.exec("delete from queue_holds")
	r.exec("update river_job set state = 'available', scheduled_at = clock_timestamp() where kind = 'provision_sandbox'")
	r.eventually("the job waits for that", func() bool { return count(r, waiting) == 2 })
	require.NoError(t, tx.Rollback(r.ctx))

	r.settledUnheld()
	r.sound(stock{Issues: 1, Closed: 1, Notes: 1, Messages: 2})
}
