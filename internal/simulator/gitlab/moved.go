package gitlab

import (
	"fmt"
	"net/http"
	"strings"
)

// settle gives a group or project its path. Whatever else had it before is no
// longer found there.
func (s *Server) settle(path string, in any) {
	s.paths[routeKey(path)] = in
	delete(s.moved, routeKey(path))
}

// leave takes a path from a group or project that goes elsewhere, and remembers
// where; but not of what is being deleted, itself or with a group around it.
func (s *Server) leave(path string, in any, from *group) {
	delete(s.paths, routeKey(path))
	for ; from != nil; from = from.parent {
		if !from.MarkedForDeletionAt.IsZero() {
			return
		}
	}
	s.moved[routeKey(path)] = in
}

// movedFrom finds what has left a path and still exists.
func (s *Server) movedFrom(path string) any {
	switch in := s.moved[routeKey(path)].(type) {
	case *group:
		if s.groups[in.ID] == in {
			return in
		}
	case *project:
		if s.projects[in.ID] == in {
			return in
		}
	}
	return nil
}

// redirect leads a request for a project by a path that it left to the project's
// number. Only GET is led: other methods are refused.
func (c *call) redirect(p *project) error {
	if c.request.Method != http.MethodGet {
		return refuse(http.StatusMethodNotAllowed, "Non GET methods are not allowed for moved projects")
	}
	rest := strings.TrimPrefix(c.request.URL.EscapedPath(), "/api/v4/projects/")
	if at := strings.Index(rest, "/"); at >= 0 {
		rest = rest[at:]
	} else {
		rest = ""
	}
	address := fmt.Sprintf("%s/api/v4/projects/%d%s", c.server.url(), p.ID, rest)
	if c.request.URL.RawQuery != "" {
		address += "?" + c.request.URL.RawQuery
	}
	return &Error{
		Status: http.StatusMovedPermanently, header: http.Header{"Location": {address}},
		Body: raw{"text/plain", []byte("This resource has been moved permanently to " + address + ".")},
	}
}
