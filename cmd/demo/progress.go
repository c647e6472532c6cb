package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tidwall/gjson"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// pace is how often the ledger is looked at: as often as an eye can follow.
const pace = 40 * time.Millisecond

// progress tells what the hub does while it does it. All it knows is the ledger.
type progress struct {
	out   io.Writer
	begun time.Time
	q     *ledger.Queries
	// line is how a fact is told.
	line func(e *ledger.LedgerEntry) string

	mu    sync.Mutex
	heads map[int64]int64 // the last entry told of each dossier
}

func newProgress(out io.Writer, pool *pgxpool.Pool) *progress {
	p := &progress{out: out, begun: time.Now(), q: ledger.New(pool), heads: map[int64]int64{}}
	p.line = func(e *ledger.LedgerEntry) string {
		return fmt.Sprintf("%7.2f s  %6d  %s", e.At.Sub(p.begun).Seconds(), e.Chain, sentence(e))
	}
	return p
}

// add has a sample followed.
func (p *progress) add(s *sample) { p.follows(s.number) }

// follows has a dossier followed.
func (p *progress) follows(number int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heads[int64(number)] = 0
}

// follow tells what is new until ctx ends.
func (p *progress) follow(ctx context.Context) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.tell(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// tell tells what is new. An error shows at the next look, or ends the hub, too.
func (p *progress) tell(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var numbers []int64
	for number := range p.heads {
		numbers = append(numbers, number)
	}
	heads, err := p.q.HeadsOf(ctx, numbers)
	if err != nil {
		return
	}
	numbers = numbers[:0]
	for _, head := range heads {
		if head.Seq > p.heads[head.Chain] {
			numbers = append(numbers, head.Chain)
		}
	}
	if len(numbers) == 0 {
		return
	}
	entries, err := p.q.EntriesOf(ctx, numbers)
	if err != nil {
		return
	}
	slices.SortStableFunc(entries, func(a, b ledger.LedgerEntry) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
	for i := range entries {
		if e := &entries[i]; e.Seq > p.heads[e.Chain] {
			p.heads[e.Chain] = e.Seq
			fmt.Fprintln(p.out, p.line(e))
		}
	}
}

// sentence says where something happened, and what.
func sentence(e *ledger.LedgerEntry) string {
	get := func(path string) string { return gjson.Get(e.Data, path).String() }
	made := "made"
	if gjson.Get(e.Data, "adopted").Bool() {
		made = "found again"
	}
	where, what := "GitLab", e.Kind
	switch ledger.EntryKind(e.Kind) {
	case ledger.DossierSeen:
		where, what = "DS", "filed: "+get("state")
	case ledger.StateChanged:
		where, what = "DS", get("from")+" → "+get("to")
	case ledger.DossierEdited, ledger.DossierTrashed, ledger.DossierRestored, ledger.DossierDeleted,
		ledger.DossierUnreadable, ledger.DossierReadable, ledger.DossierNotVisible:
		where = "DS"
	case ledger.StepChanged:
		where, what = "hub", "step "+get("from")+" → "+get("to")
	case ledger.GroupCreated:
		what = "group " + made + ": " + get("path")
	case ledger.ProjectCreated:
		what = "project " + made + ": " + get("path")
	case ledger.FilesCommitted:
		what = "hello world committed"
	case ledger.MembersInvited:
		what = get("invited") + " invited as " + get("level")
	case ledger.ProjectArchived:
		what = "sandbox archived"
	case ledger.ProjectActivated:
		what = "sandbox taken up again"
	case ledger.IssueOpened:
		what = "tracking issue " + made + ": #" + get("id")
	case ledger.IssueUpdated:
		what = "tracking issue: " + strings.Join(words(e, "labels"), ", ")
		if gjson.Get(e.Data, "closed").Bool() {
			what += ", closed"
		}
	case ledger.NoteWritten:
		what = "note on the tracking issue"
	case ledger.MessageSent:
		where, what = "DS", "message to the applicant: "+get("message")
	case ledger.InstructionBegun:
		where, what = "DS", "instruction begun"
	case ledger.IntentDropped:
		where, what = "hub", get("action")+" is not wanted any more"
	case ledger.ActionFailed:
		where, what = "hub", "FAILED "+get("action")+": "+get("reason")
	case ledger.LedgerRestored:
		where, what = "hub", "ledger restored: "+get("reason")
	case ledger.ResourceMoved:
		what = get("resource") + " moved: " + get("to")
	case ledger.ResourceGone:
		what = get("resource") + " deleted by somebody"
	case ledger.ResourceReturned:
		what = get("resource") + " is there again"
	case ledger.ResourceFound:
		what = get("resource") + " found by its mark: #" + get("id")
	case ledger.ResourceFollowed:
		what = get("resource") + " as GitLab shows it: " + get("found")
	case ledger.DuplicateClosed:
		what = "duplicate " + get("resource") + " #" + get("id") + ": " + get("remedy")
	case ledger.ResourceRenewed:
		where, what = "hub", get("resource")+" is to be made again"
	case ledger.JobReplayed:
		where, what = "hub", get("kind")+" replayed"
	case ledger.QueueHeld, ledger.QueueReleased:
		where, what = "hub", strings.ReplaceAll(e.Kind, "_", " ")+": "+get("queue")
	default:
		fact := tell(page.English, e)
		where, what = strings.Replace(fact.Where, hubName, "hub", 1), fact.What
	}
	return fmt.Sprintf("%-6s  %s", where, what)
}

func words(e *ledger.LedgerEntry, path string) []string {
	var all []string
	for _, word := range gjson.Get(e.Data, path).Array() {
		all = append(all, word.String())
	}
	return all
}
