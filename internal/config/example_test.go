package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
)

// .env.example says of every variable what is true: whether it is required or secret,
// and its default.
func TestEnvExample(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../.env.example")
	require.NoError(t, err)

	type entry struct{ optional, required, secret, explained bool }
	said, defaults := map[string]entry{}, map[string]string{}
	assignment := regexp.MustCompile(`^(#?)(PASSERELLE_[A-Z_]+)=(.*)$`)
	var comment string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		match := assignment.FindStringSubmatch(line)
		switch {
		case match != nil:
			require.NotContains(t, said, match[2], "it stands there twice")
			first, _, _ := strings.Cut(comment, ".")
			said[match[2]] = entry{
				optional: match[1] == "#", required: strings.HasPrefix(first, "Required"),
				secret: regexp.MustCompile(`(?i)secret`).MatchString(first), explained: comment != "",
			}
			defaults[match[2]] = match[3]
		case line == "":
			comment = ""
		default:
			comment += strings.TrimPrefix(line, "# ")
		}
	}
	for _, variable := range config.Variables() {
		require.Equal(t, entry{
			optional: !variable.Required, required: variable.Required, secret: variable.Secret, explained: true,
		}, said[variable.Name], variable.Name)
		if !variable.Required {
			require.Equal(t, variable.Default, defaults[variable.Name], variable.Name)
		}
		delete(said, variable.Name)
	}
	require.Empty(t, said, "these are not variables of Passerelle")
}
