// Package onboarding is the domain: what a dossier says, what the journey asks
// for, and what is therefore still to be done. It does no input or output.
package onboarding

import (
	"slices"
	"time"
)

// State is a dossier's state, in DS's own words.
type State string

// The states of a dossier. Deleted is ours: DS lists the dossier among the
// deleted ones, which is final.
const (
	EnConstruction State = "en_construction"
	EnInstruction  State = "en_instruction"
	Accepte        State = "accepte"
	Refuse         State = "refuse"
	SansSuite      State = "sans_suite"
	Deleted        State = "supprime"
)

// States lists every state that a policy must speak about.
func States() []State {
	return []State{EnConstruction, EnInstruction, Accepte, Refuse, SansSuite, Deleted}
}

// DSStates lists the states that DS itself knows.
func DSStates() []State {
	return []State{EnConstruction, EnInstruction, Accepte, Refuse, SansSuite}
}

// Known reports whether s is a state that DS can send.
func (s State) Known() bool { return slices.Contains(DSStates(), s) }

// Decided reports whether s ends a dossier, until somebody goes back on it.
func (s State) Decided() bool { return s == Accepte || s == Refuse || s == SansSuite }

// TurnedDown reports whether s ends a dossier without a sandbox: refused, classed or
// deleted.
func (s State) TurnedDown() bool { return s == Refuse || s == SansSuite || s == Deleted }

// Dossier is what DS said of a dossier at one time. It is stored as it stands, and
// holds personal data.
type Dossier struct {
	Number   int64  `json:"number"`
	ID       string `json:"id"`
	Demarche int64  `json:"demarche"`
	State    State  `json:"state"`
	// Archived dossiers, and those that their applicant hid or whose account is
	// gone, take no messages.
	Archived        bool `json:"archived,omitempty"`
	HiddenByUsager  bool `json:"hidden_by_usager,omitempty"`
	AccountDeleted  bool `json:"account_deleted,omitempty"`
	AwaitCorrection bool `json:"await_correction,omitempty"`
	// CorrectionAt is when the correction was asked for that is awaited.
	CorrectionAt time.Time `json:"correction_at,omitzero"`
	// EverInstructed tells whether the dossier was in instruction at some time.
	EverInstructed bool `json:"ever_instructed,omitempty"`
	// Decisions counts the acceptances, refusals and classings so far.
	Decisions int       `json:"decisions,omitempty"`
	FiledAt   time.Time `json:"filed_at"`
	UpdatedAt time.Time `json:"updated_at"` // whole seconds: it cannot order two snapshots
	// EndedAt is when the decision was made that stands, or when DS says that it was
	// deleted; zero when neither is so.
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Motivation string    `json:"motivation,omitempty"`
	// ReopenedAt is when somebody last went back on it: to en_construction or
	// en_instruction; zero for never.
	ReopenedAt time.Time `json:"reopened_at,omitzero"`
	// AnswersAt is when its applicant last changed an answer.
	AnswersAt time.Time `json:"answers_at,omitzero"`
	// Labels are the names of DS's labels on it, in order.
	Labels []string `json:"labels,omitempty"`
	// UsagerEmail is the address of the account that filed the form.
	UsagerEmail string `json:"usager_email,omitempty"`
	// Demandeur is the organisation that the dossier is for, empty when it is for a
	// person, whose name belongs into no path.
	Demandeur string   `json:"demandeur,omitempty"`
	Answers   []Answer `json:"answers"`
}

// Answer is the content of one field (champ) of the form.
type Answer struct {
	// Champ is the field's opaque id, stable across revisions of the form; inside
	// a repeated block it names the row too.
	Champ string `json:"champ"`
	Label string `json:"label"`
	// Text is the answer as DS prints it.
	Text string `json:"text,omitempty"`
	// Values holds each choice of a multiple choice, or each file's name.
	Values []string `json:"values,omitempty"`
	// Checked is set for check boxes and yes/no fields that were answered.
	Checked *bool `json:"checked,omitempty"`
	// Rows holds a repeated block's rows.
	Rows [][]Answer `json:"rows,omitempty"`
}

// Reachable reports whether DS takes a message to the applicant.
func (d *Dossier) Reachable() bool {
	return d.State != Deleted && !d.Archived && !d.HiddenByUsager && !d.AccountDeleted
}

// endedBefore reports whether the dossier ended before a time and nobody went back on
// that. DS's dates have whole seconds.
func (d *Dossier) endedBefore(t time.Time) bool {
	return (d.State.Decided() || d.State == Deleted) && !d.EndedAt.IsZero() && d.EndedAt.Before(t.Truncate(time.Second))
}

// Removal says that a dossier is in DS's bin, from which it can come back, or
// deleted for good.
type Removal struct {
	Number int64     `json:"number"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"` // back-dated by DS to when the applicant hid it
	// Final tells a deletion from a stay in the bin.
	Final bool `json:"final"`
}
