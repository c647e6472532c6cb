package onboarding

import "slices"

// Note is what the hub's one note on the tracking issue tells. Its text is written
// again only when one of these facts changes.
type Note struct {
	State      State
	GroupURL   string
	ProjectURL string
	// Archived tells that the sandbox was archived.
	Archived bool
	// Gone tells that somebody deleted the sandbox, or the group around it. It is left
	// out where it says nothing, so that notes from before it was told stay as they are.
	Gone bool `json:",omitempty"`
	// Motivation is the reason that the agents gave for their decision.
	Motivation string
	// Failures tells what could not be done, for a human to mend.
	Failures []string
	// BadEmails counts the words given as addresses that are none.
	BadEmails int
	Standing  Standing
	// Links are the other dossiers of the onboarding, and BadReference tells that the
	// form's reference is none of ours.
	Links        Links
	BadReference bool
	// Unsent tells why DS does not take the message that the applicant is to get.
	Unsent Unreachable
}

// NoteFor returns what the note on the dossier's tracking issue has to tell.
func NoteFor(j *Journey, d *Dossier, r Record) Note {
	note := Note{State: d.State, Standing: Stand(j, d, r), Links: r.Links}
	request := j.Request(d)
	note.BadReference = request.Reference != "" && r.Links.Follows == nil
	if r.Get(GroupKey).Done() {
		note.GroupURL = r.Get(GroupKey).URL
	}
	if r.Get(ProjectKey).Done() && r.Get(FilesKey).Done() {
		note.ProjectURL = r.Get(ProjectKey).URL
	}
	note.Gone = r.Get(GroupKey).Gone() || r.Get(ProjectKey).Gone()
	note.Archived = r.Get(ArchiveKey).Applied == Archived && !note.Gone
	if note.Gone {
		note.ProjectURL = ""
	}
	if d.State.Decided() && (d.State != Accepte || len(note.Standing.Passes) > 0 && note.Standing.Passes[0].ByDS) {
		note.Motivation = d.Motivation
	}
	note.Failures = failures(j, d, r)
	if note.ProjectURL == "" && len(note.Failures) == 0 && !note.Gone {
		note.GroupURL = "" // it is told with the sandbox in it
	}
	if note.ProjectURL != "" {
		note.BadEmails = request.Unusable()
	}
	for _, key := range r.keys(KindWaiver) {
		if !d.Reachable() && r.Get(key).Done() {
			note.Unsent = d.Unreachable()
		}
	}
	return note
}

// failures tells what failed for good on what DS says today: first what the rest waits for.
func failures(j *Journey, d *Dossier, r Record) []string {
	keys := []ResourceKey{GroupKey, ProjectKey, FilesKey, ArchiveKey}
	for _, invitation := range j.Invitations(d) {
		keys = append(keys, MembersKey(invitation.Level))
	}
	for _, kind := range []ResourceKind{KindStatus, KindTransition, KindMessage, KindAnnotations, KindTag, KindAnswer, KindReminder} {
		keys = append(keys, r.keys(kind)...)
	}
	var all []string
	for _, key := range keys {
		if r.failed(key) && !slices.Contains(all, r.Get(key).Failure) {
			all = append(all, r.Get(key).Failure)
		}
	}
	return all
}

func (n Note) fingerprint() string { return fingerprint(n) }
