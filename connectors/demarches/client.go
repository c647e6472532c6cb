// Package demarches talks to Démarches Simplifiées (DS): it reads dossiers, writes
// messages to applicants, and understands DS's webhook. It hides DS's GraphQL, its
// errors and its limits.
package demarches

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hasura/go-graphql-client"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// DefaultTimeout bounds a call when Options names no other time. DS gives up on a
// query after 30 seconds itself.
const DefaultTimeout = 30 * time.Second

// Options says which DS to talk to, and in whose name.
type Options struct {
	// URL is the address of the instance, such as https://demarche.numerique.gouv.fr.
	URL string
	// Token is an API token made by an administrator of the démarche.
	Token string
	// Instructeur is the agent in whose name the hub writes: an e-mail address, or
	// DS's opaque id. Without it, everything that writes fails.
	Instructeur string
	// Timeout bounds each call, answer included; DefaultTimeout when zero.
	Timeout time.Duration
	// Transport carries the requests; a private clone of the default one when nil.
	Transport http.RoundTripper
	// UserAgent is how the hub names itself.
	UserAgent string
	// OnCall, if set, is told of each request: the operation's name, the answer's
	// HTTP status (0 when there was none) and the time it took.
	OnCall func(call string, status int, d time.Duration)
}

// Client talks to one DS instance. Its errors are all *connectors.Failure. It
// never repeats a call by itself. It is safe for concurrent use.
type Client struct {
	gql         *graphql.Client
	timeout     time.Duration
	token       string
	instructeur string
	onCall      func(call string, status int, d time.Duration)

	mu           sync.Mutex
	instructeurs map[int64]string // by démarche
	labels       map[int64]labels // by démarche
}

// New makes a client. It makes no request.
func New(o Options) (*Client, error) {
	endpoint, err := url.Parse(strings.TrimSpace(o.URL))
	if err != nil || endpoint.Host == "" || (endpoint.Scheme != "https" && endpoint.Scheme != "http") {
		return nil, errors.New("demarches: the address must look like https://demarche.numerique.gouv.fr")
	}
	if endpoint.User != nil || endpoint.RawQuery != "" || endpoint.Fragment != "" {
		return nil, errors.New("demarches: the address must be a plain one, without user, query or fragment")
	}
	token := strings.TrimSpace(o.Token)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("demarches: the token is missing, or holds characters that no token has")
	}
	if o.Timeout < 0 {
		return nil, errors.New("demarches: the timeout is negative")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	header := http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/json"}}
	if o.UserAgent != "" {
		header.Set("User-Agent", o.UserAgent)
	}
	web := &http.Client{
		Transport: connectors.NewTransport(o.Transport, header),
		// An API does not redirect. Following would repeat a mutation, or hand the
		// token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Client{
		// The library repeats nothing unless told to: its maximum of retries is 0.
		gql:          graphql.NewClient(endpoint.JoinPath("api/v2/graphql").String(), web),
		timeout:      o.Timeout,
		token:        token,
		instructeur:  strings.TrimSpace(o.Instructeur),
		onCall:       o.OnCall,
		instructeurs: map[int64]string{},
		labels:       map[int64]labels{},
	}, nil
}

// operation is one query or mutation about one thing.
type operation struct {
	name     string
	mutation bool
	// subject is what the call is about, for whoever reads an error.
	subject string
}

// run carries out op, once, and fills answer.
func (c *Client) run(ctx context.Context, op operation, answer any, variables map[string]any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ex := &connectors.Exchange{}
	started := time.Now()
	err := c.send(connectors.WithExchange(ctx, ex), op, answer, variables)
	if c.onCall != nil {
		c.onCall(op.name, ex.Status, time.Since(started))
	}
	if err != nil {
		return c.failure(op, ex, err)
	}
	return nil
}

// errUnreadable is an answer of a shape that no DS gives.
var errUnreadable = errors.New("unreadable answer")

func (c *Client) send(ctx context.Context, op operation, answer any, variables map[string]any) (err error) {
	// The library's decoder panics on some answers that are JSON but not what was
	// asked for, such as a list in place of an object.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errUnreadable, r)
		}
	}()
	name := graphql.OperationName(op.name)
	if op.mutation {
		return c.gql.Mutate(ctx, answer, variables, name)
	}
	return c.gql.Query(ctx, answer, variables, name)
}
