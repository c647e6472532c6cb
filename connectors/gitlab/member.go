package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gl "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// AccessLevel is a member's role.
type AccessLevel int

// The roles, from GitLab's documentation.
const (
	Guest      AccessLevel = 10
	Reporter   AccessLevel = 20
	Developer  AccessLevel = 30
	Maintainer AccessLevel = 40
	Owner      AccessLevel = 50
)

// ParseAccessLevel reads the name of a role.
func ParseAccessLevel(name string) (AccessLevel, error) {
	switch name {
	case "guest":
		return Guest, nil
	case "reporter":
		return Reporter, nil
	case "developer":
		return Developer, nil
	case "maintainer":
		return Maintainer, nil
	case "owner":
		return Owner, nil
	}
	return 0, fmt.Errorf("%q is not a role: write guest, reporter, developer, maintainer or owner", name)
}

// Invited tells what became of invitations.
type Invited struct {
	// Invited counts those that were sent; a known address is a member at once.
	Invited int
	// Already counts those who are members or invited already.
	Already int
	// Refused holds the reasons why others were not, each once, without addresses.
	Refused []string
}

// InviteToGroup invites the holders of e-mail addresses into a group, in one call.
// Repeating it is harmless. GitLab answers 201 whatever happens; the result tells.
func (c *Client) InviteToGroup(ctx context.Context, groupID int64, emails []string, level AccessLevel) (Invited, error) {
	op := operation{name: "invite members", method: http.MethodPost, subject: fmt.Sprintf("group %d", groupID)}
	var invited Invited
	var list []string
	for _, email := range emails {
		email = strings.ToLower(strings.TrimSpace(email))
		if !plausible(email) {
			invited.refuse("not an e-mail address")
		} else if !slices.Contains(list, email) {
			list = append(list, email)
		}
	}
	if len(list) == 0 {
		return invited, nil
	}
	options := &gl.InvitesOptions{
		Email:       new(strings.Join(list, ",")),
		AccessLevel: new(gl.AccessLevelValue(level)),
	}
	var answer struct {
		Status  string          `json:"status"`
		Message json.RawMessage `json:"message"`
	}
	if _, err := c.call(ctx, op, fmt.Sprintf("groups/%d/invitations", groupID), options, &answer); err != nil {
		return Invited{}, err
	}
	if answer.Status == "success" {
		invited.Invited = len(list)
		return invited, nil
	}
	if answer.Status != "error" {
		return Invited{}, c.unreadable(op, nil)
	}
	var byAddress map[string]any
	if json.Unmarshal(answer.Message, &byAddress) != nil {
		// One sentence stands for all, such as "Too many users specified".
		var reason any
		if json.Unmarshal(answer.Message, &reason) != nil || flatten(reason) == "" {
			return Invited{}, c.unreadable(op, nil)
		}
		invited.refuse(c.plain(flatten(reason)))
		return invited, nil
	}
	invited.Invited = max(0, len(list)-len(byAddress))
	for _, reason := range byAddress {
		if text := c.plain(flatten(reason)); alreadyIn(text) {
			invited.Already++
		} else {
			invited.refuse(text)
		}
	}
	slices.Sort(invited.Refused)
	return invited, nil
}

func (i *Invited) refuse(reason string) {
	if !slices.Contains(i.Refused, reason) {
		i.Refused = append(i.Refused, reason)
	}
}

// alreadyIn tells the reasons that stand for "has it already": "Invite email has
// already been taken", "User already exists in source", "Already a member",
// "Member already invited", and a higher role inherited from a group above.
func alreadyIn(reason string) bool {
	reason = strings.ToLower(reason)
	return strings.Contains(reason, "already") || strings.Contains(reason, "inherited membership")
}

// plausible keeps out what would break the comma-separated list.
func plausible(email string) bool {
	name, host, ok := strings.Cut(email, "@")
	return ok && name != "" && host != "" && len(email) <= 254 &&
		!strings.Contains(host, "@") &&
		!strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ',' || r == ';' })
}

// Access counts the people who are members of a group itself or invited into it, by
// role. Our own account does not count, nor do roles that have no name here. Who they
// are is not read: GitLab tells members' addresses to nobody but administrators.
func (c *Client) Access(ctx context.Context, groupID int64) (map[AccessLevel]int, error) {
	op := operation{name: "list members", method: http.MethodGet, subject: fmt.Sprintf("group %d", groupID)}
	user, err := c.Self(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[AccessLevel]int{}
	for _, list := range []string{"members", "invitations"} {
		err := c.pages(op, list, func(page gl.ListOptions) (int, *gl.Response, error) {
			var answers []struct {
				ID          int64       `json:"id"`
				AccessLevel AccessLevel `json:"access_level"`
			}
			resp, err := c.call(ctx, op, fmt.Sprintf("groups/%d/%s", groupID, list), &page, &answers)
			if err != nil {
				return 0, nil, err
			}
			for _, a := range answers {
				if list != "members" || a.ID != user {
					counts[a.AccessLevel]++
				}
			}
			return len(answers), resp, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// AccessLevel is the role that a user has in a project, whether given there or in a
// group above; 0 for who has none.
func (c *Client) AccessLevel(ctx context.Context, project string, userID int64) (AccessLevel, error) {
	op := operation{name: "read member", method: http.MethodGet, subject: "project " + project}
	var answer struct {
		ID          int64       `json:"id"`
		AccessLevel AccessLevel `json:"access_level"`
	}
	_, err := c.call(ctx, op, fmt.Sprintf("projects/%s/members/all/%d", gl.PathEscape(project), userID), nil, &answer)
	switch {
	case connectors.IsNotFound(err):
		return 0, nil
	case err != nil:
		return 0, err
	case answer.ID == 0:
		return 0, c.unreadable(op, nil)
	}
	return answer.AccessLevel, nil
}

// String is the name of the role, empty for one that has none here.
func (l AccessLevel) String() string {
	switch l {
	case Guest:
		return "guest"
	case Reporter:
		return "reporter"
	case Developer:
		return "developer"
	case Maintainer:
		return "maintainer"
	case Owner:
		return "owner"
	}
	return ""
}
