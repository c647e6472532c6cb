package gitlab

import (
	"net/http"
	"time"
)

// Options says how a simulated GitLab is set up. The zero value is usable.
type Options struct {
	// Token is the API token of a first ordinary user, the program under test.
	// Without one, only the administrator "root" exists, and AddUser gives tokens.
	Token string
	// Username is the first user's name; "passerelle" by default.
	Username string
	// Admin makes the first user an administrator.
	Admin bool

	// Now is the clock; time.Now by default.
	Now func() time.Time
	// ExternalURL is GitLab's address in links, and in the X-Gitlab-Instance
	// header of webhooks. By default, where the first request came to.
	ExternalURL string
	// BasePath serves GitLab under a path, such as "/gitlab".
	BasePath string
	// Version is what GET /version answers.
	Version string

	// FaultSeed seeds the fault injector.
	FaultSeed uint64
	// SearchLag is how long a new text takes to be found by search.
	SearchLag time.Duration
	// Limits are requests per minute and user by operation, such as "GET /groups";
	// see DefaultLimits. None by default.
	Limits map[string]int

	// NewHashErrors words the errors of groups as GitLab on Ruby 3.4 does:
	// {path: [...]} instead of {:path=>[...]}.
	NewHashErrors bool
	// LegacyDeletion keeps the path of a project or group that is being deleted,
	// as GitLab did before it renamed them.
	LegacyDeletion bool

	// WebhookClient sends webhooks; by default one with GitLab's 10 s timeout.
	WebhookClient *http.Client
	// WebhookRetries are the pauses before a failed webhook is sent again, with
	// the same Idempotency-Key. None by default, as in GitLab.
	WebhookRetries []time.Duration
	// Dispatch decides when webhooks leave; see SetDispatch.
	Dispatch Dispatch
}

func (o Options) withDefaults() Options {
	if o.Username == "" {
		o.Username = "passerelle"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Version == "" {
		o.Version = "18.2.1"
	}
	if o.WebhookClient == nil {
		o.WebhookClient = &http.Client{Timeout: 10 * time.Second}
	}
	return o
}
