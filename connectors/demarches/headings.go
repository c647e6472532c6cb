package demarches

import (
	"context"
	"fmt"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Heading is the little of a dossier that DS can give even when it fails to give the
// rest, and that tells whether there is news of it.
type Heading struct {
	Number    int64
	State     onboarding.State
	UpdatedAt time.Time
	// After is the page cursor that leads on behind this dossier.
	After string
}

// HeadingPage is a part of the headings of a démarche.
type HeadingPage struct {
	Headings []Heading
	// HasMore tells that After leads to more.
	HasMore bool
	After   string
}

// Headings reads what Changes reads at the same place, in the same order: the
// headings of the dossiers alone, with at most cur.First of them.
func (c *Client) Headings(ctx context.Context, demarche int64, cur Cursor) (HeadingPage, error) {
	op := operation{name: opHeadings, subject: fmt.Sprintf("démarche %d", demarche)}
	var answer struct {
		Demarche *struct {
			Dossiers *struct {
				PageInfo pageInfo
				Edges    edges
			} `graphql:"dossiers(first: $first, after: $after, updatedSince: $since)"`
		} `graphql:"demarche(number: $demarche)"`
	}
	err := c.run(ctx, op, &answer, map[string]any{
		"demarche": demarche,
		"first":    cur.Size(),
		"since":    iso(cur.Since),
		"after":    optional(cur.After),
	})
	if err != nil {
		return HeadingPage{}, err
	}
	if answer.Demarche == nil || answer.Demarche.Dossiers == nil {
		return HeadingPage{}, c.unreadable(op, errUnreadable)
	}
	list := answer.Demarche.Dossiers
	page := HeadingPage{HasMore: list.PageInfo.HasNextPage, After: list.PageInfo.EndCursor}
	if page.HasMore && (page.After == "" || page.After == cur.After) {
		return HeadingPage{}, c.unreadable(op, fmt.Errorf("%w: more pages, but no way on to them", errUnreadable))
	}
	page.Headings = list.Edges.read()
	return page, nil
}

// Newest reads the heading of the dossier that Headings and Changes give last; ok is
// false when there is none.
func (c *Client) Newest(ctx context.Context, demarche int64, since time.Time) (newest Heading, ok bool, err error) {
	op := operation{name: opNewest, subject: fmt.Sprintf("démarche %d", demarche)}
	var answer struct {
		Demarche *struct {
			Dossiers *struct {
				Edges edges
			} `graphql:"dossiers(last: 1, updatedSince: $since)"`
		} `graphql:"demarche(number: $demarche)"`
	}
	if err := c.run(ctx, op, &answer, map[string]any{"demarche": demarche, "since": iso(since)}); err != nil {
		return Heading{}, false, err
	}
	if answer.Demarche == nil || answer.Demarche.Dossiers == nil {
		return Heading{}, false, c.unreadable(op, errUnreadable)
	}
	for _, newest = range answer.Demarche.Dossiers.Edges.read() {
		ok = true
	}
	return newest, ok, nil
}

type edges []*struct {
	Cursor string
	Node   *struct {
		Number                   int64
		State                    onboarding.State
		DateDerniereModification time.Time
	}
}

func (e edges) read() []Heading {
	var headings []Heading
	for _, edge := range e {
		if edge == nil || edge.Node == nil { // hidden from this token
			continue
		}
		headings = append(headings, Heading{
			Number: edge.Node.Number, State: edge.Node.State, UpdatedAt: edge.Node.DateDerniereModification, After: edge.Cursor,
		})
	}
	return headings
}
