package jobs

import (
	"context"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// WriteBack tells DS: the applicant's messages, what the form's private fields and the
// dossier's label show and, where a decision in GitLab or the journey says so, a change of
// state.
type WriteBack struct{ ActionArgs }

// Kind is River's name of the job.
func (WriteBack) Kind() string { return string(onboarding.WriteBack) }

// InsertOpts puts the job on DS's queue.
func (WriteBack) InsertOpts() river.InsertOpts { return onceOpts(QueueDemarches) }

func (c *crew) writeBack(ctx context.Context, t *task) (outcome, error) {
	switch t.action.Kind {
	case onboarding.SendMessage:
		return c.sendMessage(ctx, t)
	case onboarding.WaiveMessage:
		return t.messageWaived(), nil
	case onboarding.Annotate:
		return c.annotate(ctx, t)
	case onboarding.TagDossier:
		return c.tagDossier(ctx, t)
	default:
		return c.changeState(ctx, t)
	}
}

func (c *crew) sendMessage(ctx context.Context, t *task) (outcome, error) {
	d, key := &t.dossier, t.action.Resource
	if t.look {
		id, found, err := c.Demarches.FindMessage(ctx, d.Number, c.Marks.Mark(d.Number, key))
		if err != nil {
			return outcome{}, err
		}
		if found {
			return t.messageSent(id, true), nil
		}
	}
	if t.action.Settle {
		return t.notThere(), nil
	}
	kind := onboarding.MessageOf(key)
	body, _ := c.Texts.Message(d, kind, key, t.record)
	id, err := c.Demarches.SendMessage(ctx, d.Demarche, d.Number, d.ID, demarches.Message{
		Body: body, Correction: kind == onboarding.MessageCorrection,
	})
	if err != nil {
		return outcome{}, err
	}
	sent := t.messageSent(id, false)
	sent.look = kind == onboarding.MessageCorrection // it may have sent the dossier back
	return sent, nil
}

func (t *task) messageSent(id string, adopted bool) outcome {
	key := t.action.Resource
	return outcome{
		changes: []change{{key: key, externalID: id}},
		facts:   []ledger.Fact{t.fact(ledger.MessageSent, map[string]any{"message": key.Key, "id": id, "adopted": adopted})},
	}
}

// messageWaived notes why DS does not take a message.
func (t *task) messageWaived() outcome {
	key := t.action.Resource
	return outcome{
		changes: []change{{key: key, applied: t.action.Want}},
		facts:   []ledger.Fact{t.fact(ledger.MessageWaived, map[string]any{"message": key.Key, "reason": t.action.Want})},
		unasked: true,
	}
}
