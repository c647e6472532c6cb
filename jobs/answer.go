package jobs

import (
	"context"
	"slices"
	"strconv"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// answerCommand answers what somebody did in GitLab: a comment in its thread, a change of
// label or state by a comment of its own. The threads are read for that anyway, so it is
// always known whether it was answered.
func (c *crew) answerCommand(ctx context.Context, t *task, iid int64) (outcome, error) {
	key := t.action.Resource
	commands := onboarding.Answered(c.Journey, &t.dossier, t.record, key)
	if len(commands) == 0 {
		return t.notThere(), nil // it is not overruled any more
	}
	discussions, err := c.GitLab.Discussions(ctx, c.TrackingProject, iid)
	if err != nil {
		return outcome{}, err
	}
	mark, thread := c.Marks.Mark(t.dossier.Number, key), ""
	self, err := c.GitLab.Self(ctx)
	if err != nil {
		return outcome{}, err
	}
	for i := range discussions {
		for _, note := range discussions[i].Notes {
			if note.AuthorID == self && slices.Contains(onboarding.MarksIn(note.Body), mark) {
				return t.answerGiven(key, note.ID, true), nil
			}
			if note.ID == commands[0].ID && commands[0].Source != onboarding.FromLabel && commands[0].Source != onboarding.FromState {
				thread = discussions[i].ID
			}
		}
	}
	body := c.Texts.Answer(&t.dossier, commands, onboarding.Stand(c.Journey, &t.dossier, t.record), t.record)
	var note gitlab.Note
	if thread != "" {
		note, err = c.GitLab.Reply(ctx, c.TrackingProject, iid, thread, body)
	} else {
		note, err = c.GitLab.AddNote(ctx, c.TrackingProject, iid, body)
	}
	if err != nil {
		return outcome{}, err
	}
	return t.answerGiven(key, note.ID, false), nil
}

func (t *task) answerGiven(key onboarding.ResourceKey, id int64, adopted bool) outcome {
	return outcome{
		changes: []change{{key: key, externalID: strconv.FormatInt(id, 10)}},
		facts:   []ledger.Fact{t.fact(ledger.AnswerGiven, map[string]any{"command": key.Key, "id": id, "adopted": adopted})},
	}
}

// remindAgents tells the agents, by a comment of its own so that GitLab notifies them,
// that nothing has moved for a while.
func (c *crew) remindAgents(ctx context.Context, t *task, iid int64) (outcome, error) {
	key := t.action.Resource
	given := func(id int64, adopted bool) outcome {
		return outcome{
			changes: []change{{key: key, externalID: strconv.FormatInt(id, 10)}},
			facts: []ledger.Fact{t.fact(ledger.ReminderGiven, map[string]any{
				"to": onboarding.PartyAgents, "reminder": key.Key, "id": id, "adopted": adopted,
			})},
		}
	}
	if t.look {
		note, found, err := c.GitLab.FindNote(ctx, c.TrackingProject, iid, func(note gitlab.Note) bool {
			return c.Marks.In(note.Body, t.dossier.Number, key)
		})
		if err != nil {
			return outcome{}, err
		}
		if found {
			return given(note.ID, true), nil
		}
	}
	if t.action.Settle {
		return t.notThere(), nil
	}
	body := c.Texts.Reminder(&t.dossier, key, onboarding.Stand(c.Journey, &t.dossier, t.record))
	note, err := c.GitLab.AddNote(ctx, c.TrackingProject, iid, body)
	if err != nil {
		return outcome{}, err
	}
	return given(note.ID, false), nil
}
