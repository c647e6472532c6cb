package gitlab

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPerPage = 20
	maxPerPage     = 100
	// maxCounted is the longest list that GitLab counts: beyond it, X-Total,
	// X-Total-Pages and the link to the last page are left out.
	maxCounted = 10_000
)

// paged answers one page of all, and describes it in the headers.
func paged[T any](c *call, all []T, render func(T) any) (any, error) {
	page, perPage := c.int("page"), c.int("per_page")
	if err := c.err(); err != nil {
		return nil, err
	}
	page = max(page, 1)
	if perPage < 1 {
		perPage = defaultPerPage
	}
	perPage = min(perPage, maxPerPage)
	from := min((page-1)*perPage, len(all))
	to := min(from+perPage, len(all))

	last := max((len(all)+perPage-1)/perPage, 1)
	number := func(name string, n int, known bool) {
		value := ""
		if known {
			value = strconv.Itoa(n)
		}
		c.header[name] = []string{value}
	}
	var links []string
	link := func(rel string, n int, known bool) {
		if known {
			links = append(links, c.link(rel, map[string]string{"page": strconv.Itoa(n), "per_page": strconv.Itoa(perPage)}))
		}
	}
	link("prev", page-1, page > 1)
	link("next", page+1, to < len(all))
	link("first", 1, true)
	link("last", last, len(all) <= maxCounted)
	c.header.Set("Link", strings.Join(links, ", "))
	number("X-Page", page, true)
	number("X-Per-Page", perPage, true)
	number("X-Next-Page", page+1, to < len(all))
	number("X-Prev-Page", page-1, page > 1)
	if len(all) <= maxCounted {
		number("X-Total", len(all), true)
		number("X-Total-Pages", last, true)
	}
	return renderAll(all[from:to], render), nil
}

// keyset answers the first rows of all, and links to those after them by id; the
// caller has already left out the rows before id_after, or after id_before.
func keyset[T any](c *call, all []T, descending bool, id func(T) int, render func(T) any) (any, error) {
	perPage := c.int("per_page")
	if err := c.err(); err != nil {
		return nil, err
	}
	if perPage < 1 {
		perPage = defaultPerPage
	}
	perPage = min(perPage, maxPerPage)
	to := min(perPage, len(all))
	if to < len(all) {
		cursor := "id_after"
		if descending {
			cursor = "id_before"
		}
		c.header.Set("Link", c.link("next", map[string]string{cursor: strconv.Itoa(id(all[to-1])), "per_page": strconv.Itoa(perPage)}))
	}
	return renderAll(all[:to], render), nil
}

func renderAll[T any](all []T, render func(T) any) any {
	rendered := make([]any, len(all))
	for i, item := range all {
		rendered[i] = render(item)
	}
	return rendered
}

// link is this request's address with some parameters changed.
func (c *call) link(rel string, changed map[string]string) string {
	query := make(url.Values)
	for key, values := range c.request.URL.Query() {
		if key != "private_token" && key != "access_token" {
			query[key] = values
		}
	}
	for key, value := range changed {
		query.Set(key, value)
	}
	return fmt.Sprintf("<%s%s?%s>; rel=%q", c.server.url(), c.request.URL.EscapedPath(), query.Encode(), rel)
}
