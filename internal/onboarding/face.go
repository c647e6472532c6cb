package onboarding

import (
	"maps"
	"slices"
)

// Face is what the hub keeps current on a tracking issue besides its note.
type Face struct {
	// Labels are those of the step and the state.
	Labels []string
	Closed bool
}

// face returns the tracking issue's labels and state that the dossier calls for.
func (j *Journey) face(d *Dossier) Face {
	face := Face{Closed: j.Policy[d.State].Issue == IssueClose}
	for _, label := range []string{j.GitLab.Labels.Steps[j.StepOf(d)], j.GitLab.Labels.States[d.State]} {
		if label != "" {
			face.Labels = append(face.Labels, label)
		}
	}
	return face
}

// Face returns the tracking issue's labels and state that the dossier calls for,
// and those labels of ours that it must not bear.
func (j *Journey) Face(d *Dossier) (face Face, others []string) {
	face = j.face(d)
	for _, label := range slices.Concat(
		slices.Sorted(maps.Values(j.GitLab.Labels.Steps)),
		slices.Sorted(maps.Values(j.GitLab.Labels.States)),
	) {
		if label != "" && !slices.Contains(face.Labels, label) {
			others = append(others, label)
		}
	}
	return face, others
}

func (f Face) fingerprint() string { return fingerprint(f) }
