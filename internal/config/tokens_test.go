package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
)

func TestAdminTokens(t *testing.T) {
	t.Parallel()

	t.Run("AreKnownByTheirHash", func(t *testing.T) {
		t.Parallel()
		variables := complete()
		variables["PASSERELLE_ADMIN_TOKENS"] = " anne:viewer:" + strings.ToUpper(sha256) + ", jean:admin:" + strings.Repeat("0a", 32) + ","
		c, err := config.FromEnvironment(environ(variables))
		require.NoError(t, err)
		require.Len(t, c.AdminTokens, 2)
		require.Equal(t, config.NewAdminToken("anne", config.Viewer, "s3cret"), c.AdminTokens[0])
		require.Equal(t, sha256, c.AdminTokens[0].Hex())
		require.Equal(t, config.Admin, c.AdminTokens[1].Role)
	})

	// Nothing of what was given is repeated: it may be the token, in the wrong place.
	for name, value := range map[string]string{
		"TheTokenAlone":     "s3cret",
		"InTheRolesPlace":   "anne:s3cret:viewer",
		"InTheNamesPlace":   "s3cret:viewer:anne",
		"InTheHashsPlace":   "anne:viewer:s3cret",
		"NotHexadecimal":    "anne:viewer:" + strings.Repeat("x", 64),
		"TooShort":          "anne:viewer:" + sha256[2:],
		"NoName":            ":viewer:" + sha256,
		"AStrangeName":      "an/ne:viewer:" + sha256,
		"TheHashOfNothing":  "anne:viewer:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"TwiceTheSameName":  "anne:viewer:" + sha256 + " anne:admin:" + strings.Repeat("0a", 32),
		"TwiceTheSameToken": "anne:viewer:" + sha256 + " jean:admin:" + sha256,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Len(t, problems(t, map[string]string{"PASSERELLE_ADMIN_TOKENS": value}), 1)
		})
	}

	t.Run("EachIsTold", func(t *testing.T) {
		t.Parallel()
		found := problems(t, map[string]string{"PASSERELLE_ADMIN_TOKENS": "a b:viewer:" + sha256 + " c:root:" + sha256})
		require.Len(t, found, 2)
		require.Contains(t, found[0].What, "token 1")
		require.Contains(t, found[1].What, "token 3")
	})
}

func TestRole_Allows(t *testing.T) {
	t.Parallel()
	order := []config.Role{config.Viewer, config.Operator, config.Admin}
	for i, role := range order {
		for j, other := range order {
			require.Equal(t, i >= j, role.Allows(other), "%s, %s", role, other)
		}
		require.False(t, config.Role("").Allows(role))
	}
}
