package jobs

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/telemetry"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from  int
		pages []int
		lines int
	}{
		"a page":               {0, []int{100}, 0},
		"three pages":          {0, []int{100, 200, 250}, 2},
		"each thousand":        {0, []int{100, 900, 1000, 1900, 2100, 2950}, 4},
		"goes on where it was": {1950, []int{2050, 2100}, 2},
		"nothing left to read": {200, []int{200}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			c := &crew{Options: Options{Logger: slog.New(slog.NewTextHandler(&text, nil)), Metrics: telemetry.NewMetrics()}}
			p := newProgress(c, 7, tt.from)
			for i, read := range tt.pages {
				p.tell(t.Context(), read, i < len(tt.pages)-1)
			}
			p.end(t.Context(), tt.pages[len(tt.pages)-1])
			p.pause()
			require.Equal(t, tt.lines, strings.Count(text.String(), "demarche=7"), text.String())
		})
	}
}
