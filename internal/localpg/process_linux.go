package localpg

import "syscall"

// dieWithParent has the child told to stop at once when we end, be it by SIGKILL.
func dieWithParent(attributes *syscall.SysProcAttr) {
	attributes.Pdeathsig = Immediate.signal()
}
