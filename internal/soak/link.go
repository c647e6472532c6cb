package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// link is the network between the hubs and the database.
type link struct{ proxy *toxiproxy.Proxy }

func newLink(database string) (*link, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "postgres", "127.0.0.1:0", database)
	if err := proxy.Start(); err != nil {
		return nil, fmt.Errorf("open the link to the database: %w", err)
	}
	return &link{proxy}, nil
}

func (l *link) address() string { return l.proxy.Listen }

func (l *link) close() { l.proxy.Stop() }

// harm does one kind of harm to the link.
type harm struct {
	name string
	do   func(*link) error
	mend func(*link) error
}

var harms = []harm{
	{"slow", toxic(`{"type": "latency", "attributes": {"latency": 120, "jitter": 80}}`), remedy("latency_downstream")},
	{"silent", toxic(`{"type": "timeout", "attributes": {"timeout": 0}}`), remedy("timeout_downstream")},
	{"cut", func(l *link) error { l.proxy.Stop(); return nil }, func(l *link) error { return l.proxy.Start() }},
}

func toxic(text string) func(*link) error {
	return func(l *link) error {
		_, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(text))
		return err
	}
}

func remedy(name string) func(*link) error {
	return func(l *link) error { return l.proxy.Toxics.RemoveToxic(context.Background(), name) }
}
