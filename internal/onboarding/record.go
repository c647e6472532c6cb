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

// The kinds of resources. Labels and Archive are properties of the issue and the
// project: their row holds what was last applied.
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
