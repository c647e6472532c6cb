package hub_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// DS takes no message for a dossier that is in its bin. One that came back before a
// poll could see it there looks as it did before, and its applicant is told.
func TestMessageRefusedInTheBin(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	var once sync.Once
	removed := make(chan error, 1)
	r.DS.Faults().Add(fault.Rule{Operation: sendMessage, Kind: fault.Status, Match: func(string, []byte) bool {
		// The applicant is faster than the message by a hair.
		once.Do(func() { removed <- r.DS.Delete(r.DS.Dossiers()[0].Number) })
		return false
	}})
	number := r.file("Portail des agents")
	require.NoError(t, <-removed)
	r.settled()
	require.Empty(t, r.messages(number))
	require.Contains(t, r.kinds(number), "action_failed")

	r.clock.advance(2 * time.Second) // DS's dates have whole seconds
	r.quietly(r.DS.Restore(number, demarches.WithoutWebhook()))
	r.poll()
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1}, "write_back")
	require.Equal(t, []string{"received"}, r.sent(number))
	require.NotContains(t, r.kinds(number), "dossier_trashed")
}
