// Package config is what a deployment decides: addresses and secrets from the
// environment, the journey from a YAML file. Everything that is wrong is told at
// once.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

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
	// VerifyInterval is the time between two comparisons of the ledger with GitLab.
	VerifyInterval time.Duration
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
	values, problems := read(environ, wanted)
	config := &Config{}
	for _, v := range wanted {
		value, given := values[v.name]
		switch {
		case given && value.unreadable:
			continue // complained about already
		case !given && v.fallback != "":
			value.text = v.fallback
		case !given && v.optional:
			continue
		case !given:
			problems.add(v.name, "is not set", "set it to "+v.what+", or "+v.name+fileSuffix+" to a file that holds it")
			continue
		case value.text == "" && v.optional:
			continue // an empty file, as an empty variable
		case value.text == "":
			problems.add(value.from, "names an empty file", "let it hold "+v.what)
			continue
		}
		if err := v.set(config, value.text); err != nil {
			problems.addError(v.name, err, "set it to "+v.what)
		}
	}
	if len(problems.List) > 0 {
		return nil, problems
	}
	return config, nil
}

// fileSuffix makes of a variable's name that of the one that names a file instead.
const fileSuffix = "_FILE"

// maxValue bounds a file that a variable names, in bytes.
const maxValue = 64 << 10

// value is what a variable was set to, by itself or through a file.
type value struct {
	text, from string
	unreadable bool
}

// read collects the wanted variables, from the environment or from the files that it
// names, and complains about those of ours that do not exist.
func read(environ []string, wanted []variable) (map[string]value, *Problems) {
	values, problems := map[string]value{}, &Problems{}
	names := make([]string, 0, 2*len(variables))
	for _, v := range variables {
		names = append(names, v.name, v.name+fileSuffix)
	}
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || text == "" || serviceLink.MatchString(name) {
			continue
		}
		if !slices.Contains(names, name) {
			problems.add(name, "is not a variable of Passerelle", "remove it"+didYouMean(name, names))
			continue
		}
		target, isFile := strings.CutSuffix(name, fileSuffix)
		if !slices.ContainsFunc(wanted, func(v variable) bool { return v.name == target }) {
			continue
		}
		if other, twice := values[target]; twice {
			problems.add(name, "says the same as "+other.from, "keep one of the two")
			continue
		}
		given := value{text: text, from: name}
		if isFile {
			content, err := readFile(text, maxValue)
			if err != nil {
				problems.add(name, "its file cannot be read: "+err.Error(), "name a file that this user can read")
				given.unreadable = true
			}
			given.text = strings.TrimRight(string(content), "\r\n")
		}
		values[target] = given
	}
	return values, problems
}

// serviceLink matches the variables by which Kubernetes tells every container of the
// services beside it, which may well be called passerelle, or passerelle-something.
var serviceLink = regexp.MustCompile(`^PASSERELLE(_.*)?_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// readFile reads a file of at most so many bytes. Its errors do not say its name.
func readFile(name string, most int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, errors.New(reason(err))
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return nil, errors.New(reason(err))
	case int64(len(content)) > most:
		return nil, fmt.Errorf("it has more than %d bytes", most)
	}
	return content, nil
}

// variable is one variable of the environment.
type variable struct {
	name     string
	what     string // what to set it to
	fallback string
	optional bool
	secret   bool
	database bool // needed by commands that only work on the database
	set      func(*Config, string) error
}

// Variable is one variable of the environment, for those who document or check a
// deployment.
type Variable struct {
	Name string
	// What says what to set it to.
	What string
	// Default is what it is when it is not set; a variable without one is Required,
	// or what it is for is left out.
	Default          string
	Required, Secret bool
}

// Variables lists every variable. Each can also be given through a file, by its name
// and _FILE.
func Variables() []Variable {
	list := make([]Variable, 0, len(variables))
	for _, v := range variables {
		list = append(list, Variable{
			Name: v.name, What: v.what, Default: v.fallback, Required: v.fallback == "" && !v.optional, Secret: v.secret,
		})
	}
	return list
}

var variables = []variable{
	{
		name: "PASSERELLE_DATABASE_URL", what: "the database's address, such as postgres://passerelle:secret@127.0.0.1:5432/passerelle", secret: true, database: true,
		set: func(c *Config, v string) error { c.DatabaseURL = v; return checkDatabase(v) },
	},
	{
		name: "PASSERELLE_LISTEN", what: "an address to listen on, such as 127.0.0.1:8080", fallback: "127.0.0.1:8080",
		set: func(c *Config, v string) error { c.Listen = v; return checkListen(v) },
	},
	{
		name: "PASSERELLE_PUBLIC_URL", what: "the address under which people reach the hub, such as https://passerelle.example.org",
		set: webAddress(func(c *Config) *string { return &c.PublicURL }),
	},
	{
		name: "PASSERELLE_DS_URL", what: "the address of Démarches Simplifiées, without the path of its API, such as https://demarche.numerique.gouv.fr",
		set: webAddress(func(c *Config) *string { return &c.DSURL }),
	},
	{
		name: "PASSERELLE_DS_TOKEN", what: "an API token of the démarche's administrator, with the right to write", secret: true,
		set: token(func(c *Config) *string { return &c.DSToken }),
	},
	{
		name: "PASSERELLE_DS_INSTRUCTEUR", what: "the e-mail address, or the id, of the agent in whose name the hub writes",
		set: text(func(c *Config) *string { return &c.DSInstructeur }),
	},
	{
		name: "PASSERELLE_DS_WEBHOOK_SECRET", what: "a secret of at least 32 letters, digits, hyphens or underscores, the last part of the webhook's address", secret: true,
		set: func(c *Config, v string) error { c.DSWebhookSecret = v; return checkPathSecret(v) },
	},
	{
		name: "PASSERELLE_GITLAB_URL", what: "the address of GitLab, such as https://gitlab.example.org",
		set: webAddress(func(c *Config) *string { return &c.GitLabURL }),
	},
	{
		name: "PASSERELLE_GITLAB_TOKEN", what: "an access token with the scope api", secret: true,
		set: token(func(c *Config) *string { return &c.GitLabToken }),
	},
	{
		name: "PASSERELLE_GITLAB_ROOT_GROUP", what: "the full path of the group below which teams get theirs, such as programme/embarquement",
		set: fullPath(func(c *Config) *string { return &c.GitLabRootGroup }, 1),
	},
	{
		name: "PASSERELLE_GITLAB_TRACKING_PROJECT", what: "the full path of the project that holds the tracking issues, such as programme/suivi",
		set: fullPath(func(c *Config) *string { return &c.GitLabTrackingProject }, 2),
	},
	{
		name: "PASSERELLE_GITLAB_WEBHOOK_TOKEN", what: "the secret token of the tracking project's webhook, at least 32 characters", optional: true, secret: true,
		set: secret(func(c *Config) *string { return &c.GitLabWebhookToken }),
	},
	{
		name: "PASSERELLE_MARK_KEY", what: "a secret of at least 32 characters that never changes: it signs what the hub creates", secret: true,
		set: secret(func(c *Config) *string { return &c.MarkKey }),
	},
	{
		name: "PASSERELLE_ADMIN_TOKENS", what: "tokens as name:role:sha256, separated by commas or blanks; role is viewer, operator or admin", optional: true, secret: true,
		set: func(c *Config, v string) (err error) { c.AdminTokens, err = parseAdminTokens(v); return err },
	},
	{
		name: "PASSERELLE_JOURNEY", what: "the path of the journey file (YAML)",
		set: func(c *Config, v string) (err error) { c.Journey, err = loadJourney(v); return err },
	},
	{
		name: "PASSERELLE_LOG_LEVEL", what: "debug, info, warn or error", fallback: "info", database: true,
		set: func(c *Config, v string) error { return c.LogLevel.UnmarshalText([]byte(v)) },
	},
	{
		name: "PASSERELLE_LOG_FORMAT", what: "text or json", fallback: "text", database: true,
		set: func(c *Config, v string) error { c.LogFormat = v; return oneOf(v, "text", "json") },
	},
	{
		name: "PASSERELLE_CALL_TIMEOUT", what: "how long a call to DS or GitLab may take, from 1s to 2m", fallback: "30s",
		set: duration(func(c *Config) *time.Duration { return &c.CallTimeout }, time.Second, 2*time.Minute),
	},
	{
		name: "PASSERELLE_POLL_INTERVAL", what: "the time between two polls of a form, from 5s to 1h", fallback: "2m",
		set: duration(func(c *Config) *time.Duration { return &c.PollInterval }, 5*time.Second, time.Hour),
	},
	{
		name: "PASSERELLE_VERIFY_INTERVAL", what: "the time between two comparisons of the ledger with GitLab, from 1h to 720h", fallback: "24h",
		set: duration(func(c *Config) *time.Duration { return &c.VerifyInterval }, time.Hour, 720*time.Hour),
	},
	{
		name: "PASSERELLE_RETRY_CAP", what: "the longest delay between two attempts at a job, from 1s to 6h", fallback: "30m",
		set: duration(func(c *Config) *time.Duration { return &c.RetryCap }, time.Second, 6*time.Hour),
	},
	{
		name: "PASSERELLE_WORKERS", what: "how many jobs of each queue run at once, from 1 to 200", fallback: "20",
		set: number(func(c *Config, n int) { c.Workers = n }, 1, 200),
	},
	{
		name: "PASSERELLE_DATABASE_CONNECTIONS", what: "the most connections to the database, from 4 to 500", fallback: "20", database: true,
		set: number(func(c *Config, n int) { c.DatabaseConnections = int32(n) }, 4, 500),
	},
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return checkText(v)
	}
}

func checkText(v string) error {
	if strings.TrimSpace(v) != v || strings.ContainsFunc(v, unicode.IsControl) {
		return errors.New("has blanks around it, or more than one line")
	}
	return nil
}

// token takes what can stand in a header.
func token(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("holds a blank or a character that no token has")
		}
		return nil
	}
}

// webAddress takes addresses that paths can be added to.
func webAddress(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = strings.TrimRight(v, "/")
		u, err := url.Parse(v)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			return errors.New("is not an address that begins with https:// or http://") // it may hold a password
		case u.User != nil || u.RawQuery != "" || u.Fragment != "":
			return errors.New("holds more than a host and a path: a user, a query or a fragment")
		case strings.HasSuffix(u.Path, "/graphql") || strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/api/v4"):
			return errors.New("is the address of an API, which the hub finds by itself")
		}
		return nil
	}
}

func checkDatabase(v string) error {
	scheme, _, _ := strings.Cut(v, "://")
	if _, err := pgxpool.ParseConfig(v); err != nil || scheme != "postgres" && scheme != "postgresql" {
		return errors.New("is not the address of a PostgreSQL database, or has a part that its client does not take") // it may hold a password
	}
	return nil
}

func checkListen(v string) error {
	_, port, err := net.SplitHostPort(v)
	if number, wrong := strconv.Atoi(port); err != nil || wrong != nil || number < 0 || number > 65535 {
		return fmt.Errorf("%q is not a host and the number of a port", v)
	}
	return nil
}

func secret(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return errors.Join(checkText(v), checkSecret(v))
	}
}

func checkSecret(v string) error {
	if n := utf8.RuneCountInString(v); n < 32 {
		return fmt.Errorf("has %d characters, fewer than 32", n)
	}
	return nil
}

var pathSecret = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

func checkPathSecret(v string) error {
	if !pathSecret.MatchString(v) {
		return errors.New("holds a character that would have to be escaped in an address")
	}
	return checkSecret(v)
}

var gitlabPath = regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}_.-]*(/[\p{L}\p{N}_][\p{L}\p{N}_.-]*)*$`)

func fullPath(field func(*Config) *string, segments int) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		if strings.Count(v, "/")+1 < segments || !gitlabPath.MatchString(v) {
			return fmt.Errorf("%q is not a full path", v)
		}
		return nil
	}
}

// loadJourney notices a journey that was given in place of the path to it.
func loadJourney(v string) (*onboarding.Journey, error) {
	if strings.ContainsRune(v, '\n') {
		return nil, errors.New("is not a path: PASSERELLE_JOURNEY is the path of the journey, and PASSERELLE_JOURNEY_FILE that of a file that holds the path")
	}
	return LoadJourney(v)
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
		n, err := strconv.Atoi(v)
		if err != nil || n < lowest || n > highest {
			return fmt.Errorf("%q is not a number from %d to %d", v, lowest, highest)
		}
		set(c, n)
		return nil
	}
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)

// parseAdminTokens does not repeat a word of what it was given: any of them may be
// the token itself, put in the wrong place.
func parseAdminTokens(v string) ([]AdminToken, error) {
	var (
		tokens []AdminToken
		errs   []error
	)
	for i, word := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		token, what := parseAdminToken(word)
		switch {
		case what != "":
		case slices.ContainsFunc(tokens, func(t AdminToken) bool { return t.Name == token.Name }):
			what = "its name is taken by another"
		case slices.ContainsFunc(tokens, func(t AdminToken) bool { return t.SHA256 == token.SHA256 }):
			what = "it is the same token as another"
		default:
			tokens = append(tokens, token)
			continue
		}
		errs = append(errs, fmt.Errorf("token %d: %s", i+1, what))
	}
	return tokens, errors.Join(errs...)
}

func parseAdminToken(word string) (token AdminToken, what string) {
	parts := strings.Split(word, ":")
	if len(parts) != 3 {
		return token, "it is not of the form name:role:sha256"
	}
	token.Name, token.Role = parts[0], Role(parts[1])
	sum, err := hex.DecodeString(parts[2])
	switch {
	case !tokenName.MatchString(token.Name):
		return token, "its name is not made of 1 to 64 letters, digits, dots, hyphens, underscores or at signs"
	case !slices.Contains([]Role{Viewer, Operator, Admin}, token.Role):
		return token, "its second part is no role"
	case err != nil || len(sum) != sha256.Size:
		return token, "its last part is not a SHA-256 in 64 hexadecimal digits; printf %s TOKEN | sha256sum makes one"
	}
	token.SHA256 = [sha256.Size]byte(sum)
	if token.SHA256 == sha256.Sum256(nil) {
		return token, "its last part is the SHA-256 of nothing: whoever sends no token would have this one"
	}
	return token, ""
}

// NewAdminToken returns the entry for a token, of which it keeps the hash.
func NewAdminToken(name string, role Role, token string) AdminToken {
	return AdminToken{Name: name, Role: role, SHA256: sha256.Sum256([]byte(token))}
}

// Hex is the hash as PASSERELLE_ADMIN_TOKENS has it.
func (t AdminToken) Hex() string { return hex.EncodeToString(t.SHA256[:]) }
