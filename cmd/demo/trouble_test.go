package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTroubles has things go wrong from the start: all ends right, and only once.
func TestTroubles(t *testing.T) {
	t.Parallel()
	for _, troubles := range []string{"gitlab:refuse:5,ds:refuse:3", "lose:2", "gitlab:throttle:1,webhooks:40%,slow:3"} {
		t.Run(troubles, func(t *testing.T) {
			t.Parallel()
			r := runDemo(t, demo{}, nil, "-once", "-json", "-dossiers", "2", "-trouble", troubles)
			require.Equal(t, 0, r.code, r.stderr)
			require.Equal(t, counts{Groups: 1, Projects: 1, Issues: 2, Messages: 4}, r.document(t).Counts)
			for _, c := range r.scene.Troubles.Cases() {
				require.True(t, c.Over || c.Chance > 0, "%+v", c)
			}
		})
	}
}
