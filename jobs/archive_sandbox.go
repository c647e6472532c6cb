package jobs

import (
	"context"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// ArchiveSandbox archives the sandbox of a dossier that was refused, or classed,
// after an acceptance. Nothing is deleted.
type ArchiveSandbox struct{ ActionArgs }

// Kind is River's name of the job.
func (ArchiveSandbox) Kind() string { return string(onboarding.ArchiveSandbox) }

// InsertOpts puts the job on GitLab's queue.
func (ArchiveSandbox) InsertOpts() river.InsertOpts { return onceOpts(QueueGitLab) }

// archiveSandbox is the same whether it is done once or twice.
func (c *crew) archiveSandbox(ctx context.Context, t *task) (outcome, error) {
	project, err := t.idOf(onboarding.ProjectKey)
	if err != nil {
		return outcome{}, err
	}
	if t.action.Settle {
		return c.settleArchive(ctx, t, project)
	}
	if err := c.GitLab.ArchiveProject(ctx, project); err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: onboarding.ArchiveKey, applied: t.action.Want}},
		facts:   []ledger.Fact{t.fact(ledger.ProjectArchived, map[string]any{"id": project})},
	}, nil
}

// settleArchive finds out what became of a change that is not wanted any more.
func (c *crew) settleArchive(ctx context.Context, t *task, id int64) (outcome, error) {
	project, err := c.GitLab.ProjectByID(ctx, id)
	if err != nil {
		return outcome{}, err
	}
	applied, kind := onboarding.Active, ledger.ProjectActivated
	if project.Archived {
		applied, kind = onboarding.Archived, ledger.ProjectArchived
	}
	return outcome{
		changes: []change{{key: onboarding.ArchiveKey, applied: applied}},
		facts:   []ledger.Fact{t.fact(kind, map[string]any{"id": id, "adopted": true})},
	}, nil
}
