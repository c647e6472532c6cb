package onboarding_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// The first dossier shows which one its onboarding goes on with.
func TestShownOf_Continues(t *testing.T) {
	t.Parallel()
	journey := example(t)
	d := qualified(journey, nil)
	require.Zero(t, onboarding.ShownOf(journey, d, onboarding.Record{}).Continues)
	r := onboarding.Record{Links: onboarding.Links{FollowedBy: []onboarding.Link{
		{Number: 1002, State: onboarding.EnConstruction}, {Number: 1003, State: onboarding.Accepte}, {Number: 1004, State: onboarding.Deleted},
	}}}
	require.EqualValues(t, 1003, onboarding.ShownOf(journey, d, r).Continues)
	r.Links.FollowedBy = r.Links.FollowedBy[2:]
	require.Zero(t, onboarding.ShownOf(journey, d, r).Continues)
}
