package gitlab

import (
	"net/mail"
	"slices"
	"strings"
	"time"
)

// Invitation is a membership that waits for somebody without an account.
type Invitation struct {
	ID          int
	Email       string // lower case
	AccessLevel int
	InvitedBy   string
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// maxInvitations is how many addresses one call may name.
const maxInvitations = 100

func validEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address && len(address) <= 254
}

func findInvitation(in source, email string) *Invitation {
	for _, i := range *in.invited() {
		if strings.EqualFold(i.Email, email) {
			return i
		}
	}
	return nil
}

// invite asks one address in; those with an account become members at once. It
// returns what GitLab says when it does not work.
func (c *call) invite(in source, email string, accessLevel int, expires time.Time) string {
	if !validEmail(email) {
		return "Invite email is invalid"
	}
	if user := c.server.emails[strings.ToLower(email)]; user != nil {
		if in.direct()[user.ID] != nil {
			return "User already exists in source"
		}
		if message := c.server.checkInherited(in, user, accessLevel); message != "" {
			return "Access level " + message
		}
		in.direct().add(user, accessLevel, c.server.now()).ExpiresAt = expires
		return ""
	}
	if findInvitation(in, email) != nil {
		return "Invite email has already been taken"
	}
	list := in.invited()
	*list = append(slices.Clip(*list), &Invitation{
		ID: c.server.next("invitation"), Email: strings.ToLower(email), AccessLevel: accessLevel,
		InvitedBy: c.user.Username, CreatedAt: c.server.now(), ExpiresAt: expires,
	})
	return ""
}

func (c *call) postInvitation() (any, error) {
	in, err := c.managed()
	if err != nil {
		return nil, err
	}
	if !c.has("email") && !c.has("user_id") {
		return nil, noneGiven("email", "user_id")
	}
	accessLevel, err := c.accessLevel()
	if err != nil {
		return nil, err
	}
	expires := c.time("expires_at")
	emails, ids := c.list("email"), c.ints("user_id")
	if err := c.err(); err != nil {
		return nil, err
	}
	switch {
	case len(emails)+len(ids) == 0:
		return obj{"status": "error", "message": "Emails cannot be blank"}, nil
	case len(emails)+len(ids) > maxInvitations:
		return obj{"status": "error", "message": "Too many users specified (limit is 100)"}, nil
	}
	refused := obj{}
	for _, email := range emails {
		if message := c.invite(in, email, accessLevel, expires); message != "" {
			refused[email] = message
		}
	}
	for _, id := range ids {
		user := c.server.users[id]
		if user == nil {
			continue
		}
		if message := c.invite(in, user.Email, accessLevel, expires); message != "" {
			refused[user.Username] = message
		}
	}
	if len(refused) > 0 {
		return obj{"status": "error", "message": refused}, nil
	}
	return obj{"status": "success"}, nil
}

func (c *call) invitationJSON(i *Invitation) any {
	return obj{
		"id": i.ID, "invite_email": i.Email, "access_level": i.AccessLevel, "created_at": stamp(i.CreatedAt),
		"expires_at": day(i.ExpiresAt), "user_name": "", "created_by_name": i.InvitedBy,
		"invite_token": nil,
	}
}

func (c *call) listInvitations() (any, error) {
	in, err := c.source()
	if err != nil {
		return nil, err
	}
	if err := c.require(in, managers(in)); err != nil {
		return nil, err
	}
	query := strings.ToLower(c.str("query"))
	var found []*Invitation
	for _, i := range *in.invited() {
		if query == "" || i.Email == query {
			found = append(found, i)
		}
	}
	return paged(c, found, c.invitationJSON)
}

func (c *call) putInvitation() (any, error) {
	in, err := c.managed()
	if err != nil {
		return nil, err
	}
	i := findInvitation(in, c.value("email"))
	if i == nil {
		return nil, notFound("")
	}
	if c.has("access_level") {
		accessLevel, err := c.accessLevel()
		if err != nil {
			return nil, err
		}
		i.AccessLevel = accessLevel
	}
	return c.invitationJSON(i), nil
}

func (c *call) deleteInvitation() (any, error) {
	in, err := c.managed()
	if err != nil {
		return nil, err
	}
	i := findInvitation(in, c.value("email"))
	if i == nil {
		return nil, notFound("")
	}
	*in.invited() = without(*in.invited(), i)
	return c.noContent()
}
