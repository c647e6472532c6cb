package onboarding

import (
	"cmp"
	"maps"
	"strconv"
	"time"
)

// Correct returns the record as it is once differences were dealt with: what is
// followed, adopted, noted as gone, or to be made again. What depends on a thing goes
// with it: another issue has other notes.
func Correct(r Record, differences []Difference, now time.Time) Record {
	corrected := Record{Revision: r.Revision, Resources: maps.Clone(r.Resources), ImportFrom: r.ImportFrom}
	if corrected.Resources == nil {
		corrected.Resources = map[ResourceKey]Resource{}
	}
	for i := range differences {
		corrected.correct(&differences[i], now)
	}
	return corrected
}

func (r Record) correct(d *Difference, now time.Time) {
	row := r.Resources[d.Resource]
	switch d.Remedy {
	case ToFollow:
		if d.Resource == ArchiveKey {
			row = Resource{Applied: archiveWord(d.Thing.Closed), IntentAt: now, DoneAt: now}
		} else {
			row.Path, row.URL, row.GoneAt = d.Thing.Path, d.Thing.URL, time.Time{}
		}
	case ToRecord:
		row.GoneAt = now
	case ToRedo:
		row.Applied = ""
	case ToAdopt:
		r.adopt(d, now)
		return
	case ToRecreate:
		for key := range r.Resources {
			if key == d.Resource || dependsOn(key, d.Resource) {
				delete(r.Resources, key)
			}
		}
		row = Resource{Applied: AskedFor}
	default:
		return // the ledger holds nothing of it
	}
	r.Resources[d.Resource] = row
}

// adopt takes the thing for the dossier's, whatever the ledger held.
func (r Record) adopt(d *Difference, now time.Time) {
	note := r.Resources[NoteKey]
	for key := range r.Resources {
		// The project of another group is compared for itself.
		if dependsOn(key, d.Resource) && (d.Resource != GroupKey || key.Kind == KindMembers) {
			delete(r.Resources, key)
		}
	}
	known := Resource{IntentAt: now, DoneAt: now}
	r.Resources[d.Resource] = Resource{
		IntentAt: now, DoneAt: now, ExternalID: cmp.Or(d.Thing.Message, strconv.FormatInt(d.Thing.ID, 10)), URL: d.Thing.URL, Path: d.Thing.Path,
	}
	switch d.Resource.Kind {
	case KindProject:
		if !d.Thing.Empty {
			r.Resources[FilesKey] = known // ours, or the team's work, which is not overwritten
		}
		if d.Thing.Closed {
			known.Applied = Archived
			r.Resources[ArchiveKey] = known
		}
	case KindIssue:
		if !note.DoneAt.IsZero() {
			// It may bear a note of ours as well: an intent has it looked for.
			r.Resources[NoteKey] = Resource{IntentAt: note.DoneAt, FirstIntentAt: note.DoneAt}
		}
	default: // nothing else is known of it
	}
}

// dependsOn reports whether a resource is a part or a property of another.
func dependsOn(key, on ResourceKey) bool {
	if key.System != InGitLab {
		return false
	}
	switch on.Kind {
	case KindGroup:
		return key.Kind == KindMembers || key.Kind == KindProject || dependsOn(key, ProjectKey)
	case KindProject:
		return key.Kind == KindFiles || key.Kind == KindArchive || key.Kind == KindStatus
	case KindIssue:
		return key.Kind == KindLabels || key.Kind == KindNote
	default:
		return false
	}
}

// PartOf returns the kind of the group, project or issue that a resource of a kind is, or
// is a part or a property of.
func PartOf(kind ResourceKind) ResourceKind {
	switch kind {
	case KindMembers:
		return KindGroup
	case KindFiles, KindArchive, KindStatus:
		return KindProject
	case KindLabels, KindNote:
		return KindIssue
	default:
		return kind
	}
}

// Renewals returns what somebody deleted and what would be made again for a dossier
// when it is asked for.
func Renewals(r Record) []Difference {
	var renewals []Difference
	for _, key := range []ResourceKey{GroupKey, ProjectKey, IssueKey, NoteKey} {
		row := r.Get(key)
		if !row.Gone() {
			continue
		}
		id, _ := strconv.ParseInt(row.ExternalID, 10, 64)
		renewals = append(renewals, Difference{
			Kind: DiffGone, Resource: key, Remedy: ToRecreate, Thing: Thing{ID: id}, Ledger: named(row.Path, id), GitLab: "not there",
		})
	}
	return renewals
}
