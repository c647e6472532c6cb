package jobs

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// listing is what GitLab's lists showed: the groups below the root group, the projects
// in them and the tracking issues, by number, without their texts.
type listing struct {
	begun  time.Time
	things map[onboarding.ResourceKind]map[int64]onboarding.Thing
	// marked holds the numbers of what bears a dossier's mark.
	marked map[int64]map[onboarding.ResourceKind][]int64
	// talk tells of the comments on an issue.
	talk map[int64]talk
	// read is how many of the lists were read to their ends.
	read int
	// old tells that an earlier attempt at the comparison began it.
	old bool
}

type talk struct {
	notes     int
	updatedAt time.Time
}

// listings keeps what an attempt at a comparison listed for the next one on this
// replica. It is as good as new: whatever is to be changed is looked at once more.
type listings struct {
	mu   sync.Mutex
	run  int64
	kept *listing
}

// keep keeps what was listed in a run; nil forgets it.
func (l *listings) keep(run int64, kept *listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.run, l.kept = run, kept
}

// take takes what was kept of a run, if anything, for one attempt alone.
func (l *listings) take(run int64) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.kept
	l.kept = nil
	if kept == nil || l.run != run {
		return nil
	}
	kept.old = true
	return kept
}

// newListing returns one of which nothing is read yet.
func (r *Reconciler) newListing(ctx context.Context) (*listing, error) {
	now, err := ledger.New(r.Pool).Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the database's clock: %w", err)
	}
	l := &listing{
		begun: now, things: map[onboarding.ResourceKind]map[int64]onboarding.Thing{},
		marked: map[int64]map[onboarding.ResourceKind][]int64{}, talk: map[int64]talk{},
	}
	for _, kind := range []onboarding.ResourceKind{onboarding.KindGroup, onboarding.KindProject, onboarding.KindIssue} {
		l.things[kind] = map[int64]onboarding.Thing{}
	}
	return l, nil
}

// list reads those of GitLab's lists that were not read to their ends.
func (r *run) list(ctx context.Context) error {
	lists := []func(context.Context, *listing) error{r.listGroups, r.listProjects, r.listIssues}
	for l := r.seen; l.read < len(lists); l.read++ {
		if err := r.rest(); err != nil {
			return err
		}
		if err := r.patiently(ctx, func() error { return lists[l.read](ctx, l) }); err != nil {
			return err
		}
		r.worked = true
	}
	return nil
}

func (r *Reconciler) listGroups(ctx context.Context, l *listing) error {
	return r.GitLab.EachGroup(ctx, r.RootGroup, func(group gitlab.Group) {
		l.add(onboarding.GroupKey, groupThing(group), r.owner(group.Description, onboarding.GroupKey))
	})
}

func (r *Reconciler) listProjects(ctx context.Context, l *listing) error {
	self, err := r.GitLab.Self(ctx)
	if err != nil {
		return err
	}
	return r.GitLab.EachProject(ctx, r.RootGroup, func(project gitlab.Project) {
		var owner int64
		if project.Creator == self {
			owner = r.owner(project.Description, onboarding.ProjectKey)
		}
		l.add(onboarding.ProjectKey, projectThing(project), owner)
	})
}

func (r *Reconciler) listIssues(ctx context.Context, l *listing) error {
	return r.GitLab.EachIssue(ctx, r.TrackingProject, time.Time{}, func(issue gitlab.Issue) {
		l.add(onboarding.IssueKey, issueThing(issue), r.owner(issue.Description, onboarding.IssueKey))
		l.talk[issue.IID] = talk{issue.Notes, issue.UpdatedAt}
	})
}

// add adds a thing, which a list that broke off may have shown before.
func (l *listing) add(key onboarding.ResourceKey, thing onboarding.Thing, owner int64) {
	thing.Marked = owner != 0
	l.things[key.Kind][thing.ID] = thing
	if owner == 0 || slices.Contains(l.marked[owner][key.Kind], thing.ID) {
		return
	}
	if l.marked[owner] == nil {
		l.marked[owner] = map[onboarding.ResourceKind][]int64{}
	}
	l.marked[owner][key.Kind] = append(l.marked[owner][key.Kind], thing.ID)
}

// owner is the dossier whose mark a text bears, 0 for none.
func (c *crew) owner(text string, key onboarding.ResourceKey) int64 {
	for _, mark := range onboarding.MarksIn(text) {
		number, err := strconv.ParseInt(strings.Split(mark, ":")[1], 10, 64)
		if err == nil && c.Marks.Mark(number, key) == mark {
			return number
		}
	}
	return 0
}

func groupThing(g gitlab.Group) onboarding.Thing {
	return onboarding.Thing{ID: g.ID, Path: g.Path, URL: g.URL, Deleting: g.Deleting, Visibility: g.Visibility}
}

func projectThing(p gitlab.Project) onboarding.Thing {
	return onboarding.Thing{
		ID: p.ID, Path: p.Path, URL: p.URL, Deleting: p.Deleting, Closed: p.Archived, Empty: p.Empty, Visibility: p.Visibility,
	}
}

func issueThing(i gitlab.Issue) onboarding.Thing {
	return onboarding.Thing{ID: i.IID, URL: i.URL, Closed: i.State == "closed", Labels: slices.Clone(i.Labels)}
}

// sight is what the lists show of one dossier. What the ledger knows and no list shows
// is read by its number: it may stand elsewhere.
func (r *Reconciler) sight(ctx context.Context, l *listing, scope *Scope, number int64, record onboarding.Record) (onboarding.Sight, error) {
	s := onboarding.Sight{Begun: l.begun, Things: map[onboarding.ResourceKind][]onboarding.Thing{}}
	for _, key := range []onboarding.ResourceKey{onboarding.GroupKey, onboarding.ProjectKey, onboarding.IssueKey} {
		things := []onboarding.Thing{}
		for _, id := range l.marked[number][key.Kind] {
			things = append(things, l.things[key.Kind][id])
		}
		if id := knownID(record, key); id != 0 && !slices.ContainsFunc(things, func(t onboarding.Thing) bool { return t.ID == id }) {
			thing, listed := l.things[key.Kind][id]
			if !listed && record.Get(key).Done() {
				var err error
				if thing, listed, err = r.read(ctx, key, id); err != nil {
					return s, err
				}
			}
			if listed {
				things = append(things, thing)
			}
		}
		s.Things[key.Kind] = things
	}
	bury(s)
	if err := r.seeNotes(ctx, l, scope, record, s); err != nil {
		return s, err
	}
	if scope.membersOf == nil || scope.membersOf(number) {
		if err := r.seeMembers(ctx, record, &s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// bury marks the projects of groups that are being deleted.
func bury(s onboarding.Sight) {
	for i := range s.Things[onboarding.KindProject] {
		project := &s.Things[onboarding.KindProject][i]
		project.Deleting = project.Deleting || slices.ContainsFunc(s.Things[onboarding.KindGroup], func(group onboarding.Thing) bool {
			return group.Deleting && strings.HasPrefix(project.Path, group.Path+"/")
		})
	}
}

// seeNotes reads the notes on an issue on which something was said since the last look.
func (r *Reconciler) seeNotes(ctx context.Context, l *listing, scope *Scope, record onboarding.Record, s onboarding.Sight) error {
	row, iid := record.Get(onboarding.NoteKey), knownID(record, onboarding.IssueKey)
	known := func(t onboarding.Thing) bool { return t.ID == iid }
	if !record.Get(onboarding.IssueKey).Done() || !slices.ContainsFunc(s.Things[onboarding.KindIssue], known) {
		return nil
	}
	heard, listed := l.talk[iid]
	switch {
	case listed && heard.notes == 0:
		s.Things[onboarding.KindNote] = []onboarding.Thing{}
		return nil
	case listed && heard.updatedAt.Before(scope.notesSince) && !row.DoneAt.Before(scope.ledgerBegan):
		return nil
	}
	return r.readNotes(ctx, iid, s)
}

func (r *Reconciler) readNotes(ctx context.Context, iid int64, s onboarding.Sight) error {
	notes := []onboarding.Thing{}
	err := r.GitLab.EachNote(ctx, r.TrackingProject, iid, func(note gitlab.Note) bool {
		notes = append(notes, onboarding.Thing{ID: note.ID, Marked: r.owner(note.Body, onboarding.NoteKey) != 0})
		return true
	})
	if connectors.IsNotFound(err) {
		return nil // the issue went away this moment
	}
	s.Things[onboarding.KindNote] = notes
	return err
}

func (r *Reconciler) seeMembers(ctx context.Context, record onboarding.Record, s *onboarding.Sight) error {
	group := knownID(record, onboarding.GroupKey)
	if group == 0 || !record.Get(onboarding.GroupKey).Done() {
		return nil
	}
	access, err := r.GitLab.Access(ctx, group)
	if connectors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	s.Access = map[string]int{}
	for level, n := range access {
		s.Access[level.String()] += n
	}
	return nil
}

// again looks once more, at each thing for itself, of the kinds that differ: GitLab allows
// few such calls. Others count as not looked at.
func (r *Reconciler) again(
	ctx context.Context, kinds map[onboarding.ResourceKind]bool, before onboarding.Sight, record onboarding.Record,
) (onboarding.Sight, error) {
	now, err := ledger.New(r.Pool).Now(ctx)
	if err != nil {
		return onboarding.Sight{}, fmt.Errorf("read the database's clock: %w", err)
	}
	s := onboarding.Sight{Begun: now, Things: map[onboarding.ResourceKind][]onboarding.Thing{}}
	for _, key := range []onboarding.ResourceKey{onboarding.GroupKey, onboarding.ProjectKey, onboarding.IssueKey} {
		if !kinds[key.Kind] {
			continue
		}
		marked := map[int64]bool{}
		if id := knownID(record, key); id != 0 {
			marked[id] = false
		}
		for _, thing := range before.Things[key.Kind] {
			marked[thing.ID] = thing.Marked
		}
		things := []onboarding.Thing{}
		for id, ours := range marked {
			thing, found, err := r.read(ctx, key, id)
			if err != nil {
				return s, err
			}
			if thing.Marked = ours; found {
				things = append(things, thing)
			}
		}
		s.Things[key.Kind] = things
	}
	bury(s)
	if iid := knownID(record, onboarding.IssueKey); iid != 0 && kinds[onboarding.KindIssue] && before.Things[onboarding.KindNote] != nil {
		return s, r.readNotes(ctx, iid, s)
	}
	return s, nil
}

// read reads one thing by its number, which it keeps wherever it goes.
func (r *Reconciler) read(ctx context.Context, key onboarding.ResourceKey, id int64) (thing onboarding.Thing, found bool, err error) {
	switch key.Kind {
	case onboarding.KindGroup:
		var group gitlab.Group
		group, err = r.GitLab.GroupByID(ctx, id)
		thing = groupThing(group)
	case onboarding.KindProject:
		var project gitlab.Project
		if project, err = r.GitLab.ProjectByID(ctx, id); err == nil && !project.Deleting {
			project.Deleting, err = r.dying(ctx, project.Path)
		}
		thing = projectThing(project)
	default:
		var issue gitlab.Issue
		issue, err = r.GitLab.Issue(ctx, r.TrackingProject, id)
		thing = issueThing(issue)
	}
	if connectors.IsNotFound(err) {
		return onboarding.Thing{}, false, nil
	}
	return thing, err == nil, err
}

// dying reports whether the group around a project is marked for deletion: the project
// itself does not tell on every version of GitLab.
func (r *Reconciler) dying(ctx context.Context, project string) (bool, error) {
	group, err := r.GitLab.Group(ctx, path.Dir(project))
	if connectors.IsNotFound(err) {
		return false, nil // somebody's own namespace, or a group that is hidden from us
	}
	return group.Deleting, err
}

// knownID is the number of what the ledger knows, 0 for nothing.
func knownID(record onboarding.Record, key onboarding.ResourceKey) int64 {
	id, err := strconv.ParseInt(record.Get(key).ExternalID, 10, 64)
	if err != nil {
		return 0
	}
	return id
}
