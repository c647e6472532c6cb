package jobs

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"sync/atomic"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// ProvisionSandbox makes what an accepted team gets: a group, the sandbox project
// with a hello world in it, and invitations. It takes an archived sandbox up again.
type ProvisionSandbox struct{ ActionArgs }

// Kind is River's name of the job.
func (ProvisionSandbox) Kind() string { return string(onboarding.ProvisionSandbox) }

// InsertOpts puts the job on GitLab's queue.
func (ProvisionSandbox) InsertOpts() river.InsertOpts { return onceOpts(QueueGitLab) }

func (c *crew) provisionSandbox(ctx context.Context, t *task) (outcome, error) {
	switch t.action.Kind {
	case onboarding.CreateGroup:
		return c.createGroup(ctx, t)
	case onboarding.CreateProject:
		return c.createProject(ctx, t)
	case onboarding.UnarchiveProject:
		return c.unarchiveProject(ctx, t)
	case onboarding.CommitFiles:
		return c.commitFiles(ctx, t)
	case onboarding.InviteMembers:
		return c.inviteMembers(ctx, t)
	case onboarding.MarkSandbox:
		return c.markSandbox(ctx, t)
	default:
		return outcome{}, fmt.Errorf("provision_sandbox cannot %s", t.action.Kind)
	}
}

// createGroup creates the group or adopts it when it bears our mark. Where somebody
// else's stands, which is never touched, the path gets the dossier's number.
func (c *crew) createGroup(ctx context.Context, t *task) (outcome, error) {
	number := t.dossier.Number
	parent, err := c.rootGroup.id(ctx, c.GitLab, c.RootGroup)
	if err != nil {
		return outcome{}, err
	}
	if t.lost {
		// It may have been renamed since, or the dossier's project.
		if group, found, err := c.pastGroup(ctx, number); err != nil || found {
			return t.groupMade(group, true), err
		}
	}
	request := c.Journey.Request(&t.dossier)
	plain, suffixed := onboarding.GroupPaths(request, number)
	if tried := t.resource().Path; t.action.Settle && tried != "" {
		plain, suffixed = tried, onboarding.SuffixedPath(tried, number)
	}
	if plain == "" {
		return outcome{}, refuse("create group",
			"the project's name holds no letter or digit that a path can be made of",
			"ask the applicant to correct the project's name, or accept the dossier again after a correction")
	}
	for _, segment := range []string{plain, suffixed} {
		if t.action.Settle {
			if group, ours, err := c.groupOfOurs(ctx, number, segment); err != nil || ours {
				return t.groupMade(group, true), err
			}
			continue
		}
		group, err := c.GitLab.CreateGroup(ctx, gitlab.NewGroup{
			ParentID:    parent,
			Name:        onboarding.GroupName(request, number, segment == suffixed),
			Path:        segment,
			Description: c.Texts.GroupDescription(&t.dossier),
		})
		if err == nil {
			return t.groupMade(group, false), nil
		}
		if !gitlab.IsTaken(err) {
			return outcome{}, err
		}
		if group, ours, err := c.groupOfOurs(ctx, number, segment); err != nil || ours {
			return t.groupMade(group, true), err
		}
	}
	if t.action.Settle {
		return t.notThere(), nil
	}
	return outcome{}, refuse("create group",
		fmt.Sprintf("groups of somebody else stand at both %s and %s", path.Join(c.RootGroup, plain), path.Join(c.RootGroup, suffixed)),
		"rename or move one of them, then replay the job")
}

// groupOfOurs returns the group at that path below the root group, if it bears the
// dossier's mark.
func (c *crew) groupOfOurs(ctx context.Context, dossier int64, segment string) (gitlab.Group, bool, error) {
	group, err := c.GitLab.Group(ctx, path.Join(c.RootGroup, segment))
	if connectors.IsNotFound(err) {
		return gitlab.Group{}, false, nil // taken, and hidden from us: somebody else's
	}
	return group, err == nil && !group.Deleting && c.Marks.In(group.Description, dossier, onboarding.GroupKey), err
}

func (t *task) groupMade(group gitlab.Group, adopted bool) outcome {
	return outcome{
		changes: []change{{key: onboarding.GroupKey, externalID: strconv.FormatInt(group.ID, 10), url: group.URL, path: group.Path}},
		facts: []ledger.Fact{t.fact(ledger.GroupCreated, map[string]any{
			"id": group.ID, "path": group.Path, "url": group.URL, "adopted": adopted,
		})},
	}
}

// createProject creates the sandbox project or adopts the one that bears our mark.
func (c *crew) createProject(ctx context.Context, t *task) (outcome, error) {
	group, err := t.idOf(onboarding.GroupKey)
	if err != nil {
		return outcome{}, err
	}
	if t.lost {
		if project, found, err := c.pastProject(ctx, t.dossier.Number); err != nil || found {
			return t.projectMade(project, true), err
		}
	}
	sandbox := c.Journey.GitLab.Sandbox
	if !t.action.Settle {
		project, err := c.GitLab.CreateProject(ctx, gitlab.NewProject{
			NamespaceID:   group,
			Name:          sandbox.Name,
			Path:          sandbox.Path,
			Description:   c.Texts.ProjectDescription(&t.dossier, false),
			DefaultBranch: sandbox.Branch,
			CIConfigPath:  sandbox.CIConfig,
			Topics:        c.topics(),
		})
		if err == nil {
			return t.projectMade(project, false), nil
		}
		if !gitlab.IsTaken(err) {
			return outcome{}, err
		}
	}
	full := path.Join(t.record.Get(onboarding.GroupKey).Path, sandbox.Path)
	project, err := c.GitLab.Project(ctx, full)
	switch {
	case connectors.IsNotFound(err) && t.action.Settle:
		return t.notThere(), nil
	case err != nil:
		return outcome{}, err
	case project.Deleting && !t.action.Settle:
		return outcome{}, refuse("create project", "a project that is being deleted stands at "+full,
			"wait until it is gone, or take it up again in GitLab and run passerelle reconcile; then replay the job")
	case !project.Deleting && c.Marks.In(project.Description, t.dossier.Number, onboarding.ProjectKey):
		return t.projectMade(project, true), nil
	case t.action.Settle:
		return t.notThere(), nil
	default:
		return outcome{}, refuse("create project", "a project that is not ours stands at "+full,
			"rename or remove it, then replay the job")
	}
}

func (t *task) projectMade(project gitlab.Project, adopted bool) outcome {
	made := outcome{
		changes: []change{{key: onboarding.ProjectKey, externalID: strconv.FormatInt(project.ID, 10), url: project.URL, path: project.Path}},
		facts: []ledger.Fact{t.fact(ledger.ProjectCreated, map[string]any{
			"id": project.ID, "path": project.Path, "url": project.URL, "adopted": adopted,
		})},
	}
	if adopted && project.Archived {
		made.changes = append(made.changes, change{key: onboarding.ArchiveKey, applied: onboarding.Archived})
	}
	return made
}

// unarchiveProject is the same whether it is done once or twice.
func (c *crew) unarchiveProject(ctx context.Context, t *task) (outcome, error) {
	project, err := t.idOf(onboarding.ProjectKey)
	if err != nil {
		return outcome{}, err
	}
	if err := c.GitLab.UnarchiveProject(ctx, project); err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: onboarding.ArchiveKey, applied: t.action.Want}},
		facts:   []ledger.Fact{t.fact(ledger.ProjectActivated, map[string]any{"id": project})},
	}, nil
}

// commitFiles writes the hello world in one commit. The project is ours: files that
// stand there already came with an earlier attempt at this very commit, or from the
// team, whose work is not overwritten.
func (c *crew) commitFiles(ctx context.Context, t *task) (outcome, error) {
	if t.action.Settle {
		return c.settleFiles(ctx, t)
	}
	project, err := t.idOf(onboarding.ProjectKey)
	if err != nil {
		return outcome{}, err
	}
	var files []gitlab.File
	for _, file := range c.Texts.SandboxFiles(&t.dossier, t.record) {
		files = append(files, gitlab.File{Path: file.Path, Content: file.Content})
	}
	sha, url, err := c.GitLab.CommitFiles(ctx, project, c.Journey.GitLab.Sandbox.Branch, c.Texts.CommitMessage(&t.dossier), files)
	adopted := gitlab.IsTaken(err)
	if err != nil && !adopted {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: onboarding.FilesKey, externalID: sha, url: url}},
		facts:   []ledger.Fact{t.fact(ledger.FilesCommitted, map[string]any{"commit": sha, "adopted": adopted})},
	}, nil
}

// settleFiles finds out whether a commit that is not wanted any more was made.
func (c *crew) settleFiles(ctx context.Context, t *task) (outcome, error) {
	project, err := c.GitLab.Project(ctx, t.record.Get(onboarding.ProjectKey).Path)
	switch {
	case connectors.IsNotFound(err), err == nil && project.Empty:
		return t.notThere(), nil
	case err != nil:
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: onboarding.FilesKey}},
		facts:   []ledger.Fact{t.fact(ledger.FilesCommitted, map[string]any{"adopted": true})},
	}, nil
}

// inviteMembers invites those of one access level; GitLab knows whom it invited
// before.
func (c *crew) inviteMembers(ctx context.Context, t *task) (outcome, error) {
	if t.action.Settle {
		// Whoever was invited by then stays so; a new acceptance invites all again.
		settled := t.notThere()
		settled.unasked = true
		return settled, nil
	}
	group, err := t.idOf(onboarding.GroupKey)
	if err != nil {
		return outcome{}, err
	}
	level := t.action.Resource.Key
	access, err := gitlab.ParseAccessLevel(level)
	if err != nil {
		return outcome{}, refuse("invite members", err.Error(), "correct gitlab.access in the journey file")
	}
	var wanted onboarding.Invitation
	for _, invitation := range c.Journey.Invitations(&t.dossier) {
		if invitation.Level == level {
			wanted = invitation
		}
	}
	if len(wanted.Emails) == 0 {
		return outcome{}, refuse("invite members at level "+level,
			fmt.Sprintf("the form gives no usable address for it; words that are none: %d", wanted.Unusable),
			"ask the applicant to correct the addresses, or invite the people by hand")
	}
	invited, err := c.GitLab.InviteToGroup(ctx, group, wanted.Emails, access)
	if err != nil {
		return outcome{}, err
	}
	if len(invited.Refused) > 0 && invited.Invited+invited.Already == 0 {
		return outcome{}, refuse("invite members at level "+level,
			fmt.Sprintf("none of the addresses was accepted: %q", invited.Refused),
			"ask the applicant for addresses that GitLab takes, or invite the people by hand")
	}
	return outcome{
		changes: []change{{key: t.action.Resource, applied: t.action.Want}},
		facts: []ledger.Fact{t.fact(ledger.MembersInvited, map[string]any{
			"level": level, "invited": invited.Invited, "already": invited.Already, "refused": invited.Refused,
		})},
	}, nil
}

// idOf returns the GitLab id of a resource that the ledger says exists.
func (t *task) idOf(key onboarding.ResourceKey) (int64, error) {
	id, err := strconv.ParseInt(t.record.Get(key).ExternalID, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("dossier %d: the ledger holds no id of its %s", t.dossier.Number, key)
	}
	return id, nil
}

// rootGroup remembers the id of the root group once it was looked up.
type rootGroup struct{ known atomic.Int64 }

func (r *rootGroup) id(ctx context.Context, client *gitlab.Client, fullPath string) (int64, error) {
	if known := r.known.Load(); known != 0 {
		return known, nil
	}
	group, err := client.Group(ctx, fullPath)
	if connectors.IsNotFound(err) {
		return 0, refuse("find the root group", fullPath+" does not exist, or our token may not see it",
			"create it, or correct PASSERELLE_GITLAB_ROOT_GROUP, then replay the job")
	} else if err != nil {
		return 0, err
	}
	r.known.Store(group.ID)
	return group.ID, nil
}
