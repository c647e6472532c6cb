// Package config is what a deployment decides: addresses and secrets from the
// environment, the journey from a YAML file. Everything that is wrong is told at
// once.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// prefix begins the name of every variable of ours.
const prefix = "PASSERELLE_"

// Config is a deployment's configuration, complete and checked.
type Config struct {
	DatabaseURL string
	Listen      string
	PublicURL   string

	DSURL           string
	DSToken         string
	DSInstructeur   string
	DSWebhookSecret string

	GitLabURL             string
	GitLabToken           string
	GitLabRootGroup       string
	GitLabTrackingProject string
	GitLabWebhookToken    string

	MarkKey     string
	AdminTokens []AdminToken
	Journey     *onboarding.Journey

	LogLevel  slog.Level
	LogFormat string

	// CallTimeout bounds one call to DS or GitLab.
	CallTimeout time.Duration
	// PollInterval is the time between two polls of a form.
	PollInterval time.Duration
	// RetryCap bounds the delay between two attempts at a job.
	RetryCap time.Duration
	// Workers is how many jobs of each queue run at once in this process.
	Workers int
	// DatabaseConnections bounds the connections of this process to Postgres.
	DatabaseConnections int32
}

// AdminToken is a bearer token of the admin API, known by its hash alone.
type AdminToken struct {
	Name   string
	Role   Role
	SHA256 [sha256.Size]byte
}

// Role is what the bearer of a token may do.
type Role string

// The roles: a viewer reads, an operator replays too, an administrator may do all.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)

// Allows reports whether the role includes the other.
func (r Role) Allows(other Role) bool {
	order := []Role{Viewer, Operator, Admin}
	return slices.Index(order, r) >= slices.Index(order, other)
}

// FromEnvironment reads the whole configuration. The error is *Problems.
func FromEnvironment(environ []string) (*Config, error) {
	return load(environ, variables)
}

// DatabaseFromEnvironment reads what a command needs that only works on the
// database, and leaves the rest of the configuration alone.
func DatabaseFromEnvironment(environ []string) (*Config, error) {
	return load(environ, slices.DeleteFunc(slices.Clone(variables), func(v variable) bool { return !v.database }))
}

func load(environ []string, wanted []variable) (*Config, error) {
	values, problems := read(environ)
	config := &Config{}
	for _, v := range wanted {
		value, given := values[v.name]
		switch {
		case given && value == unreadable:
			continue // complained about already
		case !given && v.fallback != "":
			value = v.fallback
		case !given && v.optional:
			continue
		case !given:
			problems.add(v.name, "is not set", "set it to "+v.what+", or "+v.name+"_FILE to a file that holds it")
			continue
		}
		if err := v.set(config, value); err != nil {
			problems.addError(v.name, err, "set it to "+v.what)
		}
	}
	if len(problems.List) > 0 {
		return nil, problems
	}
	return config, nil
}

// unreadable stands for the content of a file that could not be read.
const unreadable = "\x00"

// read collects our variables, from the environment or from the files that it
// names, and complains about those that do not exist.
func read(environ []string) (map[string]string, *Problems) {
	values, problems := map[string]string{}, &Problems{}
	names := make([]string, 0, len(variables))
	for _, v := range variables {
		names = append(names, v.name)
	}
	from := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || value == "" {
			continue
		}
		target, isFile := strings.CutSuffix(name, "_FILE")
		switch {
		case slices.Contains(names, name):
			target = name
		case isFile && slices.Contains(names, target):
			content, err := os.ReadFile(value)
			if err != nil {
				problems.add(name, "its file cannot be read: "+reason(err), "name a file that this user can read")
				content = []byte(unreadable)
			}
			value = strings.TrimRight(string(content), "\r\n")
		default:
			problems.add(name, "is not a variable of Passerelle", "remove it"+didYouMean(name, names))
			continue
		}
		if other, twice := from[target]; twice {
			problems.add(name, "says the same as "+other, "keep one of the two")
			continue
		}
		from[target], values[target] = name, value
	}
	problems.sort()
	return values, problems
}

// variable is one variable of the environment.
type variable struct {
	name     string
	what     string // what to set it to
	fallback string
	optional bool
	database bool // needed by commands that only work on the database
	set      func(*Config, string) error
}

var variables = []variable{
	{name: "PASSERELLE_DATABASE_URL", what: "the database's address, such as postgres://passerelle:secret@127.0.0.1:5432/passerelle", database: true,
		set: func(c *Config, v string) error { c.DatabaseURL = v; return checkURL(v, "postgres", "postgresql") }},
	{name: "PASSERELLE_LISTEN", what: "an address to listen on, such as 127.0.0.1:8080", fallback: "127.0.0.1:8080",
		set: func(c *Config, v string) error { c.Listen = v; return checkListen(v) }},
	{name: "PASSERELLE_PUBLIC_URL", what: "the address under which people reach the hub, such as https://passerelle.example.org",
		set: webAddress(func(c *Config) *string { return &c.PublicURL })},
	{name: "PASSERELLE_DS_URL", what: "the address of Démarches Simplifiées, such as https://demarche.numerique.gouv.fr",
		set: webAddress(func(c *Config) *string { return &c.DSURL })},
	{name: "PASSERELLE_DS_TOKEN", what: "an API token of the démarche's administrator, with the right to write",
		set: text(func(c *Config) *string { return &c.DSToken })},
	{name: "PASSERELLE_DS_INSTRUCTEUR", what: "the e-mail address, or the id, of the agent in whose name the hub writes",
		set: text(func(c *Config) *string { return &c.DSInstructeur })},
	{name: "PASSERELLE_DS_WEBHOOK_SECRET", what: "a secret of at least 32 letters, digits, hyphens or underscores, the last part of the webhook's address",
		set: func(c *Config, v string) error { c.DSWebhookSecret = v; return checkPathSecret(v) }},
	{name: "PASSERELLE_GITLAB_URL", what: "the address of GitLab, such as https://gitlab.example.org",
		set: webAddress(func(c *Config) *string { return &c.GitLabURL })},
	{name: "PASSERELLE_GITLAB_TOKEN", what: "an access token with the scope api",
		set: text(func(c *Config) *string { return &c.GitLabToken })},
	{name: "PASSERELLE_GITLAB_ROOT_GROUP", what: "the full path of the group below which teams get theirs, such as programme/embarquement",
		set: fullPath(func(c *Config) *string { return &c.GitLabRootGroup }, 1)},
	{name: "PASSERELLE_GITLAB_TRACKING_PROJECT", what: "the full path of the project that holds the tracking issues, such as programme/suivi",
		set: fullPath(func(c *Config) *string { return &c.GitLabTrackingProject }, 2)},
	{name: "PASSERELLE_GITLAB_WEBHOOK_TOKEN", what: "the secret token of the tracking project's webhook, at least 32 characters", optional: true,
		set: func(c *Config, v string) error { c.GitLabWebhookToken = v; return checkSecret(v) }},
	{name: "PASSERELLE_MARK_KEY", what: "a secret of at least 32 characters that never changes: it signs what the hub creates",
		set: func(c *Config, v string) error { c.MarkKey = v; return checkSecret(v) }},
	{name: "PASSERELLE_ADMIN_TOKENS", what: "tokens as name:role:sha256, separated by commas or blanks; role is viewer, operator or admin", optional: true,
		set: func(c *Config, v string) (err error) { c.AdminTokens, err = parseAdminTokens(v); return err }},
	{name: "PASSERELLE_JOURNEY", what: "the path of the journey file (YAML)",
		set: func(c *Config, v string) (err error) { c.Journey, err = LoadJourney(v); return err }},
	{name: "PASSERELLE_LOG_LEVEL", what: "debug, info, warn or error", fallback: "info", database: true,
		set: func(c *Config, v string) error { return c.LogLevel.UnmarshalText([]byte(v)) }},
	{name: "PASSERELLE_LOG_FORMAT", what: "text or json", fallback: "text", database: true,
		set: func(c *Config, v string) error { c.LogFormat = v; return oneOf(v, "text", "json") }},
	{name: "PASSERELLE_CALL_TIMEOUT", what: "how long a call to DS or GitLab may take, from 1s to 2m", fallback: "30s",
		set: duration(func(c *Config) *time.Duration { return &c.CallTimeout }, time.Second, 2*time.Minute)},
	{name: "PASSERELLE_POLL_INTERVAL", what: "the time between two polls of a form, from 5s to 1h", fallback: "2m",
		set: duration(func(c *Config) *time.Duration { return &c.PollInterval }, 5*time.Second, time.Hour)},
	{name: "PASSERELLE_RETRY_CAP", what: "the longest delay between two attempts at a job, from 1s to 6h", fallback: "30m",
		set: duration(func(c *Config) *time.Duration { return &c.RetryCap }, time.Second, 6*time.Hour)},
	{name: "PASSERELLE_WORKERS", what: "how many jobs of each queue run at once, from 1 to 200", fallback: "20",
		set: number(func(c *Config, n int) { c.Workers = n }, 1, 200)},
	{name: "PASSERELLE_DATABASE_CONNECTIONS", what: "the most connections to the database, from 4 to 500", fallback: "20", database: true,
		set: number(func(c *Config, n int) { c.DatabaseConnections = int32(n) }, 4, 500)}, //nolint:gosec // at most 500
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if strings.TrimSpace(v) != v || strings.ContainsAny(v, "\r\n") {
			return fmt.Errorf("has blanks around it, or more than one line")
		}
		*field(c) = v
		return nil
	}
}

func webAddress(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = strings.TrimRight(v, "/")
		return checkURL(v, "http", "https")
	}
}

func checkURL(v string, schemes ...string) error {
	u, err := url.Parse(v)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" && u.Query().Get("host") == "" {
		return fmt.Errorf("is not an address that begins with %s://", schemes[0]) // the value may hold a password
	}
	return nil
}

func checkListen(v string) error {
	if _, port, err := net.SplitHostPort(v); err != nil || port == "" {
		return fmt.Errorf("%q is not a host and a port", v)
	}
	return nil
}

func checkSecret(v string) error {
	if len(v) < 32 {
		return fmt.Errorf("has %d characters, fewer than 32", len(v))
	}
	return nil
}

func checkPathSecret(v string) error {
	for _, r := range v {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return fmt.Errorf("holds a character that would have to be escaped in an address")
		}
	}
	return checkSecret(v)
}

func fullPath(field func(*Config) *string, segments int) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		parts := strings.Split(v, "/")
		if len(parts) < segments || slices.Contains(parts, "") || strings.ContainsAny(v, " :?#") {
			return fmt.Errorf("%q is not a full path", v)
		}
		return nil
	}
}

func oneOf(v string, choices ...string) error {
	if !slices.Contains(choices, v) {
		return fmt.Errorf("%q is none of %s", v, strings.Join(choices, ", "))
	}
	return nil
}

func duration(field func(*Config) *time.Duration, lowest, highest time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < lowest || d > highest {
			return fmt.Errorf("%q is not a duration from %s to %s", v, lowest, highest)
		}
		*field(c) = d
		return nil
	}
}

func number(set func(*Config, int), lowest, highest int) func(*Config, string) error {
	return func(c *Config, v string) error {
		var n int
		if _, err := fmt.Sscanf(v+"\n", "%d\n", &n); err != nil || n < lowest || n > highest {
			return fmt.Errorf("%q is not a number from %d to %d", v, lowest, highest)
		}
		set(c, n)
		return nil
	}
}

func parseAdminTokens(v string) ([]AdminToken, error) {
	var tokens []AdminToken
	for i, word := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		parts := strings.Split(word, ":")
		if len(parts) != 3 || parts[0] == "" {
			return nil, fmt.Errorf("token %d is not of the form name:role:sha256", i+1)
		}
		role := Role(parts[1])
		if !slices.Contains([]Role{Viewer, Operator, Admin}, role) {
			return nil, fmt.Errorf("token %d (%s): %q is no role", i+1, parts[0], parts[1])
		}
		sum, err := hex.DecodeString(parts[2])
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("token %d (%s): its last part is not a SHA-256 in 64 hexadecimal digits; printf %%s TOKEN | sha256sum makes one", i+1, parts[0])
		}
		if slices.ContainsFunc(tokens, func(t AdminToken) bool { return t.Name == parts[0] }) {
			return nil, fmt.Errorf("token %d: the name %s is taken by another", i+1, parts[0])
		}
		tokens = append(tokens, AdminToken{Name: parts[0], Role: role, SHA256: [sha256.Size]byte(sum)})
	}
	return tokens, nil
}

// NewAdminToken returns the entry for a token, of which it keeps the hash.
func NewAdminToken(name string, role Role, token string) AdminToken {
	return AdminToken{Name: name, Role: role, SHA256: sha256.Sum256([]byte(token))}
}
