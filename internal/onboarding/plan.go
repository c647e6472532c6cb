package onboarding

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// Plan compares what DS says of a dossier with what the ledger holds and returns
// the actions that can be taken now, in the order in which to take them. It is a
// function of its arguments alone; with nothing left to do it returns nothing.
//
// What somebody deleted is not made again, and nothing is done to it, until it is
// asked for.
//
// An action whose prerequisite is still missing is not returned: it will be once
// the prerequisite is recorded, since whoever records an outcome plans again.
func Plan(j *Journey, d *Dossier, r Record) []Action {
	if d.endedBefore(r.ImportFrom) && r.untouched() {
		return nil
	}
	p := planner{journey: j, dossier: d, record: r, policy: j.PolicyOf(d), standing: Stand(j, d, r)}
	p.issue()
	p.answers()
	p.sandbox()
	p.messages()
	p.transitions()
	p.annotations()
	p.reminders()
	return p.actions
}

type planner struct {
	journey *Journey
	dossier *Dossier
	record  Record
	policy  Policy
	// standing is where the onboarding stands.
	standing Standing
	actions  []Action
}

// add plans an action unless it failed for good on what DS says today.
func (p *planner) add(a Action) {
	if !p.record.failed(a.Resource) {
		p.actions = append(p.actions, a)
	}
}

// settle plans a look at a resource that is no longer wanted but that a call
// without a known outcome may have created.
func (p *planner) settle(kind ActionKind, key ResourceKey) {
	if p.record.Get(key).Open() {
		p.add(Action{Kind: kind, Resource: key, Settle: true})
	}
}

// settleProperty settles a property that may have been changed.
func (p *planner) settleProperty(kind ActionKind, key ResourceKey) {
	if p.record.Get(key).Unsure() {
		p.add(Action{Kind: kind, Resource: key, Settle: true, Want: Unknown})
	}
}

func (p *planner) issue() {
	issue := p.record.Get(IssueKey)
	if issue.Gone() {
		return
	}
	if !issue.Done() {
		// Whatever the policy says, nothing comes into being for who was turned down.
		if p.policy.Issue == IssueOpen && !p.dossier.State.TurnedDown() {
			p.add(Action{Kind: OpenIssue, Resource: IssueKey, Want: p.journey.face(p.dossier, p.standing).Fingerprint()})
		} else {
			p.settle(OpenIssue, IssueKey)
		}
		return
	}
	labels := p.record.Get(LabelsKey)
	if want := p.journey.face(p.dossier, p.standing).Fingerprint(); labels.Applied != want || labels.Unsure() {
		p.add(Action{Kind: LabelIssue, Resource: LabelsKey, Want: want})
	}
	note := NoteFor(p.journey, p.dossier, p.record)
	written := p.record.Get(NoteKey)
	if written.Gone() {
		return
	}
	if want := note.fingerprint(); written.Applied != want || written.Unsure() {
		p.add(Action{Kind: NoteIssue, Resource: NoteKey, Want: want})
	}
}

// answers plans the answer to every command, to those of a comment together.
func (p *planner) answers() {
	if !p.record.Get(IssueKey).Done() {
		return
	}
	for i := range p.record.Commands {
		if p.record.Commands[i].Outcome == Ignored {
			continue
		}
		if key := AnswerKey(p.record.Commands[i].Key()); !p.record.Get(key).Done() && !p.planned(key) {
			p.add(Action{Kind: AnswerCommand, Resource: key})
		}
	}
	if c := overruled(p.journey, p.dossier, p.record); c != nil {
		if key := AnswerKey(c.Key()); !p.record.Get(key).Done() {
			p.add(Action{Kind: AnswerCommand, Resource: key})
		}
	}
}

// overruled returns the go or no-go that was carried out and that DS contradicts with a
// final decision: whoever gave it is told so once more.
func overruled(j *Journey, d *Dossier, r Record) *Command {
	s := stander{commands: carriedOut(r.Commands)}
	given := s.decision(j.FormStep(d), d.ReopenedAt)
	if given == nil || !d.State.Decided() || (given.Verb == VerbGo) == (d.State == Accepte) {
		return nil
	}
	c := *given
	c.Source, c.Outcome = Overruled, RefusedDecided
	return &c
}

// Answered returns the commands that an answer is to.
func Answered(j *Journey, d *Dossier, r Record, answer ResourceKey) []Command {
	if c := overruled(j, d, r); c != nil && AnswerKey(c.Key()) == answer {
		return []Command{*c}
	}
	return slices.DeleteFunc(slices.Clone(r.Commands), func(c Command) bool { return AnswerKey(c.Key()) != answer })
}

// planned reports whether an action on the resource is planned already.
func (p *planner) planned(key ResourceKey) bool {
	return slices.ContainsFunc(p.actions, func(a Action) bool { return a.Resource == key })
}

// sandboxPolicy is what becomes of the sandbox: who is stopped by a no-go at a later gate
// keeps it as an archive.
func (p *planner) sandboxPolicy() SandboxPolicy {
	if p.standing.Stopped && p.policy.Sandbox == SandboxProvision {
		return SandboxArchive
	}
	return p.policy.Sandbox
}

func (p *planner) sandbox() {
	policy := p.sandboxPolicy()
	group, project := p.record.Get(GroupKey), p.record.Get(ProjectKey)
	archive := p.record.Get(ArchiveKey)
	if group.Gone() || project.Gone() {
		return // somebody deleted it: it is left alone, with what is left of it
	}
	if policy != SandboxProvision {
		p.settle(CreateGroup, GroupKey)
		p.settle(CreateProject, ProjectKey)
		p.settle(CommitFiles, FilesKey)
		p.settleInvitations(nil)
		p.settleProperty(MarkSandbox, StatusKey)
		switch {
		case !project.Done():
		case policy == SandboxArchive && (archive.Applied != Archived || archive.Unsure()):
			p.add(Action{Kind: ArchiveProject, Resource: ArchiveKey, Want: Archived})
		case archive.Unsure():
			p.add(Action{Kind: ArchiveProject, Resource: ArchiveKey, Settle: true})
		}
		return
	}
	switch {
	case !group.Done():
		p.add(Action{Kind: CreateGroup, Resource: GroupKey})
	case !project.Done():
		p.add(Action{Kind: CreateProject, Resource: ProjectKey})
	case archive.Applied == Archived || archive.Unsure():
		p.add(Action{Kind: UnarchiveProject, Resource: ArchiveKey, Want: Active})
	case !p.record.Get(FilesKey).Done():
		p.add(Action{Kind: CommitFiles, Resource: FilesKey})
	default:
		invitations := p.journey.Invitations(p.dossier)
		p.settleInvitations(invitations)
		for _, invitation := range invitations {
			key := MembersKey(invitation.Level)
			if want := invitation.fingerprint(); p.record.Get(key).Applied != want {
				p.add(Action{Kind: InviteMembers, Resource: key, Want: want})
			}
		}
		p.status()
	}
}

// status is whether the sandbox is provisional, as its topic and description tell. It is
// made provisional.
func (p *planner) status() {
	want := Provisional
	if p.standing.inProduction(p.journey) {
		want = Permanent
	}
	status := p.record.Get(StatusKey)
	if applied := cmp.Or(status.Applied, Provisional); applied != want || status.Unsure() {
		p.add(Action{Kind: MarkSandbox, Resource: StatusKey, Want: want})
	}
}

// settleInvitations settles those at levels at which nobody is to be invited.
func (p *planner) settleInvitations(wanted []Invitation) {
	for _, key := range p.record.keys(KindMembers) {
		if !slices.ContainsFunc(wanted, func(i Invitation) bool { return MembersKey(i.Level) == key }) {
			p.settle(InviteMembers, key)
		}
	}
}

// SandboxReady reports whether the group, the project and its files exist and the
// project takes changes: whether its addresses are worth telling.
func SandboxReady(r Record) bool {
	return r.Get(GroupKey).Done() && r.Get(ProjectKey).Done() && r.Get(FilesKey).Done() &&
		r.Get(ArchiveKey).Applied != Archived && !r.Get(ArchiveKey).Unsure()
}

// Archived and Active are what the archive resource's row can hold as applied.
const (
	Archived = "archived"
	Active   = "active"
)

// Unknown is what the row of a property holds as applied when it was about to be changed,
// is not to be any more, and nobody asked whether it was.
const Unknown = "unknown"

// Provisional and Permanent are what the status resource's row can hold as applied.
const (
	Provisional = "provisional"
	Permanent   = "permanent"
)

// The keys of the resources that a dossier has at most one of.
var (
	GroupKey    = ResourceKey{System: InGitLab, Kind: KindGroup}
	ProjectKey  = ResourceKey{System: InGitLab, Kind: KindProject}
	FilesKey    = ResourceKey{System: InGitLab, Kind: KindFiles}
	ArchiveKey  = ResourceKey{System: InGitLab, Kind: KindArchive}
	IssueKey    = ResourceKey{System: InGitLab, Kind: KindIssue}
	LabelsKey   = ResourceKey{System: InGitLab, Kind: KindLabels}
	NoteKey     = ResourceKey{System: InGitLab, Kind: KindNote}
	StatusKey   = ResourceKey{System: InGitLab, Kind: KindStatus}
	InstructKey = ResourceKey{System: InDemarches, Kind: KindTransition, Key: string(EnInstruction)}
	// AnnotationsKey and TagKey are properties of the dossier in DS: its private fields,
	// and its label for the step.
	AnnotationsKey = ResourceKey{System: InDemarches, Kind: KindAnnotations}
	TagKey         = ResourceKey{System: InDemarches, Kind: KindTag}
)

// MembersKey is the key of the invitations at one access level.
func MembersKey(level string) ResourceKey {
	return ResourceKey{System: InGitLab, Kind: KindMembers, Key: level}
}

// AnswerKey is the key of the answer to the commands of one comment, or to one change of
// label or state.
func AnswerKey(command string) ResourceKey {
	return ResourceKey{System: InGitLab, Kind: KindAnswer, Key: command}
}

// fingerprint is short, and the same for the same value.
func fingerprint(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // only our own plain structs come here
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}
