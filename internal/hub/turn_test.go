package hub_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

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
	r.start()
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
