//go:build unix

package localpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	temporaryPrefix = "passerelle-pg-"
	lockName        = "lock"

	// Where every user can go, when the caller's own temporary folder is out of
	// reach of the server's user, or too deep for a socket.
	sharedTempDir = "/tmp"

	// A socket's whole path has 107 bytes on Linux, 103 elsewhere; its name
	// takes 15 with a slash and a port of four digits, 16 with five.
	longestSocketDir = 103 - 16
)

// folder is where a server lives:
//
//	lock         held (flock) by the process that runs the server
//	pg_hba.conf  who may connect
//	data/        PostgreSQL's own, of the server's user
//	run/         the socket, likewise
type folder struct {
	dir       string
	temporary bool
	lock      *os.File
	sockets   *folder // a temporary one for the socket alone, if ours is no place for it
}

func (f *folder) data() string           { return filepath.Join(f.dir, "data") }
func (f *folder) run() string            { return filepath.Join(f.dir, "run") }
func (f *folder) authentication() string { return filepath.Join(f.dir, "pg_hba.conf") }

func (f *folder) socketDir() string {
	if f.sockets != nil {
		return f.sockets.run()
	}
	return f.run()
}

// openFolder takes the folder for this process alone, and makes a temporary one
// if none is named. It also removes the temporary folders of killed processes.
func openFolder(dir string, runAs *user) (_ *folder, err error) {
	tempDir := temporaryRoot(runAs)
	sweep(tempDir)

	var opened *folder
	if dir == "" {
		opened, err = temporaryFolder(tempDir, runAs)
	} else {
		opened, err = namedFolder(dir, runAs)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}()

	if suitsSocket(opened.run()) {
		err = opened.makeRun(runAs)
		return opened, err
	}
	sweep(sharedTempDir)
	if opened.sockets, err = temporaryFolder(sharedTempDir, runAs); err != nil {
		return nil, err
	}
	err = opened.sockets.makeRun(runAs)
	return opened, err
}

// suitsSocket also minds the characters with which PostgreSQL separates folders.
func suitsSocket(dir string) bool {
	return len(dir) <= longestSocketDir && !strings.ContainsAny(dir, ", \"")
}

func (f *folder) makeRun(runAs *user) error {
	if err := os.RemoveAll(f.run()); err != nil { // of a killed process
		return fmt.Errorf("localpg: %w", err)
	}
	return runAs.mkdir(f.run(), 0o700)
}

func namedFolder(dir string, runAs *user) (*folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("localpg: %w", err)
	}
	mode := fs.FileMode(0o700)
	if runAs != nil {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return nil, fmt.Errorf("localpg: %w: give a folder that can be made or is there, elsewhere", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("localpg: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("localpg: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, lockName)); err != nil && len(entries) > 0 {
		return nil, fmt.Errorf("localpg: %s holds something else than the data of an earlier run: give an empty folder, or one that does not exist yet", dir)
	}

	lock, err := lockFolder(dir)
	if held, ok := errors.AsType[*heldError](err); ok {
		return nil, fmt.Errorf("localpg: %s is in use by process %s: stop that one first, or give another folder", dir, held.by)
	}
	if err != nil {
		return nil, err
	}
	return &folder{dir: dir, lock: lock}, nil
}

// temporaryRoot is the system's temporary folder, or another that the server's
// user can reach.
func temporaryRoot(runAs *user) string {
	dir, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		return sharedTempDir
	}
	if runAs == nil {
		return dir
	}
	for above := dir; ; above = filepath.Dir(above) {
		info, err := os.Stat(above)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return sharedTempDir
		}
		if above == filepath.Dir(above) {
			return dir
		}
	}
}

func temporaryFolder(root string, runAs *user) (*folder, error) {
	for {
		dir, err := os.MkdirTemp(root, temporaryPrefix)
		if err != nil {
			return nil, fmt.Errorf("localpg: %w", err)
		}
		lock, err := lockFolder(dir)
		if _, held := errors.AsType[*heldError](err); held || errors.Is(err, fs.ErrNotExist) {
			continue // another process sweeps, and was faster than our lock
		}
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		made := &folder{dir: dir, lock: lock, temporary: true}
		if runAs != nil {
			if err := os.Chmod(dir, 0o711); err != nil {
				return nil, errors.Join(fmt.Errorf("localpg: %w", err), made.close())
			}
		}
		return made, nil
	}
}

// close gives the folder up, and removes what is temporary of it.
func (f *folder) close() error {
	var failure error
	if f.sockets != nil {
		failure = f.sockets.close()
	}
	if f.temporary {
		failure = errors.Join(failure, empty(f.dir))
	} else {
		failure = errors.Join(failure, os.RemoveAll(f.run()))
	}
	return errors.Join(failure, f.unlock())
}

func (f *folder) unlock() error { return release(f.lock) }

// release gives a lock back. Closing the file is not enough: a child that another
// goroutine is just starting holds a copy of it for a moment.
func release(lock *os.File) error {
	return errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_UN), lock.Close())
}

// empty removes the folder, its lock last: what is left of an interrupted
// removal can still be told for a folder of ours.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// sweep removes the temporary folders whose process is gone. What it cannot
// remove it leaves: it is not what the caller came for.
func sweep(root string) {
	dirs, err := filepath.Glob(filepath.Join(root, temporaryPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ownedByUs(info) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, lockName)); err != nil {
			_ = os.Remove(dir) // killed before the lock was made: it is empty
			continue
		}
		lock, err := lockPresent(dir)
		if err != nil {
			continue
		}
		if evict(filepath.Join(dir, "data")) == nil {
			_ = empty(dir)
		}
		_ = release(lock)
	}
}

func ownedByUs(info fs.FileInfo) bool {
	system, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(system.Uid) == os.Geteuid()
}

type heldError struct{ by string }

func (e *heldError) Error() string { return "locked by process " + e.by }

// lockFolder takes the folder's lock, which the system releases when this
// process ends, however it ends.
func lockFolder(dir string) (*os.File, error) { return lockFolderFlags(dir, os.O_CREATE) }

// lockPresent is for those who sweep: a lock that they made anew in a folder
// that its owner is removing would be in the owner's way.
func lockPresent(dir string) (*os.File, error) { return lockFolderFlags(dir, 0) }

func lockFolderFlags(dir string, flags int) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	lock, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("localpg: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("localpg: lock %s: %w", path, err)
		}
		by, _ := os.ReadFile(path)
		return nil, &heldError{by: strings.TrimSpace(string(by))}
	}
	// Somebody who swept may have removed the file between our open and our lock.
	locked, err := lock.Stat()
	if err == nil {
		var present fs.FileInfo
		if present, err = os.Lstat(path); err == nil && !os.SameFile(locked, present) {
			err = fs.ErrNotExist
		}
	}
	if err == nil {
		err = lock.Truncate(0)
	}
	if err == nil {
		_, err = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("localpg: lock %s: %w", path, err), release(lock))
	}
	return lock, nil
}

// evict ends a server that still runs in a data folder whose lock is ours, and
// so has lost its owner, and removes the lock file that a killed one left. On
// Linux such a server is already on its way out.
func evict(data string) error {
	pidFile := filepath.Join(data, "postmaster.pid")
	for deadline, killed := time.Now().Add(5*time.Second), false; ; {
		content, err := os.ReadFile(pidFile)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("localpg: %w", err)
		}
		first, _, _ := strings.Cut(string(content), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(first))
		if err != nil || pid <= 0 {
			return fmt.Errorf("localpg: %s names no process: remove it if no PostgreSQL runs there", pidFile)
		}

		line := commandLine(pid)
		isServer := strings.HasPrefix(filepath.Base(line.program), "postgres")
		switch {
		case isServer && line.names(data): // an orphan
		case isServer:
			return fmt.Errorf("localpg: %s says that PostgreSQL process %d runs there, which was not started from here: stop it first", pidFile, pid)
		default: // gone, or its number is somebody else's now
			if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("localpg: %w", err)
			}
			return nil
		}

		signal := syscall.SIGQUIT
		if time.Now().After(deadline) {
			if killed {
				return fmt.Errorf("localpg: PostgreSQL process %d in %s does not end", pid, data)
			}
			signal, killed, deadline = syscall.SIGKILL, true, time.Now().Add(5*time.Second)
		}
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("localpg: stop PostgreSQL process %d: %w", pid, err)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // it is not our child: there is nothing to wait on
	}
}

type processLine struct {
	program   string
	arguments string
}

func (l processLine) names(path string) bool { return strings.Contains(l.arguments, path) }

// commandLine is empty for a process that is gone.
func commandLine(pid int) processLine {
	if raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
		program, arguments, _ := strings.Cut(string(raw), "\x00")
		return processLine{program: program, arguments: arguments}
	}
	// Where there is no /proc. A program's path with a blank in it is cut short
	// here, and its process is then taken for a stranger's.
	raw, err := exec.Command("ps", "-ww", "-p", strconv.Itoa(pid), "-o", "command=").Output() //nolint:noctx // a number
	if err != nil {
		return processLine{}
	}
	program, arguments, _ := strings.Cut(strings.TrimSpace(string(raw)), " ")
	return processLine{program: program, arguments: arguments}
}
