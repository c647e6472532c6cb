//go:build unix && !linux

package localpg

import "syscall"

// dieWithParent is for Linux alone. Elsewhere a server that outlives us is
// stopped when its folder is next opened or swept.
func dieWithParent(*syscall.SysProcAttr) {}
