package onboarding

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sight is what one look at GitLab showed of one dossier.
type Sight struct {
	// Begun is when the look began, by the database's clock: what was recorded later
	// can be missing in it.
	Begun time.Time
	// Things holds the groups, projects, issues and notes that bear the dossier's mark
	// and those that the ledger knows. A kind that is not in it was not looked at.
	Things map[ResourceKind][]Thing
	// Access counts the people who are members of the group or invited, by level; nil
	// when that was not looked at.
	Access map[string]int
}

// Thing is something that stands in GitLab.
type Thing struct {
	ID int64
	// Message is the id of a message in DS, which is no number.
	Message string
	// Path is the full path of a group or a project.
	Path, URL string
	// Marked tells that it bears the dossier's mark, where only we put it.
	Marked bool
	// Deleting tells that it is marked for deletion.
	Deleting bool
	// Closed tells that the issue is closed, or the project archived.
	Closed bool
	// Empty tells that the project has no commit.
	Empty bool
	// Visibility is that of a group or a project.
	Visibility string
	// Labels are those of an issue.
	Labels []string
}

// visibility is what our groups and projects are to have.
const visibility = "private"

// Difference is one thing in which the ledger and GitLab do not agree.
type Difference struct {
	Kind     DifferenceKind
	Resource ResourceKey
	Remedy   Remedy
	// Thing is what GitLab shows; nothing but its id where it is gone.
	Thing Thing
	// Keep is the id of the thing that stays, of a duplicate.
	Keep int64
	// Ledger and GitLab tell what each of the two says, without personal data.
	Ledger, GitLab string
}

// DifferenceKind is a kind of difference.
type DifferenceKind string

// The kinds of differences.
const (
	// DiffMoved: renamed, or moved elsewhere.
	DiffMoved DifferenceKind = "moved"
	// DiffGone: deleted, or marked for deletion.
	DiffGone DifferenceKind = "gone"
	// DiffReturned: it was gone and is there again.
	DiffReturned DifferenceKind = "returned"
	// DiffFound: it bears our mark, and the ledger knows nothing of it or knows another one.
	DiffFound DifferenceKind = "found"
	// DiffDuplicate: it bears our mark, and another one with a lower number does, too.
	DiffDuplicate DifferenceKind = "duplicate"
	// DiffState: open or closed, archived or not, or of unknown content since a restoration.
	DiffState DifferenceKind = "state"
	// DiffLabels, DiffMembers and DiffVisibility: people changed them.
	DiffLabels     DifferenceKind = "labels"
	DiffMembers    DifferenceKind = "members"
	DiffVisibility DifferenceKind = "visibility"
	// DiffUnknown: it bears the mark of a dossier that the ledger does not know.
	DiffUnknown DifferenceKind = "unknown"
)

// Remedy is what is done about a difference.
type Remedy string

// The remedies.
const (
	// ToFollow: the ledger takes over what GitLab shows.
	ToFollow Remedy = "follow"
	// ToRecord: the ledger notes that it is gone; nothing is made anew.
	ToRecord Remedy = "record"
	// ToAdopt: the ledger takes the thing for the dossier's.
	ToAdopt Remedy = "adopt"
	// ToClose, ToArchive and ToDelete: a duplicate issue, project or note of ours.
	ToClose   Remedy = "close"
	ToArchive Remedy = "archive"
	ToDelete  Remedy = "delete"
	// ToRedo: what the ledger says was written there is written again.
	ToRedo Remedy = "redo"
	// ToList: nothing is done; people see it and decide.
	ToList Remedy = "list"
	// ToRecreate: it is made anew, because somebody asked for it.
	ToRecreate Remedy = "recreate"
)

// Compare compares what the ledger holds of a dossier with what GitLab shows. It
// passes over what is being made or changed at the moment: what has an intent without
// an outcome, and what was recorded after the look began. What was recorded before
// ledgerBegan comes from a backup: what the ledger says was written may have been
// overwritten since.
func Compare(j *Journey, d *Dossier, r Record, s Sight, ledgerBegan time.Time) []Difference {
	c := comparison{journey: j, dossier: d, record: r, sight: s, began: ledgerBegan}
	if group := c.thing(GroupKey, ToList); group != nil {
		c.visible(GroupKey, group)
		c.members()
	}
	if project := c.thing(ProjectKey, ToArchive); project != nil {
		c.visible(ProjectKey, project)
		c.archived(project)
	}
	if issue := c.thing(IssueKey, ToClose); issue != nil {
		c.face(issue)
		c.note()
	}
	return c.found
}

type comparison struct {
	journey *Journey
	dossier *Dossier
	record  Record
	sight   Sight
	began   time.Time
	found   []Difference
}

func (c *comparison) add(kind DifferenceKind, key ResourceKey, remedy Remedy, thing Thing, ledger, gitlab string) {
	c.found = append(c.found, Difference{Kind: kind, Resource: key, Remedy: remedy, Thing: thing, Ledger: ledger, GitLab: gitlab})
}

// moving reports whether the resource is being made or changed, or was since the look
// began.
func (c *comparison) moving(r Resource) bool {
	return r.Unsure() || r.DoneAt.After(c.sight.Begun) || r.GoneAt.After(c.sight.Begun)
}

// restored reports whether the row comes from a backup.
func (c *comparison) restored(r Resource) bool { return r.DoneAt.Before(c.began) }

// thing compares one group, project, issue or note. It returns what stands in GitLab
// when that is what the ledger says.
func (c *comparison) thing(key ResourceKey, surplus Remedy) *Thing {
	things, looked := c.sight.Things[key.Kind]
	row := c.record.Get(key)
	if !looked || c.moving(row) {
		return nil
	}
	known, keep := (*Thing)(nil), (*Thing)(nil)
	candidates := slices.Clone(things)
	slices.SortFunc(candidates, func(a, b Thing) int { return cmp.Compare(a.ID, b.ID) })
	candidates = slices.DeleteFunc(candidates, func(t Thing) bool {
		return t.Deleting || !t.Marked && strconv.FormatInt(t.ID, 10) != row.ExternalID
	})
	for i := range candidates {
		if strconv.FormatInt(candidates[i].ID, 10) == row.ExternalID {
			known = &candidates[i]
		}
	}
	if len(candidates) > 0 {
		keep = &candidates[0] // the lowest number
	}
	switch {
	case keep == nil && row.Done():
		id, _ := strconv.ParseInt(row.ExternalID, 10, 64)
		c.add(DiffGone, key, ToRecord, Thing{ID: id}, named(row.Path, id), "not there")
	case keep == nil:
	case keep != known:
		was := "nothing"
		if row.Done() {
			id, _ := strconv.ParseInt(row.ExternalID, 10, 64)
			was = named(row.Path, id)
		}
		c.add(DiffFound, key, ToAdopt, *keep, was, keep.String())
	case row.Gone():
		c.add(DiffReturned, key, ToFollow, *keep, "gone", keep.String())
	case row.Path != keep.Path || keep.URL != "" && row.URL != keep.URL:
		c.add(DiffMoved, key, ToFollow, *keep, cmp.Or(row.Path, row.URL), cmp.Or(keep.Path, keep.URL))
	}
	for i := range candidates[min(1, len(candidates)):] {
		if other := candidates[i+1]; !other.Closed {
			c.add(DiffDuplicate, key, surplus, other, named(keep.Path, keep.ID), other.String())
			c.found[len(c.found)-1].Keep = keep.ID
		}
	}
	if known == nil || keep != known || row.Gone() {
		return nil
	}
	return known
}

// String names the thing by its path and number.
func (t Thing) String() string { return named(t.Path, t.ID) }

func named(path string, id int64) string {
	return strings.TrimPrefix(fmt.Sprintf("%s #%d", path, id), " ")
}

func (c *comparison) visible(key ResourceKey, thing *Thing) {
	if thing.Visibility != visibility {
		c.add(DiffVisibility, key, ToList, *thing, visibility, thing.Visibility)
	}
}

// archived compares the project's state. After a restoration the ledger may not know
// that a hub archived it; else somebody did, who is not overruled.
func (c *comparison) archived(project *Thing) {
	row := c.record.Get(ArchiveKey)
	if c.moving(row) || row.Applied == Archived == project.Closed {
		return
	}
	remedy := ToList
	if c.restored(c.record.Get(ProjectKey)) && (row.DoneAt.IsZero() || c.restored(row)) {
		remedy = ToFollow
	}
	c.add(DiffState, ArchiveKey, remedy, *project, archiveWord(row.Applied == Archived), archiveWord(project.Closed))
}

func archiveWord(archived bool) string {
	if archived {
		return Archived
	}
	return Active
}

// face compares the labels and the state of an issue on which the plan has nothing
// left to do.
func (c *comparison) face(issue *Thing) {
	row := c.record.Get(LabelsKey)
	face, others := c.journey.Face(c.dossier, c.record)
	if c.moving(row) || row.Applied != face.Fingerprint() {
		return
	}
	remedy := ToList
	if c.restored(row) {
		remedy = ToRedo
	}
	var missing, surplus []string
	for _, label := range face.Labels {
		if !slices.Contains(issue.Labels, label) {
			missing = append(missing, label)
		}
	}
	for _, label := range others {
		if slices.Contains(issue.Labels, label) {
			surplus = append(surplus, label)
		}
	}
	if len(missing)+len(surplus) > 0 {
		c.add(DiffLabels, LabelsKey, remedy, *issue, strings.Join(face.Labels, ", "),
			strings.TrimPrefix(listed("; without ", missing)+listed("; with ", surplus), "; "))
	}
	if face.Closed != issue.Closed {
		c.add(DiffState, LabelsKey, remedy, *issue, issueWord(face.Closed), issueWord(issue.Closed))
	}
}

func listed(before string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	return before + strings.Join(words, ", ")
}

func issueWord(closed bool) string {
	if closed {
		return "closed"
	}
	return "open"
}

// note compares the hub's note. What it tells was perhaps written since the backup.
func (c *comparison) note() {
	note := c.thing(NoteKey, ToDelete)
	if row := c.record.Get(NoteKey); note != nil && c.restored(row) {
		c.add(DiffState, NoteKey, ToRedo, *note, "written before the restoration", note.String())
	}
}

// members compares how many people have which access: GitLab tells no address of who
// accepted.
func (c *comparison) members() {
	if c.sight.Access == nil {
		return
	}
	wanted := map[string]int{}
	for _, invitation := range c.journey.Invitations(c.dossier) {
		row := c.record.Get(MembersKey(invitation.Level))
		if c.moving(row) || row.Applied != invitation.fingerprint() {
			return // they are being invited, or will be
		}
		wanted[invitation.Level] = len(invitation.Emails)
	}
	if len(wanted) == 0 || !slices.ContainsFunc(Levels(), func(level string) bool { return wanted[level] != c.sight.Access[level] }) {
		return
	}
	c.add(DiffMembers, GroupKey, ToList, Thing{}, counted(wanted), counted(c.sight.Access))
}

func counted(people map[string]int) string {
	var parts []string
	for _, level := range slices.Backward(Levels()) {
		if people[level] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", level, people[level]))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nobody")
}

// LostMessages returns the keys of the messages that a ledger that was lost may have
// sent for a dossier, and of which this one knows nothing.
func LostMessages(j *Journey, d *Dossier, r Record) []ResourceKey {
	var keys []ResourceKey
	unknown := func(some ...ResourceKey) {
		if !slices.ContainsFunc(some, func(key ResourceKey) bool { return r.Get(key) != (Resource{}) }) {
			keys = append(keys, some...)
		}
	}
	unknown(MessageKey(MessageReceived, 0))
	for round := 1; round <= d.Decisions; round++ {
		unknown(MessageKey(MessageAccepted, round), MessageKey(MessageRefused, round), MessageKey(MessageQualified, round))
	}
	for step := j.FormStep(d) + 1; step <= j.Last() && d.Decisions > 0; step++ {
		unknown(StepMessage(step, d.Decisions))
	}
	for i := range r.Commands {
		switch c := &r.Commands[i]; {
		case c.Outcome != Done:
		case c.Verb == VerbCorrect:
			unknown(CorrectionKey(c))
		case c.Verb == VerbNoGo && c.Step > j.FormStep(d):
			unknown(NoGoMessage(c))
		}
	}
	return keys
}

// FoundMessage is a message of ours of which the ledger knows nothing.
func FoundMessage(key ResourceKey, id string) Difference {
	return Difference{
		Kind: DiffFound, Resource: key, Remedy: ToAdopt, Thing: Thing{Message: id}, Ledger: "nothing", GitLab: "sent, in DS",
	}
}
