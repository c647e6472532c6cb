package jobs

import (
	"context"
	"slices"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// markSandbox changes the sandbox's topic and description when its product goes into
// production. It is the same whether it is done once or twice.
func (c *crew) markSandbox(ctx context.Context, t *task) (outcome, error) {
	project, err := t.idOf(onboarding.ProjectKey)
	if err != nil {
		return outcome{}, err
	}
	status := t.action.Want
	if t.action.Settle {
		return t.unknown(), nil
	}
	now, err := c.GitLab.ProjectByID(ctx, project)
	if err != nil {
		return outcome{}, err
	}
	description := c.Texts.ProjectDescription(&t.dossier, status == onboarding.Permanent)
	_, err = c.GitLab.ChangeProject(ctx, project, gitlab.ProjectChange{Description: &description, Topics: c.retopic(now.Topics, status)})
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{{key: t.action.Resource, applied: status}},
		facts:   []ledger.Fact{t.fact(ledger.SandboxMarked, map[string]any{"status": status})},
	}, nil
}

// topics are a new sandbox's.
func (c *crew) topics() []string {
	return c.retopic(nil, onboarding.Provisional)
}

// retopic replaces the topic that tells of the status among a project's, and leaves the
// team's.
func (c *crew) retopic(topics []string, status string) []string {
	sandbox := c.Journey.GitLab.Sandbox
	kept := slices.DeleteFunc(slices.Clone(topics), func(topic string) bool {
		return topic == sandbox.ProvisionalTopic || topic == sandbox.PermanentTopic
	})
	topic := sandbox.ProvisionalTopic
	if status == onboarding.Permanent {
		topic = sandbox.PermanentTopic
	}
	if topic != "" {
		kept = append(kept, topic)
	}
	return append([]string{}, kept...)
}
