package jobs

import (
	"context"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// WriteBack tells DS: the applicant's messages and, where the journey says so, a
// change of state.
type WriteBack struct{ ActionArgs }

// Kind is River's name of the job.
func (WriteBack) Kind() string { return string(onboarding.WriteBack) }

// InsertOpts puts the job on DS's queue.
func (WriteBack) InsertOpts() river.InsertOpts { return onceOpts(QueueDemarches) }

func (c *crew) writeBack(ctx context.Context, t *task) (outcome, error) {
	if t.action.Kind == onboarding.StartInstruction {
		return c.startInstruction(ctx, t)
	}
	return c.sendMessage(ctx, t)
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
	body, _ := c.Texts.Message(d, c.Journey.Policy[d.State].Message, key, t.record)
	id, err := c.Demarches.SendMessage(ctx, d.Demarche, d.Number, d.ID, body)
	if err != nil {
		return outcome{}, err
	}
	return t.messageSent(id, false), nil
}

func (t *task) messageSent(id string, adopted bool) outcome {
	key := t.action.Resource
	return outcome{
		changes: []change{{key: key, externalID: id}},
		facts:   []ledger.Fact{t.fact(ledger.MessageSent, map[string]any{"message": key.Key, "id": id, "adopted": adopted})},
	}
}

// startInstruction is refused by DS when the dossier is elsewhere already. Whether a
// call whose answer was lost had its effect shows in the dossier.
func (c *crew) startInstruction(ctx context.Context, t *task) (outcome, error) {
	if t.action.Settle {
		settled := t.notThere()
		if t.dossier.EverInstructed {
			settled = t.instructionBegun(true)
		}
		settled.unasked = true
		return settled, nil
	}
	if err := c.Demarches.StartInstruction(ctx, t.dossier.Demarche, t.dossier.Number, t.dossier.ID); err != nil {
		return outcome{}, err
	}
	return t.instructionBegun(false), nil
}

func (t *task) instructionBegun(adopted bool) outcome {
	return outcome{
		changes: []change{{key: onboarding.InstructKey}},
		facts:   []ledger.Fact{t.fact(ledger.InstructionBegun, map[string]any{"adopted": adopted})},
	}
}
