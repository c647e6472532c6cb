package stage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// State is all that the simulated services hold, but for trouble.
type State struct {
	DS     json.RawMessage `json:"ds,omitempty"`
	GitLab json.RawMessage `json:"gitlab,omitempty"`
}

// State returns what the simulated services hold now.
func (s *Stage) State() (state *State, err error) {
	state = &State{}
	if s.DS != nil {
		if state.DS, err = save(s.DS); err != nil {
			return nil, err
		}
	}
	if s.GitLab != nil {
		state.GitLab, err = save(s.GitLab)
	}
	return state, err
}

func save(service interface{ Save(w io.Writer) error }) (json.RawMessage, error) {
	var text bytes.Buffer
	if err := service.Save(&text); err != nil {
		return nil, fmt.Errorf("keep the state of a simulated service: %w", err)
	}
	return text.Bytes(), nil
}

func restore(service interface{ Load(r io.Reader) error }, state json.RawMessage) error {
	if err := service.Load(bytes.NewReader(state)); err != nil {
		return fmt.Errorf("take up the state of a simulated service: %w", err)
	}
	return nil
}
