package gitlab

import (
	"net/http"
	"regexp"
	"strings"
)

var routeParameter = regexp.MustCompile(`:(\w+)`)

// routes lists every call that the API knows, and names them as operations: by
// method and route, without the prefix of the API.
func (s *Server) routes() (mux *http.ServeMux, operations map[string]string) {
	mux, operations = http.NewServeMux(), map[string]string{}
	route := func(operation string, handle func(*call) (any, error)) {
		method, path, _ := strings.Cut(operation, " ")
		pattern := method + " /api/v4" + routeParameter.ReplaceAllString(path, "{$1}")
		operations[pattern] = operation
		mux.HandleFunc(pattern, s.serve(operation, handle))
	}
	mux.HandleFunc("/", s.serve("", func(*call) (any, error) {
		return nil, &Error{Status: http.StatusNotFound, Body: obj{"error": "404 Not Found"}}
	}))

	route("GET /version", (*call).version)
	route("GET /metadata", (*call).metadata)
	route("GET /user", (*call).self)
	route("GET /users", (*call).listUsers)
	route("GET /users/:user_id", (*call).showUser)
	route("GET /users/:user_id/projects", (*call).listUserProjects)
	route("GET /personal_access_tokens/self", (*call).showToken)
	route("GET /namespaces", (*call).listNamespaces)
	route("GET /namespaces/:id", (*call).getNamespace)

	route("GET /groups", (*call).listGroups)
	route("POST /groups", (*call).postGroup)
	route("GET /groups/:id", (*call).getGroup)
	route("PUT /groups/:id", (*call).putGroup)
	route("DELETE /groups/:id", (*call).deleteGroup)
	route("POST /groups/:id/restore", (*call).restoreGroup)
	route("GET /groups/:id/subgroups", (*call).listSubgroups)
	route("GET /groups/:id/descendant_groups", (*call).listDescendants)
	route("GET /groups/:id/projects", (*call).listGroupProjects)
	route("GET /groups/:id/issues", (*call).listGroupIssues)

	route("GET /projects", (*call).listProjects)
	route("POST /projects", (*call).postProject)
	route("GET /projects/:id", (*call).getProject)
	route("PUT /projects/:id", (*call).putProject)
	route("DELETE /projects/:id", (*call).deleteProject)
	route("POST /projects/:id/restore", (*call).restoreProject)
	route("POST /projects/:id/archive", func(c *call) (any, error) { return c.archive(true) })
	route("POST /projects/:id/unarchive", func(c *call) (any, error) { return c.archive(false) })
	route("PUT /projects/:id/transfer", (*call).transferProject)

	for _, source := range []string{"groups", "projects"} {
		at := " /" + source + "/:id"
		route("GET"+at+"/members", (*call).listMembers)
		route("POST"+at+"/members", (*call).postMember)
		route("GET"+at+"/members/all", (*call).listAllMembers)
		route("GET"+at+"/members/all/:user_id", (*call).getAnyMember)
		route("GET"+at+"/members/:user_id", (*call).getMember)
		route("PUT"+at+"/members/:user_id", (*call).putMember)
		route("DELETE"+at+"/members/:user_id", (*call).deleteMember)
		route("GET"+at+"/invitations", (*call).listInvitations)
		route("POST"+at+"/invitations", (*call).postInvitation)
		route("PUT"+at+"/invitations/:email", (*call).putInvitation)
		route("DELETE"+at+"/invitations/:email", (*call).deleteInvitation)
		route("GET"+at+"/labels", (*call).listLabels)
		route("POST"+at+"/labels", (*call).postLabel)
		route("PUT"+at+"/labels", (*call).putLabel)
		route("DELETE"+at+"/labels", (*call).deleteLabel)
		route("GET"+at+"/labels/:label_id", (*call).getLabel)
		route("PUT"+at+"/labels/:label_id", (*call).putLabel)
		route("DELETE"+at+"/labels/:label_id", (*call).deleteLabel)
	}

	route("GET /issues", (*call).listOwnIssues)
	route("GET /projects/:id/issues", (*call).listIssues)
	route("POST /projects/:id/issues", (*call).postIssue)
	route("GET /projects/:id/issues/:iid", (*call).getIssue)
	route("PUT /projects/:id/issues/:iid", (*call).putIssue)
	route("DELETE /projects/:id/issues/:iid", (*call).deleteIssue)
	route("GET /projects/:id/issues/:iid/discussions", (*call).listDiscussions)
	route("POST /projects/:id/issues/:iid/discussions", (*call).postDiscussion)
	route("GET /projects/:id/issues/:iid/discussions/:discussion_id", (*call).getDiscussion)
	route("POST /projects/:id/issues/:iid/discussions/:discussion_id/notes", (*call).postDiscussionNote)
	route("GET /projects/:id/issues/:iid/resource_label_events", (*call).listLabelEvents)
	route("GET /projects/:id/issues/:iid/resource_state_events", (*call).listStateEvents)
	route("GET /projects/:id/issues/:iid/notes", (*call).listNotes)
	route("POST /projects/:id/issues/:iid/notes", (*call).postNote)
	route("GET /projects/:id/issues/:iid/notes/:note_id", (*call).getNote)
	route("PUT /projects/:id/issues/:iid/notes/:note_id", (*call).putNote)
	route("DELETE /projects/:id/issues/:iid/notes/:note_id", (*call).deleteNote)

	route("GET /projects/:id/repository/tree", (*call).listTree)
	route("GET /projects/:id/repository/branches", (*call).listBranches)
	route("POST /projects/:id/repository/branches", (*call).postBranch)
	route("GET /projects/:id/repository/branches/:branch", (*call).getBranch)
	route("DELETE /projects/:id/repository/branches/:branch", (*call).deleteBranch)
	route("GET /projects/:id/repository/commits", (*call).listCommits)
	route("POST /projects/:id/repository/commits", (*call).postCommit)
	route("GET /projects/:id/repository/commits/:sha", (*call).getCommit)
	route("GET /projects/:id/repository/files/:file_path", (*call).getFile)
	route("POST /projects/:id/repository/files/:file_path", (*call).postFile)
	route("PUT /projects/:id/repository/files/:file_path", (*call).putFile)
	route("DELETE /projects/:id/repository/files/:file_path", (*call).deleteFile)
	route("GET /projects/:id/repository/files/:file_path/raw", (*call).getRawFile)

	route("GET /projects/:id/hooks", (*call).listHooks)
	route("POST /projects/:id/hooks", (*call).postHook)
	route("GET /projects/:id/hooks/:hook_id", (*call).getHook)
	route("PUT /projects/:id/hooks/:hook_id", (*call).putHook)
	route("DELETE /projects/:id/hooks/:hook_id", (*call).deleteHook)
	route("POST /projects/:id/hooks/:hook_id/test/:trigger", (*call).testHook)
	return mux, operations
}
