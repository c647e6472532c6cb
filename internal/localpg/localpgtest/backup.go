//go:build unix

package localpgtest

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg"
)

// Dump is a backup of a database as pg_dump makes it, while others work on it.
func Dump(tb testing.TB, database string) []byte {
	tb.Helper()
	return backupProgram(tb, nil, "pg_dump", "--format=custom", "--dbname="+database)
}

// Restore is the address of a fresh database that holds a backup.
func Restore(tb testing.TB, backup []byte) string {
	tb.Helper()
	database := Database(tb, nil)
	backupProgram(tb, backup, "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--dbname="+database)
	return database
}

func backupProgram(tb testing.TB, input []byte, name string, args ...string) []byte {
	tb.Helper()
	path, err := localpg.Program(tb.Context(), name)
	require.NoError(tb, err)
	cmd := exec.CommandContext(tb.Context(), path, args...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &said
	output, err := cmd.Output()
	require.NoError(tb, err, said.String())
	return output
}
