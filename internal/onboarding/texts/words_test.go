package texts

import (
	"fmt"
	"io/fs"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each language has all words: a text that is missing is seen in production alone.
func TestVocabulary(t *testing.T) {
	t.Parallel()
	for language, words := range vocabulary {
		spoken := reflect.ValueOf(words).Elem()
		for i := range spoken.NumField() {
			name := fmt.Sprintf("%s: %s", language, spoken.Type().Field(i).Name)
			switch field := spoken.Field(i); field.Kind() {
			case reflect.String:
				require.NotEmpty(t, field.String(), name)
			case reflect.Map:
				require.Equal(t, reflect.ValueOf(vocabulary["fr"]).Elem().Field(i).Len(), field.Len(), name)
				for _, key := range field.MapKeys() {
					require.NotEmpty(t, field.MapIndex(key).String(), "%s %v", name, key)
				}
			default:
				require.False(t, field.IsZero(), name)
			}
		}
	}
}

// The templates have one kind of apostrophe, that of print.
func TestApostrophes(t *testing.T) {
	t.Parallel()
	require.NoError(t, fs.WalkDir(builtIn, "templates", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(builtIn, path)
		require.NotContains(t, string(text), "'", path)
		return err
	}))
}
