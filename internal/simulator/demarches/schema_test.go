package demarches_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

func loadSchema(t *testing.T, path string) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the real schema is not here (%s): nothing to compare with", path)
	}
	require.NoError(t, err)
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: path, Input: string(text)})
	require.NoError(t, err)
	return schema
}

// projectRoot is the folder of go.mod.
func projectRoot(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		require.NotEqual(t, parent, folder, "no go.mod above")
		folder = parent
	}
}

// Whatever our schema has, the real one has just so. What clients may leave out of
// an input must be the same too; inputs are therefore complete.
func TestSchemaIsPartOfTheRealOne(t *testing.T) {
	t.Parallel()
	theReal := loadSchema(t, filepath.Join(projectRoot(t), "..", "shared", "contracts", "demarches", "schema.graphql"))
	ours := loadSchema(t, "schema.graphql")

	for name, mine := range ours.Types {
		theirs := theReal.Types[name]
		if mine.BuiltIn {
			continue
		}
		if !assertf(t, theirs != nil, "%s does not exist", name) {
			continue
		}
		assertf(t, mine.Kind == theirs.Kind, "%s is a %s, not a %s", name, theirs.Kind, mine.Kind)
		for _, i := range mine.Interfaces {
			assertf(t, slices.Contains(theirs.Interfaces, i), "%s does not implement %s", name, i)
		}
		assertf(t, (mine.Directives.ForName("oneOf") == nil) == (theirs.Directives.ForName("oneOf") == nil), "%s: @oneOf", name)
		for _, f := range mine.Fields {
			compareField(t, name, f, theirs.Fields.ForName(f.Name))
		}
		if mine.Kind == ast.InputObject {
			for _, f := range theirs.Fields {
				assertf(t, mine.Fields.ForName(f.Name) != nil, "%s.%s is missing", name, f.Name)
			}
		}
		for _, v := range mine.EnumValues {
			assertf(t, theirs.EnumValues.ForName(v.Name) != nil, "%s has no value %s", name, v.Name)
		}
		assertf(t, len(mine.EnumValues) == len(theirs.EnumValues), "%s has other values too", name)
	}
}

func compareField(t *testing.T, typeName string, mine, theirs *ast.FieldDefinition) {
	t.Helper()
	name := typeName + "." + mine.Name
	if len(mine.Name) > 1 && mine.Name[:2] == "__" || !assertf(t, theirs != nil, "%s does not exist", name) {
		return
	}
	assertf(t, mine.Type.String() == theirs.Type.String(), "%s is %s, not %s", name, theirs.Type, mine.Type)
	assertf(t, mine.DefaultValue.String() == theirs.DefaultValue.String(), "%s: other default", name)
	assertf(t, len(mine.Arguments) == len(theirs.Arguments), "%s: other number of arguments", name)
	for _, a := range mine.Arguments {
		other := theirs.Arguments.ForName(a.Name)
		if !assertf(t, other != nil, "%s has no argument %s", name, a.Name) {
			continue
		}
		assertf(t, a.Type.String() == other.Type.String(), "%s(%s) is %s, not %s", name, a.Name, other.Type, a.Type)
		assertf(t, a.DefaultValue.String() == other.DefaultValue.String(), "%s(%s): other default", name, a.Name)
	}
}

// assertf reports without stopping: a schema's differences are wanted all at once.
func assertf(t *testing.T, ok bool, format string, a ...any) bool {
	t.Helper()
	if !ok {
		t.Errorf(format, a...)
	}
	return ok
}
