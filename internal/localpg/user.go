//go:build unix

package localpg

import (
	"errors"
	"fmt"
	"os"
	osuser "os/user"
	"strconv"
)

// user is the one as whom root runs the server. A nil one is the present user,
// and its methods then change no ownership.
type user struct {
	name     string
	uid, gid uint32
}

// serverUser is nil for an ordinary user, who runs the server as they are.
func serverUser() (*user, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // the present user, see the type
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := osuser.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("localpg: the user %s: %w", name, err)
		}
		if uid != 0 {
			return &user{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("localpg: PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as: start as an ordinary user")
}

// own hands what was created to the server's user.
func (u *user) own(path string) error {
	if u == nil {
		return nil
	}
	if err := os.Lchown(path, int(u.uid), int(u.gid)); err != nil {
		return fmt.Errorf("localpg: %w", err)
	}
	return nil
}

func (u *user) mkdir(path string, mode os.FileMode) error {
	if err := os.Mkdir(path, mode); err != nil {
		return fmt.Errorf("localpg: %w", err)
	}
	return u.own(path)
}
