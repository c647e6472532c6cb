package onboarding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	p := planner{journey: j, dossier: d, record: r, policy: j.Policy[d.State]}
	p.issue()
	p.sandbox()
	p.writeBack()
	return p.actions
}

type planner struct {
	journey *Journey
	dossier *Dossier
	record  Record
	policy  Policy
	actions []Action
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

func (p *planner) issue() {
	issue := p.record.Get(IssueKey)
	if issue.Gone() {
		return
	}
	if !issue.Done() {
		// Whatever the policy says, nothing comes into being for who was turned down.
		if p.policy.Issue == IssueOpen && !p.dossier.State.TurnedDown() {
			p.add(Action{Kind: OpenIssue, Resource: IssueKey, Want: p.journey.face(p.dossier).fingerprint()})
		} else {
			p.settle(OpenIssue, IssueKey)
		}
		return
	}
	labels := p.record.Get(LabelsKey)
	if want := p.journey.face(p.dossier).fingerprint(); labels.Applied != want || labels.Unsure() {
		p.add(Action{Kind: LabelIssue, Resource: LabelsKey, Want: want})
	}
	note := NoteFor(p.journey, p.dossier, p.record)
	written := p.record.Get(NoteKey)
	if written.Gone() {
		return
	}
	if want := note.fingerprint(); (written.Applied != want || written.Unsure()) && (!note.Empty() || !written.IntentAt.IsZero()) {
		p.add(Action{Kind: NoteIssue, Resource: NoteKey, Want: want})
	}
}

func (p *planner) sandbox() {
	group, project := p.record.Get(GroupKey), p.record.Get(ProjectKey)
	archive := p.record.Get(ArchiveKey)
	if group.Gone() || project.Gone() {
		return // somebody deleted it: it is left alone, with what is left of it
	}
	if p.policy.Sandbox != SandboxProvision {
		p.settle(CreateGroup, GroupKey)
		p.settle(CreateProject, ProjectKey)
		p.settle(CommitFiles, FilesKey)
		p.settleInvitations(nil)
		switch {
		case !project.Done():
		case p.policy.Sandbox == SandboxArchive && (archive.Applied != Archived || archive.Unsure()):
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

func (p *planner) writeBack() {
	wanted := MessageKey(p.policy.Message, p.dossier.Decisions)
	for _, key := range p.record.keys(KindMessage) {
		if key != wanted {
			p.settle(SendMessage, key)
		}
	}
	switch {
	case !p.dossier.Reachable() || p.policy.Message == MessageNone:
		p.settle(SendMessage, wanted)
	case p.record.Get(wanted).Done():
	case p.policy.Message == MessageAccepted && !SandboxReady(p.record):
	default:
		p.add(Action{Kind: SendMessage, Resource: wanted})
	}
	switch {
	case p.journey.DSTransitions != InstructOnReceipt || p.dossier.State != EnConstruction ||
		p.dossier.EverInstructed || p.dossier.AwaitCorrection:
		p.settle(StartInstruction, InstructKey)
	case !p.record.Get(InstructKey).Done():
		p.add(Action{Kind: StartInstruction, Resource: InstructKey})
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

// The keys of the resources that a dossier has at most one of.
var (
	GroupKey    = ResourceKey{System: InGitLab, Kind: KindGroup}
	ProjectKey  = ResourceKey{System: InGitLab, Kind: KindProject}
	FilesKey    = ResourceKey{System: InGitLab, Kind: KindFiles}
	ArchiveKey  = ResourceKey{System: InGitLab, Kind: KindArchive}
	IssueKey    = ResourceKey{System: InGitLab, Kind: KindIssue}
	LabelsKey   = ResourceKey{System: InGitLab, Kind: KindLabels}
	NoteKey     = ResourceKey{System: InGitLab, Kind: KindNote}
	InstructKey = ResourceKey{System: InDemarches, Kind: KindTransition, Key: string(EnInstruction)}
)

// MembersKey is the key of the invitations at one access level.
func MembersKey(level string) ResourceKey {
	return ResourceKey{System: InGitLab, Kind: KindMembers, Key: level}
}

// MessageKey is the key of a message to the applicant. The receipt is sent once; a
// decision's message once in each round, and DS counts the rounds.
func MessageKey(message Message, decisions int) ResourceKey {
	key := ResourceKey{System: InDemarches, Kind: KindMessage, Key: string(message)}
	if message != MessageReceived {
		key.Key = fmt.Sprintf("%s %d", message, max(decisions, 1))
	}
	return key
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
