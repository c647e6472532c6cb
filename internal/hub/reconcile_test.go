package hub_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gitlabapi "github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// verify has the hub compare the ledger with GitLab now, and waits until it has.
func (r *rig) verify() {
	r.t.Helper()
	client, err := jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(r.t, err)
	inserted, err := client.Insert(r.ctx, jobs.VerifyResources{}, nil)
	require.NoError(r.t, err)
	r.eventually("the ledger is compared with GitLab", func() bool {
		return count(r, "select count(*) from river_job where state = 'completed' and id = $1", inserted.Job.ID) == 1
	})
	r.settled()
}

// reconcile compares in this process, as passerelle reconcile does.
func (r *rig) reconcile(scope jobs.Scope) []string {
	r.t.Helper()
	found, err := r.tryReconcile(scope)
	require.NoError(r.t, err)
	return found
}

// tryReconcile is reconcile where it may fail.
func (r *rig) tryReconcile(scope jobs.Scope) (found []string, err error) {
	r.t.Helper()
	reconciler, err := hub.NewReconciler(hub.Options{
		Config: r.config, Logger: slog.New(&testLog{t: r.t}), Version: "test", Timing: &r.timing,
	}, r.pool, "cli:test")
	require.NoError(r.t, err)
	err = reconciler.Run(r.ctx, scope, func(f *jobs.Finding) {
		found = append(found, strings.Join([]string{string(f.Kind), f.Resource.String(), string(f.Remedy)}, " "))
	})
	return found, err
}

// differences are those that a dry run finds.
func (r *rig) differences() []string {
	r.t.Helper()
	return r.reconcile(jobs.Scope{All: true, DryRun: true})
}

// data is the data of a dossier's ledger entries of one kind.
func (r *rig) data(number int, kind ledger.EntryKind) []string {
	r.t.Helper()
	return list(r, "select data from ledger_entries where chain = $1 and kind = $2 order by seq", number, kind)
}

// inOrder is a hub with one accepted dossier on which nothing differs.
func inOrder(t *testing.T, options ...func(*stage.Options)) (r *rig, number int) {
	t.Helper()
	var o stage.Options
	for _, option := range options {
		option(&o)
	}
	r = setupStage(t, o)
	r.start()
	number = r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(accepted(1))
	require.Empty(t, r.differences())
	return r, number
}

// client speaks to GitLab as the hub does.
func (r *rig) client() *gitlabapi.Client {
	r.t.Helper()
	client, err := gitlabapi.New(gitlabapi.Options{URL: r.config.GitLabURL, Token: r.config.GitLabToken})
	require.NoError(r.t, err)
	return client
}

// What somebody renames stays ours: the ledger follows, and tells the new address.
func TestReconcile_Renamed(t *testing.T) {
	t.Parallel()
	r, number := inOrder(t)
	r.quietly(r.GitLab.MoveProject(r.groupOf(number)+"/bac-a-sable", stage.User, "essais"))
	r.quietly(r.GitLab.MoveGroup(r.groupOf(number), stage.User, "autre-nom"))
	require.Equal(t, []string{"moved group follow", "moved project follow"}, r.differences())
	require.Equal(t, "embarquement/"+portail, r.groupOf(number), "a dry run changes nothing")

	r.verify()
	require.Equal(t, "embarquement/autre-nom", r.groupOf(number))
	require.Contains(t, r.noteOn(r.issueOf(number)), "/embarquement/autre-nom/essais>")
	require.Len(t, r.data(number, ledger.ResourceMoved), 2)
	require.Contains(t, r.data(number, ledger.ResourceMoved)[0], `"to":"embarquement/autre-nom"`)
	r.sound(accepted(1))

	r.turnDown(number)
	r.settled()
	require.True(t, r.project("embarquement/autre-nom/essais").Archived)
	require.Empty(t, r.differences())
	r.verify()
	require.Len(t, r.data(number, ledger.ResourceMoved), 2)
}

// What somebody deletes is noted, left alone, and made again when it is asked for.
func TestReconcile_Deleted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		delete  func(r *rig, number int) error
		gone    []string
		renewed stock
	}{
		"group, marked": {
			func(r *rig, n int) error { return r.GitLab.DeleteGroup(r.groupOf(n), stage.User) },
			[]string{"group", "project"},
			stock{Groups: 2, Projects: 2, Commits: 2, Invitations: 8, Issues: 1, Notes: 1, Messages: 2},
		},
		"group, gone": {
			func(r *rig, n int) error { return r.GitLab.PurgeGroup(r.groupOf(n)) }, []string{"group", "project"}, accepted(1),
		},
		"project, marked": {
			func(r *rig, n int) error { return r.GitLab.DeleteProject(r.groupOf(n)+"/bac-a-sable", stage.User) },
			[]string{"project"},
			stock{Groups: 1, Projects: 2, Commits: 2, Invitations: 4, Issues: 1, Notes: 1, Messages: 2},
		},
		"project, gone": {
			func(r *rig, n int) error { return r.GitLab.PurgeProject(r.groupOf(n) + "/bac-a-sable") }, []string{"project"}, accepted(1),
		},
		"issue": {
			func(r *rig, n int) error {
				return r.GitLab.DeleteIssue(stage.TrackingProject, r.issueOf(n).IID, stage.User)
			},
			[]string{"issue"},
			accepted(1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, number := inOrder(t)
			require.NoError(t, tt.delete(r, number))
			var want []string
			for _, kind := range tt.gone {
				want = append(want, "gone "+kind+" record")
			}
			require.Equal(t, want, r.differences())
			r.verify()
			left := r.stock()
			require.Len(t, r.data(number, ledger.ResourceGone), len(tt.gone))
			require.Empty(t, r.differences(), "it is noted")
			if tt.gone[0] != "issue" {
				require.Contains(t, r.noteOn(r.issueOf(number)), "supprimé dans GitLab")
			}

			// Nothing more is tried on it, whatever DS says.
			r.turnDown(number)
			r.settled()
			r.act(r.DS.BackToInstruction(number))
			r.act(r.DS.Accept(number, ""))
			r.settled()
			r.verify()
			require.Empty(t, list(r, "select kind::text from river_job where state in ('cancelled', 'discarded')"), "jobs that failed for good")
			now := r.stock()
			now.Messages, now.Notes = left.Messages, left.Notes
			require.Equal(t, left, now)

			require.Len(t, r.reconcile(jobs.Scope{All: true, DryRun: true, Recreate: true}), len(tt.gone))
			var again []string
			for _, kind := range tt.gone {
				again = append(again, "gone "+kind+" recreate")
			}
			require.Equal(t, again, r.reconcile(jobs.Scope{Dossier: int64(number), Recreate: true}))
			require.Equal(t, []string{"cli:test"}, list(r, "select distinct actor from ledger_entries where kind = 'resource_renewed'"))
			renewed := tt.renewed
			r.settled()
			renewed.Messages = r.stock().Messages // the rounds between
			r.sound(renewed)
			require.Empty(t, r.differences())
			require.NotContains(t, r.noteOn(r.issueOf(number)), "supprimé dans GitLab")
			require.Empty(t, r.reconcile(jobs.Scope{All: true, Recreate: true}), "it is there")
		})
	}
}

// Older versions of GitLab keep the path of what is being deleted: what is made anew
// stands beside it, or waits.
func TestReconcile_DeletedOnOlderVersions(t *testing.T) {
	t.Parallel()
	legacy := func(o *stage.Options) { o.LegacyDeletion = true }
	t.Run("group", func(t *testing.T) {
		t.Parallel()
		r, number := inOrder(t, legacy)
		r.quietly(r.GitLab.DeleteGroup(r.groupOf(number), stage.User))
		r.verify()
		require.Len(t, r.data(number, ledger.ResourceGone), 2)
		r.reconcile(jobs.Scope{Dossier: int64(number), Recreate: true})
		r.sound(stock{Groups: 2, Projects: 2, Commits: 2, Invitations: 8, Issues: 1, Notes: 1, Messages: 2})
		require.Equal(t, "embarquement/"+portail+"-1001", r.groupOf(number))
		require.Empty(t, r.differences())
	})
	t.Run("project", func(t *testing.T) {
		t.Parallel()
		r, number := inOrder(t, legacy)
		path := r.groupOf(number) + "/bac-a-sable"
		r.quietly(r.GitLab.DeleteProject(path, stage.User))
		r.verify()
		r.reconcile(jobs.Scope{Dossier: int64(number), Recreate: true})
		r.eventually("it is tried while the old one is being deleted", func() bool {
			return count(r, "select count(*) from river_job where kind = 'provision_sandbox' and errors is not null") > 0
		})
		r.quietly(r.GitLab.PurgeProject(path))
		r.sound(accepted(1))
		require.Empty(t, r.differences())
	})
}

// Taken back from deletion, it is ours as before.
func TestReconcile_Returned(t *testing.T) {
	t.Parallel()
	r, number := inOrder(t)
	path := r.groupOf(number) + "/bac-a-sable"
	r.quietly(r.GitLab.DeleteProject(path, stage.User))
	r.verify()
	require.Len(t, r.data(number, ledger.ResourceGone), 1)

	id := count(r, "select external_id::int from resources where kind = 'project'")
	r.api(http.MethodPost, "/projects/"+strconv.Itoa(id)+"/restore")
	require.Equal(t, []string{"returned project follow"}, r.differences())
	r.verify()
	require.Len(t, r.data(number, ledger.ResourceReturned), 1)
	r.turnDown(number)
	r.settled()
	require.True(t, r.project(path).Archived)
}

// api makes a call to GitLab as an agent.
func (r *rig) api(method, path string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.ctx, method, r.config.GitLabURL+"/api/v4"+path, http.NoBody)
	require.NoError(r.t, err)
	request.Header.Set("PRIVATE-TOKEN", r.config.GitLabToken)
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	require.Less(r.t, response.StatusCode, 300)
}

// An effect that comes later than anybody waits for it doubles an issue, or a note.
// The one with the lower number stays, wherever the ledger points.
func TestReconcile_LateDuplicates(t *testing.T) {
	t.Parallel()
	late := fault.Rule{Kind: fault.LateEffect, Delay: lossTimeout + lossMargin + 4*time.Second, Times: 1}
	for call, resource := range map[string]string{postIssue: "issue", postNote: "note"} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			r.lose(call, late)
			number := r.file("Portail des agents")
			r.settled()
			r.accept(number)
			r.settled()
			require.NoError(t, r.GitLab.Faults().WaitFired(r.ctx, fault.LateEffect, 1))
			doubled := accepted(1)
			if resource == "issue" {
				doubled.Issues++
			} else {
				doubled.Notes++
			}
			r.sound(doubled)

			r.verify()
			require.Len(t, r.data(number, ledger.DuplicateClosed), 1)
			if resource == "issue" {
				doubled.Closed++
				require.Equal(t, 1, r.issueOf(number).IID)
				require.Equal(t, "opened", r.issueOf(number).State)
			} else {
				doubled.Notes--
			}
			r.sound(doubled)
			require.Empty(t, r.differences())
		})
	}
}

// The ledger points at the younger of two: it turns to the elder, which becomes what
// the dossier calls for.
func TestReconcile_PointsToTheLowest(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.exec("update installation set began_at = began_at - interval '1 hour'") // no ledger was lost
	marked := func(key onboarding.ResourceKey) string { return "Ancien. " + r.mark(firstNumber, key) }
	elder, err := r.client().OpenIssue(r.ctx, stage.TrackingProject, gitlabapi.NewIssue{
		Title: "Ancien", Description: marked(onboarding.IssueKey), Confidential: true,
	})
	require.NoError(t, err)
	root, err := r.client().Group(r.ctx, stage.RootGroup)
	require.NoError(t, err)
	group, err := r.client().CreateGroup(r.ctx, gitlabapi.NewGroup{
		ParentID: root.ID, Name: "Ancien", Path: "ancien", Description: marked(onboarding.GroupKey),
	})
	require.NoError(t, err)
	_, err = r.client().CreateProject(r.ctx, gitlabapi.NewProject{
		NamespaceID: group.ID, Name: "Ancien", Path: "ancien", Description: marked(onboarding.ProjectKey), DefaultBranch: "main",
	})
	require.NoError(t, err)
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(stock{Groups: 2, Projects: 2, Commits: 1, Invitations: 4, Issues: 2, Notes: 1, Messages: 2})
	require.Equal(t, []string{
		"found group adopt", "duplicate group list", "found project adopt", "duplicate project archive", "found issue adopt", "duplicate issue close",
	}, r.differences())

	r.verify()
	require.EqualValues(t, elder.IID, r.issueOf(number).IID)
	require.Equal(t, "embarquement/ancien", r.groupOf(number))
	r.sound(stock{Groups: 2, Projects: 2, Archived: 1, Commits: 2, Invitations: 8, Issues: 2, Closed: 1, Notes: 2, Messages: 2})
	require.Contains(t, r.noteOn(r.issueOf(number)), "/embarquement/ancien/ancien>")
	require.Equal(t, []string{"duplicate group list"}, r.differences(), "a group is for people")
}

// A fork, or an issue that an agent copies, bears its original's mark and is none of ours.
func TestReconcile_Copies(t *testing.T) {
	t.Parallel()
	r, number := inOrder(t)
	member, err := gitlabapi.New(gitlabapi.Options{URL: r.config.GitLabURL, Token: r.GitLab.AddUser("membre", false)})
	require.NoError(t, err)
	group := count(r, "select external_id::int from resources where kind = 'group'")
	sandbox := r.project(r.groupOf(number) + "/bac-a-sable")
	require.Contains(t, sandbox.Description, r.mark(number, onboarding.ProjectKey))
	r.quietly(r.GitLab.AddGroupMember(r.groupOf(number), "membre", gitlab.Maintainer))
	_, err = member.CreateProject(r.ctx, gitlabapi.NewProject{
		NamespaceID: int64(group), Name: "Copie", Path: "copie", Description: sandbox.Description,
	})
	require.NoError(t, err)
	r.quietly(r.GitLab.RemoveMember(r.groupOf(number), "membre"))
	_, err = r.GitLab.OpenIssue(stage.TrackingProject, "root", "Copie", r.issueOf(number).Description)
	require.NoError(t, err)
	require.Empty(t, r.differences())
}

// Changed by people: listed, and left as it is.
func TestReconcile_Drift(t *testing.T) {
	t.Parallel()
	r, number := inOrder(t)
	iid, path := r.issueOf(number).IID, r.groupOf(number)
	// What a webhook tells of is put right at once.
	r.GitLab.SetDispatch(func(gitlab.Delivery) []time.Duration { return nil })
	r.quietly(r.GitLab.SetLabels(stage.TrackingProject, iid, stage.User, "à nous"))
	r.quietly(r.GitLab.CloseIssue(stage.TrackingProject, iid, stage.User))
	r.GitLab.AddUser("renfort", false)
	r.quietly(r.GitLab.AddGroupMember(path, "renfort", gitlab.Developer))
	r.quietly(r.GitLab.ArchiveProject(path+"/bac-a-sable", stage.User, true))
	r.quietly(r.GitLab.SetVisibility(stage.RootGroup, "root", gitlab.Public))
	r.quietly(r.GitLab.SetVisibility(path, "root", gitlab.Public))
	want := []string{
		"visibility group list", "members group list", "state archive list", "labels labels list", "state labels list",
	}
	require.Equal(t, want, r.differences())
	before := r.kinds(number)
	require.Equal(t, want, r.reconcile(jobs.Scope{All: true}))
	r.settled()
	require.Equal(t, before, r.kinds(number))
	require.Equal(t, "closed", r.issueOf(number).State)
	require.Equal(t, want, r.differences())
}

// What is being made at the moment is neither gone nor a duplicate.
func TestReconcile_WhileItIsMade(t *testing.T) {
	t.Parallel()
	for call, resource := range map[string]string{postGroup: "group", postProject: "project", postIssue: "issue", postNote: "note"} {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.timing.CallTimeout = 20 * time.Second
			r.start()
			// Made, and not yet answered.
			r.GitLab.Faults().Add(fault.Rule{Operation: call, Kind: fault.Hang, Delay: 1500 * time.Millisecond, Times: 1})
			number := r.file("Portail des agents")
			if call != postIssue {
				r.settled()
				r.accept(number)
			}
			require.NoError(t, r.GitLab.Faults().WaitFired(r.ctx, fault.Hang, 1))
			require.Empty(t, r.differences())
			require.Empty(t, r.reconcile(jobs.Scope{All: true}))
			r.settled()
			if call == postIssue {
				r.accept(number)
			}
			r.sound(accepted(1))
			require.Empty(t, r.differences())
		})
	}
}

// A look that began before a thing was made, or deleted, decides nothing: it is looked
// at again once nobody else acts for the dossier.
func TestReconcile_OldListing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	// The lists of groups and projects are read, those of issues hang; meanwhile a
	// group and a project come into being.
	listed := make(chan struct{})
	rule, reached := once(fault.Rule{Operation: "GET /projects/:id/issues", Kind: fault.Slow, Delay: 1200 * time.Millisecond})
	r.GitLab.Faults().Add(rule)
	var found []string
	go func() {
		defer close(listed)
		found = r.reconcile(jobs.Scope{All: true})
	}()
	r.received("the lists are being read", reached)
	r.accept(number)
	r.received("the comparison", listed)
	require.Empty(t, found)
	r.sound(accepted(1))
	require.Empty(t, r.differences())
}

// It is made when it is due, by one of the replicas, and not because a hub starts.
func TestReconcile_Periodic(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.VerifyInterval = time.Hour
	asked := "select count(*) from river_job where kind = 'verify_resources' and state = 'completed'"
	ran := "select runs::int from verification"
	for n := 1; n <= 2; n++ {
		running := r.start()
		r.eventually("it is asked whether it is time", func() bool { return count(r, asked) == n })
		require.NoError(t, running.Stop())
		require.Zero(t, count(r, ran), "a start is no reason")
	}
	r.exec("update verification set begun_at = begun_at - interval '1 hour'")
	r.start()
	r.start()
	r.eventually("it was due", func() bool { return count(r, ran) == 1 })
	r.settled()
	r.verify()
	require.Equal(t, 1, count(r, ran), "not twice in an hour")
}

// One dossier with which GitLab fails does not keep the others.
func TestReconcile_Failures(t *testing.T) {
	t.Parallel()
	r, number := inOrder(t)
	other := r.file("Un autre projet")
	r.settled()
	r.accept(other)
	r.settled()
	for _, n := range []int{number, other} {
		r.quietly(r.GitLab.DeleteIssue(stage.TrackingProject, r.issueOf(n).IID, stage.User))
	}
	r.GitLab.Faults().Add(fault.Rule{Operation: "GET /projects/:id/issues/:iid", Kind: fault.Status, Times: 1})
	_, err := r.tryReconcile(jobs.Scope{All: true})
	require.ErrorContains(t, err, "1 dossiers could not be dealt with")
	require.Len(t, r.data(other, ledger.ResourceGone), 1)
	require.Empty(t, r.data(number, ledger.ResourceGone))
	r.verify()
	require.Len(t, r.data(number, ledger.ResourceGone), 1)
}

// inOrderAll is inOrder with so many dossiers, of which the last one's project is gone, and
// a hub that is not running any more.
func inOrderAll(t *testing.T, n int) (r *rig, numbers []int) {
	t.Helper()
	r = setup(t)
	first := r.start()
	for i := range n {
		numbers = append(numbers, r.file(fmt.Sprintf("Projet %d", i)))
	}
	r.settled()
	for _, number := range numbers {
		r.accept(number)
	}
	r.sound(accepted(n))
	require.NoError(t, first.Stop())
	r.quietly(r.GitLab.PurgeProject(r.groupOf(numbers[n-1]) + "/bac-a-sable"))
	r.GitLab.Faults().ResetCalls()
	return r, numbers
}

const (
	listGroups  = "GET /groups/:id/subgroups"
	readMembers = "GET /groups/:id/members"
	readNotes   = "GET /projects/:id/issues/:iid/notes"
)

// GitLab allows fewer calls a minute than a comparison needs: it waits, and goes on with
// the dossier at which it stood.
func TestReconcile_Throttled(t *testing.T) {
	t.Parallel()
	for name, dry := range map[string]bool{"in earnest": false, "dry run": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, numbers := inOrderAll(t, 5)
			r.GitLab.Faults().Add(fault.Rule{Operation: listGroups, Kind: fault.Throttle, Times: 1})
			r.GitLab.Faults().Add(fault.Rule{Operation: readMembers, Kind: fault.Throttle, Skip: 3, Times: 1})
			done := make(chan struct{})
			var found []string
			var err error
			go func() {
				defer close(done)
				found, err = r.tryReconcile(jobs.Scope{All: true, DryRun: dry})
			}()
			if !dry {
				for waits := range 2 {
					r.eventually("everybody waits", func() bool {
						return count(r, "select count(*) from queue_holds where author = 'hub' and until > clock_timestamp()") == 1
					})
					require.Equal(t, 4*waits, r.GitLab.Faults().Calls()[readMembers])
					r.unhold()
				}
			}
			r.received("the comparison", done)
			require.NoError(t, err)
			require.Equal(t, []string{"gone project record"}, found)
			require.Equal(t, 2, r.GitLab.Faults().Calls()[listGroups])
			require.Equal(t, 6, r.GitLab.Faults().Calls()[readMembers])
			if dry {
				require.Zero(t, count(r, "select count(*) from queue_holds"), "a dry run holds nobody up")
			} else {
				require.Len(t, r.data(numbers[4], ledger.ResourceGone), 1)
			}
		})
	}
}

// The comparison that a hub makes goes on where it stood, whatever it was that ended an
// attempt: a limit on calls, its time, the end of its process.
func TestReconcile_GoesOn(t *testing.T) {
	t.Parallel()
	verify := func(r *rig) (done func() bool) {
		client, err := jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(r.t, err)
		inserted, err := client.Insert(r.ctx, jobs.VerifyResources{}, nil)
		require.NoError(r.t, err)
		return func() bool {
			return count(r, "select count(*) from river_job where id = $1 and state = 'completed'", inserted.Job.ID) == 1
		}
	}
	over := func(r *rig, numbers []int) {
		r.settled()
		require.Len(r.t, r.data(numbers[4], ledger.ResourceGone), 1)
		require.Equal(r.t, 1, count(r, "select runs::int from verification"))
		require.Equal(r.t, 1, count(r, "select (found->>'gone')::int from verification"))
	}
	t.Run("throttled", func(t *testing.T) {
		t.Parallel()
		r, numbers := inOrderAll(t, 5)
		r.GitLab.SetLimits(map[string]int{readNotes: 2})
		r.start()
		done := verify(r)
		r.eventually("it comes to its end", func() bool {
			if count(r, "select count(*) from queue_holds where until > clock_timestamp()") > 0 {
				r.clock.advance(time.Minute) // a new window
				r.unhold()
			}
			return done()
		})
		over(r, numbers)
		require.Equal(t, 1, r.GitLab.Faults().Calls()[listGroups], "listed once")
		require.Less(t, r.GitLab.Faults().Calls()[readNotes], 10)
	})
	t.Run("out of time", func(t *testing.T) {
		t.Parallel()
		r, numbers := inOrderAll(t, 5)
		r.timing.VerifyPatience = 1 // each attempt deals with one list, or one dossier
		r.start()
		r.eventually("it comes to its end", verify(r))
		over(r, numbers)
		require.Equal(t, 1, count(r, "select count(*) from river_job where kind = 'verify_resources' and (metadata->>'snoozes')::int = 7"))
		require.Equal(t, 1, r.GitLab.Faults().Calls()[listGroups], "listed once")
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		r, numbers := inOrderAll(t, 5)
		r.timing.DrainTimeout = 50 * time.Millisecond
		hub := r.start()
		r.GitLab.Faults().Add(fault.Rule{Operation: readNotes, Kind: fault.Hang, Skip: 3, Times: 1})
		done := verify(r)
		require.NoError(t, r.GitLab.Faults().WaitFired(r.ctx, fault.Hang, 1))
		require.NoError(t, hub.Stop())
		require.Equal(t, 1, count(r, "select count(*) from verification where reached = $1", numbers[2]))
		r.expire()
		r.start()
		r.eventually("it comes to its end", done)
		over(r, numbers)
		require.Equal(t, 6, r.GitLab.Faults().Calls()[readNotes], "the first three are not read again")
	})
}

// What GitLab refuses to show of some dossiers, or what somebody acts for, does not keep
// the others from being compared, however many are side by side.
func TestReconcile_RefusedInARow(t *testing.T) {
	t.Parallel()
	r, numbers := inOrderAll(t, 5)
	r.GitLab.Faults().Add(fault.Rule{Operation: readMembers, Kind: fault.Status, Status: http.StatusUnprocessableEntity, Times: 4})
	_, err := r.tryReconcile(jobs.Scope{All: true})
	require.ErrorContains(t, err, "4 dossiers could not be dealt with")
	require.Len(t, r.data(numbers[4], ledger.ResourceGone), 1)
}

// A service that is down is not asked for every dossier.
func TestReconcile_Down(t *testing.T) {
	t.Parallel()
	r, numbers := inOrderAll(t, 5)
	r.GitLab.Faults().Add(fault.Rule{Operation: readMembers, Kind: fault.Status})
	_, err := r.tryReconcile(jobs.Scope{All: true})
	require.ErrorContains(t, err, "HTTP 503")
	require.Equal(t, 3, r.GitLab.Faults().Calls()[readMembers])
	require.Empty(t, r.data(numbers[4], ledger.ResourceGone))
}

// What somebody asks for is made again for a dossier, too, that ended before the hub's
// work began, and of which nothing is left.
func TestReconcile_RecreatedFromBeforeTheImport(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for state, policy := range r.config.Journey.Policy {
		policy.Message = onboarding.MessageNone
		r.config.Journey.Policy[state] = policy
	}
	first := r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	made := accepted(1)
	made.Messages = 0
	r.sound(made)
	require.NoError(t, first.Stop())
	r.quietly(r.GitLab.PurgeGroup(r.groupOf(number)))
	r.quietly(r.GitLab.DeleteIssue(stage.TrackingProject, r.issueOf(number).IID, stage.User))
	r.exec("update cursors set import_from = clock_timestamp() + interval '1 minute'")
	r.start()
	r.verify()
	require.Len(t, r.data(number, ledger.ResourceGone), 3)
	require.Equal(t, stock{}, r.stock())
	require.Len(t, r.reconcile(jobs.Scope{Dossier: int64(number), Recreate: true}), 3)
	r.sound(made)
}

// In somebody's own namespace a path holds a name, which the ledger would keep for ever.
func TestReconcile_MovedElsewhere(t *testing.T) {
	t.Parallel()
	r, number := inOrder(t)
	path := r.groupOf(number) + "/bac-a-sable"
	gitlabURL, err := url.Parse(r.config.GitLabURL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(gitlabURL)
	proxy.ModifyResponse = func(response *http.Response) error {
		body, err := io.ReadAll(response.Body)
		body = bytes.ReplaceAll(body, []byte(path), []byte("camille.durand/bac-a-sable"))
		response.Body = io.NopCloser(bytes.NewReader(body))
		response.ContentLength = int64(len(body))
		response.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return err
	}
	moved := httptest.NewServer(proxy)
	t.Cleanup(moved.Close)
	home := r.config.GitLabURL
	r.config.GitLabURL = moved.URL
	require.Equal(t, []string{"moved project follow"}, r.reconcile(jobs.Scope{All: true}))
	r.config.GitLabURL = home
	require.Equal(t, []string{"moved project follow"}, r.reconcile(jobs.Scope{All: true}), "and back")
	facts := r.data(number, ledger.ResourceMoved)
	require.Len(t, facts, 2)
	require.Contains(t, facts[0], `"to":"elsewhere"`)
	require.Contains(t, facts[1], `"from":"elsewhere"`)
	require.Contains(t, facts[1], `"to":"`+path+`"`)
	require.Zero(t, count(r, "select count(*) from ledger_entries where data like '%camille%'"))
}

// After a restoration each note is written anew, and GitLab is not asked for each group.
func TestReconcile_LooksAtWhatDiffersAlone(t *testing.T) {
	t.Parallel()
	r, _ := inOrder(t)
	r.exec("update installation set began_at = clock_timestamp()")
	r.GitLab.Faults().ResetCalls()
	require.Equal(t, []string{"state note redo"}, r.reconcile(jobs.Scope{All: true}))
	calls := r.GitLab.Faults().Calls()
	require.Zero(t, calls["GET /groups/:id"])
	require.Zero(t, calls["GET /projects/:id"])
	require.Equal(t, 1, calls["GET /projects/:id/issues/:iid"])
}
