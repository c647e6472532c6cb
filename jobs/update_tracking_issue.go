package jobs

import (
	"context"
	"strconv"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// UpdateTrackingIssue keeps the tracking issue's labels, its open or closed state
// and the hub's one note current, answers commands and reminds agents. The description is
// the agents'.
type UpdateTrackingIssue struct{ ActionArgs }

// Kind is River's name of the job.
func (UpdateTrackingIssue) Kind() string { return string(onboarding.UpdateTrackingIssue) }

// InsertOpts puts the job on GitLab's queue.
func (UpdateTrackingIssue) InsertOpts() river.InsertOpts { return onceOpts(QueueGitLab) }

func (c *crew) updateTrackingIssue(ctx context.Context, t *task) (outcome, error) {
	iid, err := t.idOf(onboarding.IssueKey)
	if err != nil {
		return outcome{}, err
	}
	switch t.action.Kind {
	case onboarding.LabelIssue:
		return c.labelIssue(ctx, t, iid)
	case onboarding.AnswerCommand:
		return c.answerCommand(ctx, t, iid)
	case onboarding.RemindAgents:
		return c.remindAgents(ctx, t, iid)
	default:
		return c.noteIssue(ctx, t, iid)
	}
}

// labelIssue is the same whether it is done once or twice.
func (c *crew) labelIssue(ctx context.Context, t *task, iid int64) (outcome, error) {
	face, others := c.Journey.Face(&t.dossier, t.record)
	event := "reopen"
	if face.Closed {
		event = "close"
	}
	_, err := c.GitLab.ChangeIssue(ctx, c.TrackingProject, iid, gitlab.IssueChange{
		AddLabels: face.Labels, RemoveLabels: others, StateEvent: event,
	})
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: onboarding.LabelsKey, applied: t.action.Want}},
		facts:   []ledger.Fact{t.fact(ledger.IssueUpdated, map[string]any{"labels": face.Labels, "closed": face.Closed})},
	}, nil
}

func (c *crew) noteIssue(ctx context.Context, t *task, iid int64) (outcome, error) {
	body := c.Texts.Note(&t.dossier, onboarding.NoteFor(c.Journey, &t.dossier, t.record))
	id, adopted := int64(0), false
	if t.resource().ExternalID != "" {
		var err error
		if id, err = t.idOf(onboarding.NoteKey); err != nil {
			return outcome{}, err
		}
	} else if t.look {
		note, found, err := c.GitLab.FindNote(ctx, c.TrackingProject, iid, func(note gitlab.Note) bool {
			return c.Marks.In(note.Body, t.dossier.Number, onboarding.NoteKey)
		})
		if err != nil {
			return outcome{}, err
		}
		if found {
			id, adopted = note.ID, true
		}
	}
	if id != 0 {
		if err := c.GitLab.EditNote(ctx, c.TrackingProject, iid, id, body); err != nil {
			return outcome{}, err
		}
	} else {
		note, err := c.GitLab.AddNote(ctx, c.TrackingProject, iid, body)
		if err != nil {
			return outcome{}, err
		}
		id = note.ID
	}
	return outcome{
		changes: []change{{key: onboarding.NoteKey, externalID: strconv.FormatInt(id, 10), applied: t.action.Want}},
		facts:   []ledger.Fact{t.fact(ledger.NoteWritten, map[string]any{"id": id, "adopted": adopted})},
	}, nil
}
