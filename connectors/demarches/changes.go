package demarches

import (
	"context"
	"fmt"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// PageSize is the most nodes that DS gives in a page.
const PageSize = 100

// Cursor says where to read changes from. A catch-up starts with the times alone,
// and goes on with each page's Next.
//
// A page cursor is for one catch-up: DS sets a change's time before it commits, so
// that a slow transaction can appear behind a cursor that has passed. The next
// catch-up starts from times again, some minutes before the newest seen.
type Cursor struct {
	// Since is the oldest change asked for; zero asks from the beginning.
	Since time.Time `json:"since"`
	// RemovedSince is the oldest removal asked for. DS back-dates removals.
	RemovedSince time.Time `json:"removed_since"`
	// WithRemoved asks for removals too.
	WithRemoved bool `json:"with_removed"`
	// First is how many dossiers to ask for in a page, 100 when zero, which is the
	// most. Fewer get through where DS takes too long over 100.
	First int `json:"first"`

	// Where the previous page ended: in the changed dossiers, the deleted ones, and
	// those in the bin.
	After        string `json:"after"`
	DeletedAfter string `json:"deleted_after"`
	PendingAfter string `json:"pending_after"`
	// Which of the three lists are read to their end.
	DossiersDone bool `json:"dossiers_done"`
	DeletedDone  bool `json:"deleted_done"`
	PendingDone  bool `json:"pending_done"`
}

// Done reports whether everything that the cursor asks for is read.
func (c Cursor) Done() bool {
	return c.DossiersDone && (!c.WithRemoved || c.DeletedDone && c.PendingDone)
}

// Size is how many dossiers are asked for in a page.
func (c Cursor) Size() int {
	if c.First <= 0 || c.First > PageSize {
		return PageSize
	}
	return c.First
}

// Page is a part of the changes to a démarche's dossiers.
type Page struct {
	// Dossiers are the changed ones, oldest change first, with everything that
	// Client.Dossier reads.
	Dossiers []onboarding.Dossier
	// Removed are the dossiers deleted or in the bin.
	Removed []onboarding.Removal
	// HasMore tells that Next leads to more.
	HasMore bool
	Next    Cursor
	// Newest is the time of the newest change in Dossiers, zero when there is none.
	Newest time.Time
}

// isoTime is a time as DS's ISO8601DateTime takes it.
type isoTime string

// GetGraphQLType names the type in DS's schema.
func (isoTime) GetGraphQLType() string { return "ISO8601DateTime" }

// iso is t for DS. Without updatedSince DS orders by filing date, so that the zero
// time becomes the oldest one there is.
func iso(t time.Time) isoTime {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return isoTime(t.UTC().Format(time.RFC3339))
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

type removals struct {
	PageInfo pageInfo
	Nodes    []*struct {
		Number         int64
		Reason         string
		DateSupression time.Time // sic
	}
}

// Changes reads one page of what changed in a démarche since cur, in one request.
func (c *Client) Changes(ctx context.Context, demarche int64, cur Cursor) (Page, error) {
	op := operation{name: opChanges, subject: fmt.Sprintf("démarche %d", demarche)}
	withDossiers := !cur.DossiersDone
	withDeleted := cur.WithRemoved && !cur.DeletedDone
	withPending := cur.WithRemoved && !cur.PendingDone
	var answer struct {
		Demarche *struct {
			Dossiers *struct {
				PageInfo pageInfo
				Nodes    []*dossier
			} `graphql:"dossiers(first: $first, after: $after, updatedSince: $since) @include(if: $withDossiers)"`
			Deleted *removals `graphql:"deletedDossiers(first: 100, after: $deletedAfter, deletedSince: $removedSince) @include(if: $withDeleted)"`
			Pending *removals `graphql:"pendingDeletedDossiers(first: 100, after: $pendingAfter, deletedSince: $removedSince) @include(if: $withPending)"`
		} `graphql:"demarche(number: $demarche)"`
	}
	err := c.run(ctx, op, &answer, map[string]any{
		"demarche":     demarche,
		"first":        cur.Size(),
		"since":        iso(cur.Since),
		"removedSince": iso(cur.RemovedSince),
		"after":        optional(cur.After),
		"deletedAfter": optional(cur.DeletedAfter),
		"pendingAfter": optional(cur.PendingAfter),
		"withDossiers": withDossiers,
		"withDeleted":  withDeleted,
		"withPending":  withPending,
	})
	if err != nil {
		return Page{}, err
	}
	found := answer.Demarche
	if found == nil ||
		withDossiers != (found.Dossiers != nil) ||
		withDeleted != (found.Deleted != nil) ||
		withPending != (found.Pending != nil) {
		return Page{}, c.unreadable(op, errUnreadable)
	}

	page := Page{Next: cur}
	advance := func(info pageInfo, after *string, done *bool) error {
		if !info.HasNextPage {
			*done = true
			return nil
		}
		if info.EndCursor == "" || info.EndCursor == *after {
			return c.unreadable(op, fmt.Errorf("%w: more pages, but no way on to them", errUnreadable))
		}
		*after, page.HasMore = info.EndCursor, true
		return nil
	}
	if list := found.Dossiers; list != nil {
		for _, node := range list.Nodes {
			if node == nil { // hidden from this token
				continue
			}
			read := node.read()
			page.Dossiers = append(page.Dossiers, read)
			if read.UpdatedAt.After(page.Newest) {
				page.Newest = read.UpdatedAt
			}
		}
		if err := advance(list.PageInfo, &page.Next.After, &page.Next.DossiersDone); err != nil {
			return Page{}, err
		}
	}
	if list := found.Deleted; list != nil {
		page.Removed = append(page.Removed, list.read(true)...)
		if err := advance(list.PageInfo, &page.Next.DeletedAfter, &page.Next.DeletedDone); err != nil {
			return Page{}, err
		}
	}
	if list := found.Pending; list != nil {
		page.Removed = append(page.Removed, list.read(false)...)
		if err := advance(list.PageInfo, &page.Next.PendingAfter, &page.Next.PendingDone); err != nil {
			return Page{}, err
		}
	}
	return page, nil
}

func (r *removals) read(final bool) []onboarding.Removal {
	var read []onboarding.Removal
	for _, node := range r.Nodes {
		if node == nil {
			continue
		}
		read = append(read, onboarding.Removal{
			Number: node.Number,
			Reason: node.Reason,
			At:     node.DateSupression,
			Final:  final,
		})
	}
	return read
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
