package onboarding

import (
	"maps"
	"slices"
)

// Face is what the hub keeps current on a tracking issue besides its note.
type Face struct {
	// Labels are those of the step, the state and the decision.
	Labels []string
	Closed bool
}

// face returns the tracking issue's labels and state that the onboarding calls for.
func (j *Journey) face(d *Dossier, s Standing) Face {
	face := Face{Closed: j.PolicyOf(d).Issue == IssueClose || s.Continued || s.Stopped && d.State == Accepte}
	if last := j.Step(s.Step); s.Ended && last != nil && last.AtEnd == EndClose {
		face.Closed = true
	}
	labels := j.GitLab.Labels
	wanted := []string{labels.Steps[s.Step], labels.States[d.State]}
	switch s.Decision {
	case Go:
		wanted = append(wanted, labels.Go)
	case DecidedNo:
		wanted = append(wanted, labels.NoGo)
	case Undecided:
	}
	if s.Blocked {
		wanted = append(wanted, labels.Blocked)
	}
	for _, label := range wanted {
		if label != "" {
			face.Labels = append(face.Labels, label)
		}
	}
	return face
}

// Face returns the tracking issue's labels and state that the onboarding calls for, and
// those labels of ours that it must not bear.
func (j *Journey) Face(d *Dossier, r Record) (face Face, others []string) {
	face = j.face(d, Stand(j, d, r))
	for _, label := range j.labels() {
		if !slices.Contains(face.Labels, label) {
			others = append(others, label)
		}
	}
	return face, others
}

// FaceOf returns how an issue with these labels looks: of its labels, ours.
func (j *Journey) FaceOf(labels []string, closed bool) Face {
	face := Face{Closed: closed}
	for _, label := range j.labels() {
		if slices.Contains(labels, label) {
			face.Labels = append(face.Labels, label)
		}
	}
	return face
}

// labels are all labels of ours, in the order in which a face has them.
func (j *Journey) labels() []string {
	labels := j.GitLab.Labels
	all := slices.Concat(
		slices.Sorted(maps.Values(labels.Steps)),
		slices.Sorted(maps.Values(labels.States)),
		[]string{labels.Go, labels.NoGo, labels.Blocked},
	)
	return slices.DeleteFunc(all, func(label string) bool { return label == "" })
}

// Fingerprint is what the row of the labels holds as applied once the issue looks so.
func (f Face) Fingerprint() string { return fingerprint(f) }
