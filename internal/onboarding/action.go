package onboarding

// Action is one thing still to be done for a dossier.
type Action struct {
	Kind ActionKind
	// Resource is the row that holds its intent and its outcome.
	Resource ResourceKey
	// Want is the fingerprint of what is to be written; it is recorded as applied.
	Want string
	// Settle says that the thing is no longer wanted, but that an earlier call may
	// have made it: look, record what is there, create nothing.
	Settle bool
}

// ActionKind is a kind of action.
type ActionKind string

// The kinds of actions.
const (
	OpenIssue        ActionKind = "open_issue"
	LabelIssue       ActionKind = "label_issue"
	NoteIssue        ActionKind = "note_issue"
	CreateGroup      ActionKind = "create_group"
	CreateProject    ActionKind = "create_project"
	CommitFiles      ActionKind = "commit_files"
	InviteMembers    ActionKind = "invite_members"
	ArchiveProject   ActionKind = "archive_project"
	UnarchiveProject ActionKind = "unarchive_project"
	SendMessage      ActionKind = "send_message"
	StartInstruction ActionKind = "start_instruction"
	AnswerCommand    ActionKind = "answer_command"
	RemindAgents     ActionKind = "remind_agents"
	MarkSandbox      ActionKind = "mark_sandbox"
	AcceptDossier    ActionKind = "accept_dossier"
	RefuseDossier    ActionKind = "refuse_dossier"
	ClassDossier     ActionKind = "class_dossier"
	Annotate         ActionKind = "annotate"
	TagDossier       ActionKind = "tag_dossier"
	WaiveMessage     ActionKind = "waive_message"
)

// Job is a kind of background job that carries out actions.
type Job string

// The jobs that carry out actions.
const (
	ProvisionSandbox    Job = "provision_sandbox"
	ArchiveSandbox      Job = "archive_sandbox"
	OpenTrackingIssue   Job = "open_tracking_issue"
	UpdateTrackingIssue Job = "update_tracking_issue"
	WriteBack           Job = "write_back"
)

// Job returns the job that carries out actions of this kind.
func (k ActionKind) Job() Job {
	switch k {
	case OpenIssue:
		return OpenTrackingIssue
	case LabelIssue, NoteIssue, AnswerCommand, RemindAgents:
		return UpdateTrackingIssue
	case ArchiveProject:
		return ArchiveSandbox
	case SendMessage, StartInstruction, AcceptDossier, RefuseDossier, ClassDossier, Annotate, TagDossier, WaiveMessage:
		return WriteBack
	default:
		return ProvisionSandbox
	}
}

// Creates reports whether an action of this kind brings something into being.
func (a Action) Creates() bool {
	if a.Settle {
		return false
	}
	switch a.Kind {
	case OpenIssue, CreateGroup, CreateProject, CommitFiles, InviteMembers:
		return true
	default:
		return false
	}
}

// Looks reports whether an action whose call may have had its effect already must
// look for it before it is tried again. The others may be repeated: GitLab refuses a
// path that is taken, which leads to looking at what stands there; labels, archiving,
// invitations and annotations come out the same when done twice, and DS refuses a change
// of state that was made.
func (a Action) Looks() bool {
	switch a.Kind {
	case OpenIssue, NoteIssue, SendMessage, AnswerCommand, RemindAgents:
		return true
	default:
		return a.Settle
	}
}

// Waits reports whether an action must not be carried out while an earlier call for
// the same thing could still take effect: it would not find what that makes, or be
// undone by it.
func (a Action) Waits() bool {
	switch a.Kind {
	case LabelIssue, ArchiveProject, UnarchiveProject, MarkSandbox, Annotate, TagDossier:
		return true
	default:
		return a.Looks()
	}
}

// Work is the actions of a plan that one job carries out.
type Work struct {
	Job Job
	// Key is the same for the same actions planned on the same revision, so that
	// they are enqueued once.
	Key     string
	Actions []Action
}

// Sort sorts a plan's actions by the job that carries them out, in the order in
// which the plan first names the jobs.
func Sort(actions []Action, revision int32) []Work {
	var works []Work
	at := map[Job]int{}
	for _, action := range actions {
		job := action.Kind.Job()
		i, begun := at[job]
		if !begun {
			i = len(works)
			at[job] = i
			works = append(works, Work{Job: job})
		}
		works[i].Actions = append(works[i].Actions, action)
	}
	for i := range works {
		works[i].Key = fingerprint(struct {
			Revision int32
			Actions  []Action
		}{revision, works[i].Actions})
	}
	return works
}
