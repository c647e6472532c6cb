// Package gitlab talks to GitLab: groups, projects, files, members, issues and
// notes. It hides GitLab's API, its errors and its limits, and the library that
// speaks to it: github.com/xanzy/go-gitlab is archived, and the move to its
// successor ends at this folder.
package gitlab

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gl "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// DefaultTimeout bounds a call when Options names no other time.
const DefaultTimeout = 15 * time.Second

// Options says which GitLab to talk to.
type Options struct {
	// URL is the address of the instance, with its path prefix if it has one.
	URL string
	// Token is a personal, group or project access token with the scope api.
	Token string
	// Timeout bounds each call, answer included; DefaultTimeout when zero.
	Timeout time.Duration
	// Transport carries the requests; a private clone of the default one when nil.
	Transport http.RoundTripper
	// UserAgent is how the hub names itself.
	UserAgent string
	// OnCall, if set, is told of each request: what it was for, the answer's HTTP
	// status (0 when there was none) and the time it took.
	OnCall func(call string, status int, d time.Duration)
}

// Client talks to one GitLab. Its errors are all *connectors.Failure. It never
// repeats a call by itself. It is safe for concurrent use.
type Client struct {
	api     *gl.Client //nolint:staticcheck // archived, and confined to this folder
	timeout time.Duration
	token   string
	onCall  func(call string, status int, d time.Duration)

	mu   sync.Mutex
	user int64 // whose token it is, 0 until asked for
}

// New makes a client. It makes no request.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimSpace(o.URL))
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, errors.New("gitlab: the address must look like https://gitlab.example.fr")
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("gitlab: the address must be a plain one, without user, query or fragment")
	}
	token := strings.TrimSpace(o.Token)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("gitlab: the token is missing, or holds characters that no token has")
	}
	if o.Timeout < 0 {
		return nil, errors.New("gitlab: the timeout is negative")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	api, err := gl.NewClient(token, //nolint:staticcheck // archived, and confined to this folder
		gl.WithBaseURL(strings.TrimRight(base.String(), "/")),
		// By itself the library sends a POST again after a 429 or a 5xx.
		gl.WithoutRetries(),
		// Its own limiter sets itself from the first answer's headers and then
		// makes calls wait without a word.
		gl.WithCustomLimiter(unlimited{}),
		gl.WithHTTPClient(&http.Client{
			Transport:     connectors.NewTransport(o.Transport, nil),
			CheckRedirect: redirect,
		}),
	)
	if err != nil {
		return nil, errors.New("gitlab: the address cannot be used")
	}
	if o.UserAgent != "" {
		api.UserAgent = o.UserAgent
	}
	return &Client{api: api, timeout: o.Timeout, token: token, onCall: o.OnCall}, nil
}

// unlimited lets every call through: how fast to go is the caller's business.
type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

// redirect follows GitLab from the old path of a moved group or project to where
// it is now, for reading, within the same API. Anything else would repeat a change
// as a GET, or hand the token to somebody else: net/http drops Authorization on the
// way to another host, but not PRIVATE-TOKEN.
func redirect(next *http.Request, via []*http.Request) error {
	first := via[0]
	prefix, _, found := strings.Cut(first.URL.Path, "/api/v4/")
	if first.Method == http.MethodGet && len(via) <= 3 && found &&
		next.URL.Scheme == first.URL.Scheme && next.URL.Host == first.URL.Host &&
		strings.HasPrefix(next.URL.Path, prefix+"/api/v4/") {
		return nil
	}
	return http.ErrUseLastResponse
}

// operation is one call about one thing.
type operation struct {
	name, method string
	// subject is what the call is about, for whoever reads an error.
	subject string
}

// call carries out op, once, and fills answer.
//
// The answers' types are this package's own, with the few fields that it needs:
// the library's name every field there is, and one whose type a newer GitLab
// changes makes the whole answer unreadable.
func (c *Client) call(ctx context.Context, op operation, path string, options, answer any) (*gl.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ex := &connectors.Exchange{}
	started := time.Now()
	var resp *gl.Response
	req, err := c.api.NewRequest(op.method, path, options, []gl.RequestOptionFunc{gl.WithContext(connectors.WithExchange(ctx, ex))})
	if err == nil {
		resp, err = c.api.Do(req, answer)
	}
	if c.onCall != nil {
		c.onCall(op.name, ex.Status, time.Since(started))
	}
	if err != nil {
		return nil, c.failure(op, ex, err)
	}
	return resp, nil
}

// IsSelf reports whether a user is the one whose token it is, as far as Self was asked.
func (c *Client) IsSelf(user int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return user != 0 && user == c.user
}

// Self is the number of the user whose token it is, asked for once.
func (c *Client) Self(ctx context.Context) (int64, error) {
	c.mu.Lock()
	id := c.user
	c.mu.Unlock()
	if id != 0 {
		return id, nil
	}
	op := operation{name: "read current user", method: http.MethodGet}
	var answer struct {
		ID int64 `json:"id"`
	}
	if _, err := c.call(ctx, op, "user", nil, &answer); err != nil {
		return 0, err
	}
	if answer.ID == 0 {
		return 0, c.unreadable(op, nil)
	}
	c.mu.Lock()
	c.user = answer.ID
	c.mu.Unlock()
	return answer.ID, nil
}
