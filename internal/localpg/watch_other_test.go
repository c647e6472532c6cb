//go:build unix && !linux

package localpg

import "testing"

func watch(*testing.T, int) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		t.Skip("a server ends with its process on Linux alone")
	}
}

func processesIn(*testing.T, string) []string { return nil }
