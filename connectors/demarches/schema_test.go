package demarches_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
)

// TestSchema holds every operation against DS's published schema, which is kept
// beside the checkout, not in it.
func TestSchema(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)

	b := setup(t, func(w http.ResponseWriter, r request) {
		if r.OperationName == "Instructeurs" {
			says(http.StatusOK, agents)(w, r)
			return
		}
		says(http.StatusOK, `{}`)(w, r)
	}, byAddress)
	_, _ = b.client.Dossier(t.Context(), 42)
	_, _ = b.client.Changes(t.Context(), 7, demarches.Cursor{})
	_, _ = b.client.Changes(t.Context(), 7, demarches.Cursor{WithRemoved: true, After: "a", DeletedAfter: "b", PendingAfter: "c"})
	_, _ = b.client.Headings(t.Context(), 7, demarches.Cursor{After: "a"})
	_, _, _ = b.client.Newest(t.Context(), 7, time.Time{})
	_, _, _ = b.client.FindMessage(t.Context(), 42, "REF")
	_, _ = b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Bonjour"})
	_, _ = b.client.SendMessage(t.Context(), 7, 42, "D42", demarches.Message{Body: "Bonjour", Correction: true})
	_ = b.client.StartInstruction(t.Context(), 7, 42, "D42")
	_ = b.client.Accept(t.Context(), 7, 42, "D42", "")
	_ = b.client.Refuse(t.Context(), 7, 42, "D42", "Hors périmètre")
	_ = b.client.Class(t.Context(), 7, 42, "D42", "Sans nouvelles")
	_ = b.client.Annotate(t.Context(), 7, 42, "D42", []demarches.AnnotationValue{{ID: "A1", Text: "3"}, {ID: "A2"}})
	_, _ = b.client.Labels(t.Context(), 7)
	_ = b.client.AddLabel(t.Context(), 7, 42, "D42", "L1")
	_ = b.client.RemoveLabel(t.Context(), 7, 42, "D42", "L1")

	seen := map[string]bool{}
	for _, r := range b.requests {
		seen[r.OperationName] = true
		document, problems := gqlparser.LoadQueryWithRules(schema, r.Query, rules.NewDefaultRules())
		require.Empty(t, problems, "%s\n%s", r.OperationName, r.Query)
		operation := document.Operations.ForName(r.OperationName)
		require.NotNil(t, operation)
		_, err := validator.VariableValues(schema, operation, r.Variables)
		require.NoError(t, err, r.OperationName)
		require.LessOrEqual(t, depth(operation.SelectionSet), 15, "DS refuses deeper queries")
	}
	require.Len(t, seen, 15, "every operation is checked: %v", seen)
}

func depth(set ast.SelectionSet) int {
	deepest := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			deepest = max(deepest, 1+depth(s.SelectionSet))
		case *ast.InlineFragment:
			deepest = max(deepest, depth(s.SelectionSet))
		}
	}
	return deepest
}

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	root, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		require.NotEqual(t, parent, root, "no go.mod above the test")
		root = parent
	}
	path := filepath.Join(root, "..", "shared", "contracts", "demarches", "schema.graphql")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("DS's schema is not there to check against: %s", path)
	}
	require.NoError(t, err)
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	require.NoError(t, err)
	return schema
}
