package demarches

import (
	"context"
	"fmt"
	"strings"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// agent returns the id of the agent in whose name we write. DS's mutations take
// nothing else, and only its list of a démarche's agents leads from an address to
// an id.
func (c *Client) agent(ctx context.Context, demarche int64) (string, error) {
	op := operation{name: opInstructeurs, subject: fmt.Sprintf("démarche %d", demarche)}
	if c.instructeur == "" {
		f := c.fail(op, connectors.Permanent, "nobody to write as")
		f.Advice = "name in PASSERELLE_DS_INSTRUCTEUR an agent of the démarche, by e-mail address or by id"
		return "", f
	}
	if !strings.Contains(c.instructeur, "@") {
		return c.instructeur, nil
	}
	c.mu.Lock()
	id := c.instructeurs[demarche]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	// Several at once may all ask, the first time. That costs less than to hold
	// everybody behind one that gets no answer.
	id, err := c.findAgent(ctx, op, demarche)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.instructeurs[demarche] = id
	c.mu.Unlock()
	return id, nil
}

func (c *Client) findAgent(ctx context.Context, op operation, demarche int64) (string, error) {
	var answer struct {
		Demarche *struct {
			GroupeInstructeurs []struct {
				Instructeurs []struct{ ID, Email string }
			}
		} `graphql:"demarche(number: $demarche)"`
	}
	if err := c.run(ctx, op, &answer, map[string]any{"demarche": demarche}); err != nil {
		return "", err
	}
	if answer.Demarche == nil {
		return "", c.unreadable(op, errUnreadable)
	}
	for _, group := range answer.Demarche.GroupeInstructeurs {
		for _, agent := range group.Instructeurs {
			if agent.ID != "" && strings.EqualFold(agent.Email, c.instructeur) {
				return agent.ID, nil
			}
		}
	}
	f := c.fail(op, connectors.Permanent, "the agent in whose name the hub writes is not one of the démarche's")
	f.Advice = "in DS, add the agent of PASSERELLE_DS_INSTRUCTEUR to the démarche's instructeurs, or name another"
	return "", f
}
