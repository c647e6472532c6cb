package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// drawer is where a kept demo has what is not in its database: what the simulated
// services hold, and the keys.
type drawer struct{ dir string }

// keptState is what the simulated services held, and what the ledger was then.
type keptState struct {
	*stage.State

	// Facts is how many facts the ledger held before the state was taken. Whoever
	// finds as many has a state in which all of them have happened.
	Facts int64 `json:"facts"`
	// Sealed says that there was no ledger any more that could have gone on.
	Sealed  bool         `json:"sealed"`
	Samples []keptSample `json:"samples"`
}

// keptSample is how far a sample was.
type keptSample struct {
	Number  int     `json:"number"`
	Acts    int     `json:"acts"`
	Seconds float64 `json:"seconds"`
}

// keptKeys are the keys of a kept demo, and where it was served.
type keptKeys struct {
	*stage.Keys

	DSPort, GitLabPort, Port int
}

const (
	stateFile = "state.json"
	keysFile  = "keys.json"
)

// openDrawer makes the folder for it inside dir.
func openDrawer(dir string) (*drawer, error) {
	d := &drawer{dir: filepath.Join(dir, "simulators")}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("-data %s: %w: give a folder that you may write to, or that does not exist yet", dir, reason(err))
	}
	named := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	// A whole demo's folder has a lock in it; a simulator alone has nothing but this one.
	if others := len(entries) > 1 || len(entries) == 1 && !named("simulators"); others && !named("lock") {
		return nil, fmt.Errorf("-data %s holds something else than the data of an earlier run: give an empty folder, or one that does not exist yet", dir)
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, fmt.Errorf("-data %s: %w: give a folder that you may write to, or that does not exist yet", dir, reason(err))
	}
	return d, nil
}

// read reads a file into what to points at; found says whether there is one.
func (d *drawer) read(name string, to any) (found bool, err error) {
	path := filepath.Join(d.dir, name)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		return false, fmt.Errorf("%s cannot be read (%w): remove it to start without what it keeps, or give another folder as -data", path, reason(err))
	}
	return true, nil
}

// write replaces a file at once, so that there is always a whole one.
func (d *drawer) write(name string, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	temporary, err := os.CreateTemp(d.dir, name+".*") // with mode 0600
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), filepath.Join(d.dir, name))
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

// keys returns those of an earlier run, or new ones that are kept from now on.
func (d *drawer) keys() (*keptKeys, error) {
	kept := &keptKeys{}
	found, err := d.read(keysFile, kept)
	if err != nil || found && kept.Keys != nil {
		return kept, err
	}
	kept.Keys = stage.NewKeys()
	return kept, d.write(keysFile, kept)
}

// reason is an error without the path, which the sentence around it names.
func reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
