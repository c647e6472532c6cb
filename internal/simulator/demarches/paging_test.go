package demarches_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

// list returns the numbers on one page, and its pageInfo.
func (b *bundle) list(connection string, variables map[string]any) ([]int, map[string]any) {
	b.t.Helper()
	declared := []string{"$no: Boolean = false"} // a list must not be empty
	for name, typeName := range map[string]string{"after": "String", "since": "ISO8601DateTime"} {
		if _, used := variables[name]; used {
			declared = append(declared, "$"+name+": "+typeName)
		}
	}
	query := `query q(` + strings.Join(declared, ", ") + `) { demarche(number: 42) { number @skip(if: $no) list: ` + connection + ` {
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { number } edges { cursor node { number } } } } }`
	list := at(b.query(query, variables), "demarche", "list")
	numbers := []int{}
	for i, n := range at(list, "nodes").([]any) {
		numbers = append(numbers, int(at(n, "number").(float64)))
		require.Equal(b.t, at(n, "number"), at(list, "edges", i, "node", "number"))
	}
	return numbers, at(list, "pageInfo").(map[string]any)
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)

	numbers, info := b.list(`dossiers(first: 10)`, nil)
	require.Empty(t, numbers)
	require.Nil(t, info["endCursor"])
	require.Equal(t, false, info["hasNextPage"])

	for range 250 {
		b.file(demarches.WithoutWebhook())
		b.clock.advance(time.Millisecond) // several within each second
	}
	seen, pages := []int{}, 0
	var after any
	for next := true; next; pages++ {
		numbers, info = b.list(`dossiers(first: 1000, after: $after)`, map[string]any{"after": after})
		seen, after, next = append(seen, numbers...), info["endCursor"], info["hasNextPage"].(bool)
	}
	require.Equal(t, 3, pages, "a page has at most 100 nodes, whatever was asked")
	require.Len(t, seen, 250)
	for i, n := range seen {
		require.Equal(t, 1001+i, n)
	}

	numbers, info = b.list(`dossiers(last: 2)`, nil)
	require.Equal(t, []int{1249, 1250}, numbers)
	require.Equal(t, true, info["hasPreviousPage"])
	numbers, _ = b.list(`dossiers(first: 2, order: DESC)`, nil)
	require.Equal(t, []int{1249, 1250}, numbers, "the last ones, in ascending order")
	numbers, _ = b.list(`dossiers(first: 1, order: null)`, nil)
	require.Equal(t, []int{1001}, numbers)
	require.NoError(t, b.StartInstruction(1007))
	numbers, _ = b.list(`dossiers(state: en_instruction)`, nil)
	require.Equal(t, []int{1007}, numbers)
	numbers, _ = b.list(`dossiers(archived: true)`, nil)
	require.Empty(t, numbers)
	numbers, _ = b.list(`dossiers(createdSince: $since)`, map[string]any{"since": "2026-11-23T10:15:30.370Z"})
	require.Equal(t, []int{1248, 1249, 1250}, numbers)
}

// Changes are followed by (updated_at, id), which is not the order of filing.
func TestUpdatedSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all []int
	for range 5 {
		all = append(all, b.file())
	}
	b.clock.advance(time.Minute)
	since := b.clock.time().Format(time.RFC3339)
	require.NoError(t, b.StartInstruction(all[3]))
	require.NoError(t, b.Edit(all[1], demarches.Answers{demarches.FieldCPU: 8.0}))

	numbers, info := b.list(`dossiers(updatedSince: $since, first: 1)`, map[string]any{"since": since})
	require.Equal(t, []int{all[1]}, numbers, "of the same time, the smaller number comes first")
	require.Equal(t, true, info["hasNextPage"])
	numbers, info = b.list(`dossiers(updatedSince: $since, first: 1, after: $after)`,
		map[string]any{"since": since, "after": info["endCursor"]})
	require.Equal(t, []int{all[3]}, numbers)
	require.Equal(t, false, info["hasNextPage"])

	numbers, _ = b.list(`dossiers(updatedSince: $since)`, map[string]any{"since": "2026-11-24"})
	require.Empty(t, numbers)
	numbers, _ = b.list(`dossiers`, nil)
	require.Equal(t, all, numbers, "by date of filing")
}

// A walk with any page size sees everything once, in order, whatever happened before.
func TestWalkSeesEverythingOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		c := &clock{now: monday}
		s := demarches.New(demarches.Options{
			Token: token, Clock: c.time, Demarches: []demarches.Demarche{{Form: demarches.Form{
				Number: form, Fields: []demarches.Field{{StableID: 1, Type: demarches.Text}},
			}}},
		})
		defer s.Close()
		present := map[int]bool{}
		for _, act := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 60).Draw(r, "acts") {
			if act > 3 {
				c.advance(time.Duration(act-3) * time.Second)
			}
			if act == 0 || len(present) == 0 {
				n, err := s.File(form, demarches.Application{})
				require.NoError(r, err)
				present[n] = true
				continue
			}
			n := 1001 + rapid.IntRange(0, len(s.Dossiers())-1).Draw(r, "dossier")
			switch act {
			case 1:
				_ = s.Edit(n, demarches.Answers{1: "x"})
			case 2:
				if s.Delete(n) == nil {
					delete(present, n)
				}
			case 3:
				if s.Restore(n) == nil {
					present[n] = true
				}
			default:
				_ = s.StartInstruction(n)
			}
		}
		b := &bundle{Server: s, t: t}
		size := rapid.IntRange(1, 7).Draw(r, "page")
		for _, since := range []string{"", "updatedSince: \"2026-11-01T00:00:00Z\","} {
			seen := map[int]bool{}
			var after any
			for next := true; next; {
				data := b.direct(fmt.Sprintf(
					`query($after: String) { demarche(number: 42) { dossiers(%s first: %d, after: $after) {
					pageInfo { hasNextPage endCursor } nodes { number } } } }`, since, size), map[string]any{"after": after})
				for _, node := range at(data, "demarche", "dossiers", "nodes").([]any) {
					n := int(at(node, "number").(float64))
					require.False(r, seen[n], "%d came twice", n)
					seen[n] = true
				}
				after = at(data, "demarche", "dossiers", "pageInfo", "endCursor")
				next = at(data, "demarche", "dossiers", "pageInfo", "hasNextPage").(bool)
			}
			require.Equal(r, present, seen)
		}
	})
}

func TestDeletions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	visible := func(number int) bool {
		r := b.ask(token, fmt.Sprintf("{ dossier(number: %d) { id } }", number), nil)
		require.Contains(t, []string{"", "not_found"}, r.code())
		numbers, _ := b.list("dossiers", nil)
		found := false
		for _, n := range numbers {
			found = found || n == number
		}
		require.Equal(t, found, r.code() == "")
		return found
	}
	deletions := func(list string) []any {
		return at(b.query(`{ demarche(number: 42) { l: `+list+` { nodes { number reason dateSupression state } } } }`, nil),
			"demarche", "l", "nodes").([]any)
	}
	number := b.file()
	b.clock.advance(time.Hour)

	require.NoError(t, b.Delete(number))
	require.False(t, visible(number))
	require.Len(t, deletions("pendingDeletedDossiers"), 1)
	require.Empty(t, deletions("deletedDossiers"))

	require.NoError(t, b.Restore(number))
	require.True(t, visible(number))
	require.Empty(t, deletions("pendingDeletedDossiers"))

	require.NoError(t, b.Delete(number))
	b.clock.advance(24 * time.Hour)
	require.NoError(t, b.Purge(number))
	require.False(t, visible(number))
	require.Empty(t, deletions("pendingDeletedDossiers"))
	require.Equal(t, []any{map[string]any{
		"number": float64(number), "reason": "user_request", "state": "en_construction",
		"dateSupression": "2026-11-23T12:15:30+01:00",
	}}, deletions("deletedDossiers"), "dated back to the day it was hidden")
	numbers, _ := b.list("deletedDossiers(deletedSince: $since)", map[string]any{"since": "2026-11-24T00:00:00Z"})
	require.Empty(t, numbers)
	require.ErrorIs(t, b.Restore(number), demarches.ErrNotFound)

	expired := b.file()
	require.NoError(t, b.Expire(expired))
	require.False(t, visible(expired))
	require.Empty(t, deletions("pendingDeletedDossiers"))
	require.Len(t, deletions("deletedDossiers"), 1, "in no list yet")
	view, _ := b.Dossier(expired)
	require.Equal(t, demarches.Expired, view.Presence)
	require.NoError(t, b.Purge(expired))
	require.Equal(t, "expired", at(deletions("deletedDossiers"), 1, "reason"))

	underWay := b.file()
	require.NoError(t, b.StartInstruction(underWay))
	require.Error(t, b.Delete(underWay))
	require.NoError(t, b.Refuse(underWay, "Non"))
	require.NoError(t, b.Delete(underWay))
	require.Equal(t, "instructeur_request", at(deletions("pendingDeletedDossiers"), 0, "reason"))
}
