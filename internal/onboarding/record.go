package onboarding

import (
	"cmp"
	"slices"
	"time"
)

// Record is what the ledger holds about what was done for a dossier.
type Record struct {
	// Revision counts the snapshots that said something new. An action that failed
	// for good at one revision is planned again at the next.
	Revision  int32
	Resources map[ResourceKey]Resource
	// ImportFrom is when the hub's work began for the dossier's form: what ended before
	// is none of ours. Zero for no such date.
	ImportFrom time.Time
	// Commands are what agents asked for in GitLab, in any order.
	Commands []Command
	Links    Links
	// Shown is when the tracking issue began to show a step, by GitLab's clock: whoever
	// decided before meant the step before it.
	Shown map[int]time.Time
	// SeenAt is when the look at DS began that the dossier comes from.
	SeenAt time.Time
	// Now is the time of the plan: what is due by then is planned.
	Now time.Time
}

// Links are the dossiers that a dossier shares its onboarding with.
type Links struct {
	// Follows is the dossier of an earlier form that this one goes on from, nil for none.
	Follows *Link
	// FollowedBy are those of later forms that go on from this one.
	FollowedBy []Link
	// Candidates are the numbers of earlier dossiers of the same applicant and project
	// name: they are proposed, never joined by themselves.
	Candidates []int64
	// Joinable are the numbers that commands name and that are dossiers of earlier forms.
	Joinable []int64
}

// And returns the links with one more dossier that they concern, none when it is 0.
func (l Links) And(number int64) Links {
	if number != 0 {
		l.FollowedBy = append(slices.Clone(l.FollowedBy), Link{Number: number})
	}
	return l
}

// goOn reports whether the onboarding goes on with the dossier of a later form.
func (l Links) goOn() bool {
	return slices.ContainsFunc(l.FollowedBy, func(link Link) bool { return link.State != Deleted })
}

// Link is the other end of a link.
type Link struct {
	Number int64
	// State is the other dossier's, and IssueURL leads to its tracking issue, empty when
	// it has none.
	State    State
	IssueURL string
}

// System is where a resource lives.
type System string

// The systems.
const (
	InGitLab    System = "gitlab"
	InDemarches System = "demarches"
)

// ResourceKey names one thing that exists, or is to exist, because of a dossier.
type ResourceKey struct {
	System System
	Kind   ResourceKind
	// Key tells apart several of a kind: the level of an invitation, the round of a
	// message; else empty.
	Key string
}

// String is the key as people read it.
func (k ResourceKey) String() string {
	if k.Key == "" {
		return string(k.Kind)
	}
	return string(k.Kind) + " " + k.Key
}

// ResourceKind is a kind of resource.
type ResourceKind string

// The kinds of resources. Labels, Archive and Status are properties of the issue and
// the project: their row holds what was last applied.
const (
	KindGroup      ResourceKind = "group"
	KindProject    ResourceKind = "project"
	KindFiles      ResourceKind = "files"
	KindMembers    ResourceKind = "members"
	KindArchive    ResourceKind = "archive"
	KindIssue      ResourceKind = "issue"
	KindLabels     ResourceKind = "labels"
	KindNote       ResourceKind = "note"
	KindMessage    ResourceKind = "message"
	KindTransition ResourceKind = "transition"
	// Status is whether the sandbox is provisional; Annotations and Tag are properties of
	// the dossier in DS.
	KindStatus      ResourceKind = "status"
	KindAnnotations ResourceKind = "annotations"
	KindTag         ResourceKind = "tag"
	// An answer is a comment on what agents did, a reminder one that nothing moves.
	KindAnswer   ResourceKind = "answer"
	KindReminder ResourceKind = "reminder"
	// A waiver stands for a message that DS does not take; its row holds as applied why.
	KindWaiver ResourceKind = "waiver"
)

// Resource is one resource's row in the ledger.
type Resource struct {
	// IntentAt is when a call that may have created it was about to be made, zero
	// when none was.
	IntentAt time.Time
	// FirstIntentAt is when the first such call was about to be made.
	FirstIntentAt time.Time
	// DoneAt is when its outcome was recorded, zero while it is not known.
	DoneAt time.Time
	// ExternalID is the other system's id, URL its address, Path its full path.
	ExternalID string
	URL        string
	Path       string
	// Applied is the fingerprint of what was last written there.
	Applied string
	// FailedRevision is the revision at which it failed for good, 0 for none, and
	// Failure what to tell a human.
	FailedRevision int32
	Failure        string
	// GoneAt is when it was noted that somebody deleted it, zero while it is there.
	GoneAt time.Time
}

// Done reports whether the resource exists.
func (r Resource) Done() bool { return !r.DoneAt.IsZero() && !r.Gone() }

// Gone reports whether the resource existed and somebody deleted it.
func (r Resource) Gone() bool { return !r.GoneAt.IsZero() }

// Open reports whether an intent waits for its outcome: whether the resource
// exists is not known.
func (r Resource) Open() bool { return !r.IntentAt.IsZero() && r.DoneAt.IsZero() }

// Unsure reports whether a call was about to change the resource and its outcome is
// not known: what was applied last may not be what is there.
func (r Resource) Unsure() bool { return r.IntentAt.After(r.DoneAt) }

// Get returns a resource, the zero one when the ledger holds none.
func (r Record) Get(key ResourceKey) Resource { return r.Resources[key] }

// AskedFor is what the row of something holds as applied that somebody asked for to be
// made anew, until it is.
const AskedFor = "asked for"

// untouched reports whether nothing was made for the dossier, nor may have been, nor was
// asked for.
func (r Record) untouched() bool {
	for _, resource := range r.Resources {
		if resource.Done() || resource.Open() || resource.Applied == AskedFor {
			return false
		}
	}
	return true
}

// failed reports whether an action on the resource failed for good and nothing new
// was said since.
func (r Record) failed(key ResourceKey) bool {
	resource := r.Resources[key]
	return resource.FailedRevision != 0 && resource.FailedRevision == r.Revision
}

// keys returns the keys of a kind's resources that were made or begun, in order.
func (r Record) keys(kind ResourceKind) []ResourceKey {
	var keys []ResourceKey
	for key := range r.Resources {
		if key.Kind == kind {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b ResourceKey) int { return cmp.Compare(a.Key, b.Key) })
	return keys
}
