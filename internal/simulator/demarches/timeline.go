package demarches

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxPage is the most nodes that one page holds, and how many it holds if nothing is asked.
const maxPage = 100

// key orders dossiers: by a date, then by number.
type key struct {
	at     int64 // microseconds, as in DS's database
	number int
}

func keyAt(t time.Time, number int) key { return key{t.UnixMicro(), number} }

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.number, b.number))
}

// cursor encodes the date and the number, as DS does.
func (k key) cursor() string {
	text := time.UnixMicro(k.at).UTC().Format("2006-01-02T15:04:05.000000000Z") + ";" + strconv.Itoa(k.number)
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func parseCursor(cursor string) (key, error) {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(cursor, "="))
	at, number, _ := strings.Cut(string(text), ";")
	t, errTime := time.Parse(time.RFC3339Nano, at)
	n, errNumber := strconv.Atoi(number)
	if err != nil || errTime != nil || errNumber != nil {
		return key{}, &apiError{code: "bad_request", message: fmt.Sprintf("Invalid cursor %q", cursor)}
	}
	return keyAt(t, n), nil
}

// timeline is a list that stays sorted while dossiers come, move and go: a page is
// found by bisection, whatever the number of dossiers.
type timeline []key

func (l *timeline) add(k key) {
	i, found := slices.BinarySearchFunc(*l, k, compareKeys)
	if !found {
		*l = slices.Insert(*l, i, k)
	}
}

func (l *timeline) remove(k key) {
	if i, found := slices.BinarySearchFunc(*l, k, compareKeys); found {
		*l = slices.Delete(*l, i, i+1)
	}
}

// window is a connection's paging arguments.
type window struct {
	After, Before *string
	First, Last   *int32
	Order         order
}

// span is one page of a timeline.
type span struct {
	keys             []key
	previous, follow bool
}

// page returns the keys of one page among those not before since that keep lets
// through. It follows DS's CursorConnection, oddities included: whether there is a
// previous page is taken from the arguments where that spares a query.
func (l timeline) page(w window, since time.Time, keep func(number int) bool) (span, error) {
	if err := w.check(); err != nil {
		return span{}, err
	}
	first, last := w.First, w.Last
	if w.Order == "DESC" {
		if last != nil {
			first, last = last, nil
		} else {
			last, first = orDefault(first), nil
		}
	}
	size := maxPage
	if n := cmp.Or(first, last); n != nil {
		size = min(int(*n), maxPage)
	}
	inverted := last != nil || w.Before != nil

	low, high := 0, len(l)
	if !since.IsZero() {
		low, _ = slices.BinarySearchFunc(l, key{at: since.UnixMicro()}, compareKeys)
	}
	switch {
	case w.Before != nil:
		k, err := parseCursor(*w.Before)
		if err != nil {
			return span{}, err
		}
		high, _ = slices.BinarySearchFunc(l, k, compareKeys)
	case w.After != nil:
		k, err := parseCursor(*w.After)
		if err != nil {
			return span{}, err
		}
		i, found := slices.BinarySearchFunc(l, k, compareKeys)
		if found {
			i++
		}
		low = max(low, i)
	}

	var keys []key
	for n := range max(high-low, 0) {
		k := l[low+n]
		if inverted {
			k = l[high-1-n]
		}
		if keep(k.number) {
			keys = append(keys, k)
		}
		if len(keys) > size {
			break
		}
	}
	more := len(keys) > size
	keys = keys[:min(size, len(keys))]
	if inverted {
		slices.Reverse(keys)
	}
	return span{
		keys:     keys,
		previous: w.After != nil || (more && inverted),
		follow:   w.Before != nil || (more && !inverted),
	}, nil
}

func orDefault(n *int32) *int32 {
	if n != nil {
		return n
	}
	size := int32(maxPage)
	return &size
}

func (w window) check() error {
	var problem string
	switch {
	case w.First != nil && w.Last != nil:
		problem = `Arguments "first" and "last" are exclusive`
	case w.Before != nil && w.After != nil:
		problem = `Arguments "before" and "after" are exclusive`
	case w.First != nil && *w.First < 0:
		problem = `Argument "first" must be a non-negative integer`
	case w.Last != nil && *w.Last < 0:
		problem = `Argument "last" must be a non-negative integer`
	default:
		return nil
	}
	return &apiError{code: "bad_request", message: problem}
}
