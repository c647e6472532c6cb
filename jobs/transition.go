package jobs

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// changeState changes the dossier's state in DS, which refuses it when the dossier is
// elsewhere already. Whether a call whose answer was lost had its effect shows in the
// dossier.
func (c *crew) changeState(ctx context.Context, t *task) (outcome, error) {
	d, key := &t.dossier, t.action.Resource
	to, command, _ := strings.Cut(key.Key, " ")
	if t.action.Settle {
		settled := t.notThere()
		begun := to == string(onboarding.EnInstruction) && (d.State.Decided() || command == "" && d.EverInstructed)
		if d.State == onboarding.State(to) || begun {
			settled = t.stateChanged(to, command, true)
		}
		settled.unasked = true
		return settled, nil
	}
	motivation := onboarding.Motivation(c.Journey, d, t.record)
	var err error
	switch t.action.Kind {
	case onboarding.StartInstruction:
		err = c.Demarches.StartInstruction(ctx, d.Demarche, d.Number, d.ID)
	case onboarding.AcceptDossier:
		err = c.Demarches.Accept(ctx, d.Demarche, d.Number, d.ID, motivation)
	case onboarding.RefuseDossier:
		err = c.Demarches.Refuse(ctx, d.Demarche, d.Number, d.ID, motivation)
	case onboarding.ClassDossier:
		err = c.Demarches.Class(ctx, d.Demarche, d.Number, d.ID, motivation)
	default:
		err = fmt.Errorf("write_back cannot %s", t.action.Kind)
	}
	if elsewhere(err) && key != onboarding.InstructKey {
		// DS has another state than the one that was decided upon: it is looked at again.
		dropped := t.notThere()
		dropped.absent, dropped.look = false, true
		dropped.changes = []change{{key: key}}
		return dropped, nil
	}
	if err != nil {
		return outcome{}, err
	}
	changed := t.stateChanged(to, command, false)
	changed.look = true
	return changed, nil
}

func (t *task) stateChanged(to, command string, adopted bool) outcome {
	fact := t.fact(ledger.TransitionMade, map[string]any{"to": to, "command": command, "adopted": adopted})
	if t.action.Resource == onboarding.InstructKey {
		fact = t.fact(ledger.InstructionBegun, map[string]any{"adopted": adopted})
	}
	return outcome{changes: []change{{key: t.action.Resource}}, facts: []ledger.Fact{fact}}
}

// elsewhere reports whether DS refuses a change of state because the dossier is in another
// state already.
func elsewhere(err error) bool {
	failure := connectors.AsFailure(err)
	return failure != nil && failure.Class == connectors.Permanent && strings.Contains(failure.Detail, "est déjà ")
}
