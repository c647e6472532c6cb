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
	if err := c.GitLab.ArchiveProject(ctx, project); err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: onboarding.ArchiveKey, applied: t.action.Want}},
		facts:   []ledger.Fact{t.fact(ledger.ProjectArchived, map[string]any{"id": project})},
	}, nil
}
