package texts

import (
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// The built-in templates work with whatever they can get: New does not try them at each
// start.
func TestBuiltIn(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../../../deploy/journey.example.yaml", "../../../deploy/journey.example.en.yaml", "../testdata/other.yaml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			var journey onboarding.Journey
			require.NoError(t, yaml.UnmarshalWithOptions(content, &journey, yaml.Strict()))
			texts, err := New(&journey, onboarding.NewMarks("key"), Site{DSURL: "https://ds.example.org"})
			require.NoError(t, err)
			for _, name := range TemplateNames() {
				require.NoError(t, texts.try(name, texts.builtIn[name]), name)
			}
		})
	}
}
