// Package ledger is what Passerelle keeps in Postgres: the deliveries, what DS said
// of each dossier, what exists because of it, and the chain of facts that nobody
// can change unseen. The queries are in SQL files, compiled by sqlc.
package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// HubChain is the chain of the facts that belong to no dossier.
const HubChain int64 = 0

// ActorHub is the actor of what Passerelle did by itself, ActorDS of what it read.
const (
	ActorHub = "hub"
	ActorDS  = "demarches"
)

// AuthorOutage is the author of the hold on a queue whose service is down.
const AuthorOutage = "hub: outage"

// EntryKind is a kind of fact.
type EntryKind string

// The kinds of facts. Their data holds no personal data: of a command, what it was part
// of ("note 12") and never its argument.
const (
	DossierSeen       EntryKind = "dossier_seen"        // state, step, filed_at
	StateChanged      EntryKind = "state_changed"       // from, to
	StepChanged       EntryKind = "step_changed"        // from, to
	DossierEdited     EntryKind = "dossier_edited"      // updated_at
	DossierTrashed    EntryKind = "dossier_trashed"     // reason, at
	DossierRestored   EntryKind = "dossier_restored"    // state
	DossierDeleted    EntryKind = "dossier_deleted"     // reason, at
	DossierUnreadable EntryKind = "dossier_unreadable"  // error, updated_at: DS lists it and fails to give it
	DossierReadable   EntryKind = "dossier_readable"    // since
	DossierNotVisible EntryKind = "dossier_not_visible" // since: it was unreadable, and DS shows it no more
	GroupCreated      EntryKind = "group_created"       // id, path, url, adopted
	ProjectCreated    EntryKind = "project_created"     // id, path, url, adopted
	FilesCommitted    EntryKind = "files_committed"     // url, adopted
	MembersInvited    EntryKind = "members_invited"     // level, invited, already, refused
	ProjectArchived   EntryKind = "project_archived"    // id
	ProjectActivated  EntryKind = "project_activated"   // id
	IssueOpened       EntryKind = "issue_opened"        // id, url, adopted
	IssueUpdated      EntryKind = "issue_updated"       // labels, closed
	NoteWritten       EntryKind = "note_written"        // id, adopted
	MessageSent       EntryKind = "message_sent"        // message, id, adopted
	InstructionBegun  EntryKind = "instruction_begun"   // adopted
	IntentDropped     EntryKind = "intent_dropped"      // action: no longer wanted, and it had not happened
	ActionFailed      EntryKind = "action_failed"       // action, reason
	JobReplayed       EntryKind = "job_replayed"        // job, kind, reason
	QueueHeld         EntryKind = "queue_held"          // queue, reason, until
	QueueReleased     EntryKind = "queue_released"      // queue, reason
	LedgerRestored    EntryKind = "ledger_restored"     // reason
	ResourceMoved     EntryKind = "resource_moved"      // resource, id, from, to
	ResourceGone      EntryKind = "resource_gone"       // resource, id: deleted by somebody, and left so
	ResourceReturned  EntryKind = "resource_returned"   // resource, id: it was gone and is there again
	ResourceFound     EntryKind = "resource_found"      // resource, id, instead_of: known by its mark
	ResourceFollowed  EntryKind = "resource_followed"   // resource, id, found, known: its state, or what is to be written anew
	DuplicateClosed   EntryKind = "duplicate_closed"    // resource, id, kept, remedy
	ResourceRenewed   EntryKind = "resource_renewed"    // resources: what was gone is to be made again

	EligibilityAssessed EntryKind = "eligibility_assessed" // case, missing, unmet
	GateDecided         EntryKind = "gate_decided"         // step, decision, by
	GateOverridden      EntryKind = "gate_overridden"      // step, prerequisites, by
	OnboardingBlocked   EntryKind = "onboarding_blocked"
	OnboardingUnblocked EntryKind = "onboarding_unblocked"
	HostingRequested    EntryKind = "hosting_requested"
	DossiersJoined      EntryKind = "dossiers_joined"     // follows, by: reference or agent
	CommandGiven        EntryKind = "command_given"       // command, verb, step, outcome
	ReminderGiven       EntryKind = "reminder_given"      // to, reminder, id, adopted
	MessageWaived       EntryKind = "message_waived"      // message, reason: DS does not take it
	AnnotationsWritten  EntryKind = "annotations_written" // annotations, step
	DossierTagged       EntryKind = "dossier_tagged"      // label
	SandboxMarked       EntryKind = "sandbox_marked"      // status
	AnswerGiven         EntryKind = "answer_given"        // command, id, adopted
	TransitionMade      EntryKind = "transition_made"     // to, command, adopted
)

// Fact is an entry to be appended.
type Fact struct {
	Chain int64
	Actor string
	Kind  EntryKind
	// Data is a plain value that JSON can hold, without personal data.
	Data map[string]any
}

// Append appends facts in their order. Within one transaction the chain's head
// stays locked until its end.
func (q *Queries) Append(ctx context.Context, facts ...Fact) error {
	if len(facts) == 0 {
		return nil
	}
	var params AppendEntriesParams
	for _, fact := range facts {
		data := []byte("{}")
		if len(fact.Data) > 0 {
			var err error
			if data, err = json.Marshal(fact.Data); err != nil {
				return fmt.Errorf("ledger entry %s: %w", fact.Kind, err)
			}
		}
		params.Chains = append(params.Chains, fact.Chain)
		params.Actors = append(params.Actors, fact.Actor)
		params.Kinds = append(params.Kinds, string(fact.Kind))
		params.Data = append(params.Data, string(data))
	}
	return q.AppendEntries(ctx, params)
}

// Key is the resource's key.
func (r *Resource) ResourceKey() onboarding.ResourceKey {
	return onboarding.ResourceKey{
		System: onboarding.System(r.System), Kind: onboarding.ResourceKind(r.Kind), Key: r.Key,
	}
}

// Records sorts resources by dossier, in the form that the domain plans with.
func Records(resources []Resource) map[int64]map[onboarding.ResourceKey]onboarding.Resource {
	records := map[int64]map[onboarding.ResourceKey]onboarding.Resource{}
	for i := range resources {
		row := &resources[i]
		if records[row.Dossier] == nil {
			records[row.Dossier] = map[onboarding.ResourceKey]onboarding.Resource{}
		}
		resource := onboarding.Resource{
			ExternalID: row.ExternalID, URL: row.Url, Path: row.Path, Applied: row.Applied,
			FailedRevision: row.FailedRevision, Failure: row.Failure,
		}
		if row.IntentAt != nil {
			resource.IntentAt = *row.IntentAt
		}
		if row.FirstIntentAt != nil {
			resource.FirstIntentAt = *row.FirstIntentAt
		}
		if row.DoneAt != nil {
			resource.DoneAt = *row.DoneAt
		}
		if row.GoneAt != nil {
			resource.GoneAt = *row.GoneAt
		}
		records[row.Dossier][row.ResourceKey()] = resource
	}
	return records
}

// NewPutResource is what sets a row to what the domain holds of the resource.
func NewPutResource(dossier int64, key onboarding.ResourceKey, r onboarding.Resource) PutResourceParams {
	return PutResourceParams{
		Dossier: dossier, System: string(key.System), Kind: string(key.Kind), Key: key.Key,
		IntentAt: orNull(r.IntentAt), FirstIntentAt: orNull(r.FirstIntentAt), DoneAt: orNull(r.DoneAt), GoneAt: orNull(r.GoneAt),
		ExternalID: r.ExternalID, Url: r.URL, Path: r.Path, Applied: r.Applied,
		FailedRevision: r.FailedRevision, Failure: r.Failure,
	}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
