package onboarding

import (
	"fmt"
	"strings"
	"time"
)

// Import says which dossiers from before the hub's first start are taken up:
// "none" (only what changes from then on), "all", or "from 2026-09-01" (what changed
// on that day or later).
type Import string

// The fixed choices for Import.
const (
	ImportNone Import = "none"
	ImportAll  Import = "all"
)

// Since returns the date from which changes are read at the first start, which
// happens at now.
func (i Import) Since(now time.Time) (time.Time, error) {
	switch i {
	case ImportNone, "":
		return now, nil
	case ImportAll:
		return time.Time{}, nil
	}
	day, found := strings.CutPrefix(string(i), "from ")
	if !found {
		return time.Time{}, fmt.Errorf("%q: write none, all, or from and a date such as from 2026-09-01", string(i))
	}
	since, err := time.Parse(time.DateOnly, strings.TrimSpace(day))
	if err != nil {
		return time.Time{}, fmt.Errorf("%q: write the date as from 2026-09-01", string(i))
	}
	return since, nil
}
