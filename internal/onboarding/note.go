package onboarding

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
}

// NoteFor returns what the note on the dossier's tracking issue has to tell.
func NoteFor(j *Journey, d *Dossier, r Record) Note {
	note := Note{State: d.State}
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
	if d.State.Decided() {
		note.Motivation = d.Motivation
	}
	for _, key := range []ResourceKey{GroupKey, ProjectKey, FilesKey, ArchiveKey} {
		if r.failed(key) {
			note.Failures = append(note.Failures, r.Get(key).Failure)
		}
	}
	for _, invitation := range j.Invitations(d) {
		if key := MembersKey(invitation.Level); r.failed(key) {
			note.Failures = append(note.Failures, r.Get(key).Failure)
		}
	}
	if note.ProjectURL != "" {
		request := j.Request(d)
		note.BadEmails = request.Unusable()
	}
	return note
}

// Empty reports whether there is nothing worth a note: the description,
// labels and state say it all.
func (n Note) Empty() bool {
	return n.ProjectURL == "" && !n.Archived && !n.Gone && n.Motivation == "" && len(n.Failures) == 0
}

func (n Note) fingerprint() string { return fingerprint(n) }
