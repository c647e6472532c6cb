// Package deploy_test reads what a deployment is started from as the programs
// do that start it.
package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
)

// dotEnv is what a deployment's .env must say.
var dotEnv = map[string]string{
	"PASSERELLE_PUBLIC_URL":              "https://passerelle.example",
	"PASSERELLE_DS_URL":                  "https://ds.example",
	"PASSERELLE_DS_INSTRUCTEUR":          "agent@example.org",
	"PASSERELLE_GITLAB_URL":              "https://gitlab.example",
	"PASSERELLE_GITLAB_ROOT_GROUP":       "bac-a-sable",
	"PASSERELLE_GITLAB_TRACKING_PROJECT": "accueil/suivi",
}

func load(t *testing.T, environment map[string]string) (*types.Project, error) {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	assignments := make([]string, 0, len(environment))
	for name, value := range environment {
		assignments = append(assignments, name+"="+value)
	}
	options, err := cli.NewProjectOptions(
		[]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithWorkingDirectory(root),
		cli.WithEnv(assignments),
		cli.WithInterpolation(true),
		cli.WithNormalization(true),
		cli.WithConsistency(true),
		cli.WithResolvedPaths(true),
	)
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

func project(t *testing.T) *types.Project {
	t.Helper()
	loaded, err := load(t, dotEnv)
	require.NoError(t, err)
	return loaded
}

func TestCompose_Services(t *testing.T) {
	t.Parallel()

	loaded := project(t)
	require.Equal(t, []string{"hub", "postgres"}, slices.Sorted(maps.Keys(loaded.Services)))
	require.Equal(t, types.ServiceConditionHealthy, loaded.Services["hub"].DependsOn["postgres"].Condition)
	require.Equal(t, []string{"serve", "--migrate"}, []string(loaded.Services["hub"].Command))

	for name, service := range loaded.Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			require.NotNil(t, service.HealthCheck)
			require.False(t, service.HealthCheck.Disable)
			require.Equal(t, "CMD", service.HealthCheck.Test[0], "no shell is needed")
			require.Equal(t, "unless-stopped", service.Restart)
			require.Contains(t, service.SecurityOpt, "no-new-privileges:true")
			for _, port := range service.Ports {
				require.Equal(t, "127.0.0.1", port.HostIP, "the proxy is what faces the network")
			}
			if service.Build == nil {
				requirePinned(t, service.Image)
			}
		})
	}
	require.Empty(t, loaded.Services["postgres"].Ports)
}

func TestCompose_HubCannotChangeItsContainer(t *testing.T) {
	t.Parallel()

	hub := project(t).Services["hub"]
	require.True(t, hub.ReadOnly)
	require.Equal(t, []string{"ALL"}, hub.CapDrop)
	require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, hub.User)
	require.Empty(t, hub.Volumes)
}

func TestCompose_Variables(t *testing.T) {
	t.Parallel()

	loaded := project(t)
	hub := loaded.Services["hub"]

	variables := map[string]config.Variable{}
	for _, variable := range config.Variables() {
		variables[variable.Name] = variable
	}
	var said []string
	for name, value := range hub.Environment {
		plain, fromFile := strings.CutSuffix(name, "_FILE")
		known, ok := variables[plain]
		require.True(t, ok, "%s is none of the hub's", name)
		require.Equal(t, known.Secret, fromFile, "%s: secrets, and they alone, come from files", name)
		require.NotNil(t, value, name)
		require.NotEmpty(t, *value, name)
		said = append(said, plain)

		if fromFile {
			secret, ok := strings.CutPrefix(*value, "/run/secrets/")
			require.True(t, ok, name)
			require.True(t, slices.ContainsFunc(hub.Secrets, func(given types.ServiceSecretConfig) bool {
				return given.Source == secret && (given.Target == "" || given.Target == secret || given.Target == *value)
			}), "%s names a secret that the service is not given", name)
		}
	}
	for name, variable := range variables {
		if variable.Required || variable.Secret {
			require.Contains(t, said, name)
		}
	}
	require.Equal(t, *hub.Environment["PASSERELLE_JOURNEY"], hub.Configs[0].Target)
}

// Every secret is used, and lies where git and the image's build do not look.
func TestCompose_Secrets(t *testing.T) {
	t.Parallel()

	loaded := project(t)
	used := map[string]bool{}
	for _, service := range loaded.Services {
		for _, secret := range service.Secrets {
			used[secret.Source] = true
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(loaded.Secrets)), slices.Sorted(maps.Keys(used)))

	ignored := readLines(t, "../.gitignore")
	require.Contains(t, ignored, "/secrets/")
	require.Contains(t, ignored, "/.env")
	require.Contains(t, readLines(t, "../.dockerignore"), "*")
	for name, secret := range loaded.Secrets {
		require.Equal(t, filepath.Join(loaded.WorkingDir, "secrets", name), secret.File)
	}
}

func TestCompose_NamesWhatIsMissing(t *testing.T) {
	t.Parallel()

	for name := range dotEnv {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			environment := maps.Clone(dotEnv)
			delete(environment, name)
			_, err := load(t, environment)
			require.ErrorContains(t, err, name)
		})
	}
}

func TestDockerfile(t *testing.T) {
	t.Parallel()

	lines := readLines(t, "../Dockerfile")
	content := strings.Join(lines, "\n")
	require.Contains(t, content, "CGO_ENABLED=0 go build")
	require.Regexp(t, `(?m)^USER [1-9]\d*:[1-9]\d*$`, content)

	var stages []string
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "FROM" {
			continue
		}
		stages = append(stages, words[1])
		if words[1] != "scratch" {
			requirePinned(t, words[1])
		}
	}
	require.Equal(t, "scratch", stages[len(stages)-1])

	// The image is built with the Go that go.mod asks for.
	asked := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(strings.Join(readLines(t, "../go.mod"), "\n"))
	require.Contains(t, content, "ARG GO_VERSION="+asked[1])

	// What the build copies from its context is let through.
	let := readLines(t, "../.dockerignore")
	for _, needed := range []string{"go.mod", "go.sum", "cmd", "connectors", "internal", "jobs", "migrations"} {
		require.Contains(t, let, "!"+needed)
	}

	// The health check's program is in the image.
	hub := project(t).Services["hub"]
	require.Contains(t, content, " "+hub.HealthCheck.Test[1]+"\n")
}

// requirePinned wants a tag that names a version.
func requirePinned(t *testing.T, image string) {
	t.Helper()
	_, tag, found := strings.Cut(image, ":")
	require.True(t, found, "%s names no version", image)
	require.Regexp(t, `^(\d|\$\{GO_VERSION\})`, tag, image)
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.Split(string(content), "\n")
}
