package gitlab

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// User is somebody who has an account, or the bot behind a group's token.
type User struct {
	ID        int
	Username  string
	Name      string
	Email     string
	Admin     bool
	Bot       bool
	CreatedAt time.Time
}

// Token is a personal, group or project access token.
type Token struct {
	ID        int
	UserID    int
	Name      string
	Value     string
	Scopes    []string // "api" by default
	CreatedAt time.Time
	ExpiresAt time.Time
	Revoked   bool
}

func (t Token) expired(now time.Time) bool { return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) }

// AddUser makes an account with a token for the whole API, and returns the token.
// An account that exists already only gets one more token.
func (s *Server) AddUser(username string, admin bool) (token string) {
	_ = s.update(func() error {
		user := s.usernames[strings.ToLower(username)]
		if user == nil {
			user = s.addUser(username, admin)
		}
		token = s.addToken(user, Token{}).Value
		return nil
	})
	return token
}

// SetName changes what a user is called.
func (s *Server) SetName(username, name string) error {
	return s.act(username, func(user *User) error {
		user.Name = name
		return nil
	})
}

// AddToken gives a user one more token: with Scopes, an expiry, a Value of one's
// choosing. It returns the token as it came to be; nothing for an unknown user.
func (s *Server) AddToken(username string, token Token) (added Token) {
	_ = s.update(func() error {
		if user := s.usernames[strings.ToLower(username)]; user != nil {
			added = *s.addToken(user, token)
		}
		return nil
	})
	return added
}

// RevokeToken makes a token answer 401 from now on.
func (s *Server) RevokeToken(value string) {
	_ = s.update(func() error {
		if token := s.tokens[value]; token != nil {
			token.Revoked = true
		}
		return nil
	})
}

func (s *Server) addUser(username string, admin bool) *User {
	user := &User{
		ID: s.next("user"), Username: username, Name: username, Email: username + "@example.org",
		Admin: admin, CreatedAt: s.now(),
	}
	s.users[user.ID] = user
	s.usernames[strings.ToLower(username)] = user
	s.emails[strings.ToLower(user.Email)] = user
	s.insertGroup(&group{Group: Group{
		Kind: kindUser, Path: username, Name: username, Visibility: Public, OwnerID: user.ID, CreatedAt: user.CreatedAt,
	}})
	return user
}

func (s *Server) addToken(user *User, token Token) *Token {
	token.ID = s.next("token")
	token.UserID = user.ID
	token.CreatedAt = s.now()
	if token.Value == "" {
		token.Value = "glpat-" + user.Username + "-" + strconv.Itoa(token.ID)
	}
	if token.Name == "" {
		token.Name = user.Username
	}
	if token.Scopes == nil {
		token.Scopes = []string{"api"}
	}
	s.tokens[token.Value] = &token
	return &token
}

func (s *Server) userJSON(u *User) obj {
	return obj{
		"id": u.ID, "username": u.Username, "name": u.Name, "state": "active", "locked": false, "public_email": "",
		"avatar_url": nil, "web_url": s.url() + "/" + u.Username,
	}
}

func (c *call) fullUserJSON(u *User) any {
	o := c.server.userJSON(u)
	o["created_at"] = stamp(u.CreatedAt)
	o["bot"] = u.Bot
	if u == c.user || c.user.Admin {
		o["email"] = u.Email
		o["commit_email"] = u.Email
		o["is_admin"] = u.Admin
		o["can_create_group"] = true
		o["can_create_project"] = true
		o["projects_limit"] = 100000
		o["namespace_id"] = c.server.paths[routeKey(u.Username)].(*group).ID
	}
	return o
}

func (c *call) self() (any, error) { return c.fullUserJSON(c.user), nil }

func (c *call) showUser() (any, error) {
	id, _ := strconv.Atoi(c.value("user_id"))
	user := c.server.users[id]
	if user == nil {
		return nil, notFound("User")
	}
	return c.fullUserJSON(user), nil
}

func (c *call) listUsers() (any, error) {
	username, search := strings.ToLower(c.str("username")), strings.ToLower(c.str("search"))
	var found []*User
	if username != "" {
		if user := c.server.usernames[username]; user != nil {
			found = append(found, user)
		}
	} else {
		for _, user := range c.server.users {
			// An address is found in whole only, as it is nobody's to guess.
			if contains(search, user.Username, user.Name) || strings.EqualFold(search, user.Email) {
				found = append(found, user)
			}
		}
	}
	slices.SortFunc(found, func(a, b *User) int { return cmp.Compare(b.ID, a.ID) })
	return paged(c, found, c.fullUserJSON)
}

func (c *call) showToken() (any, error) {
	t := c.token
	return obj{
		"id": t.ID, "name": t.Name, "revoked": t.Revoked, "created_at": stamp(t.CreatedAt), "description": "",
		"scopes": t.Scopes, "user_id": t.UserID, "last_used_at": stamp(c.server.now()), "active": true,
		"expires_at": day(t.ExpiresAt),
	}, nil
}

func (c *call) version() (any, error) {
	return obj{"version": c.server.options.Version, "revision": "51m01a7ed"}, nil
}

func (c *call) metadata() (any, error) {
	return obj{
		"version": c.server.options.Version, "revision": "51m01a7ed", "enterprise": false,
		"kas": obj{"enabled": false, "externalUrl": nil, "version": nil},
	}, nil
}

// contains says whether a lower-case text is in one of the values; none is in all.
func contains(search string, values ...string) bool {
	if search == "" {
		return true
	}
	for _, value := range values {
		if strings.Contains(strings.ToLower(value), search) {
			return true
		}
	}
	return false
}
