package demarches

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// View is what the condition of WaitFor may look at.
type View interface {
	Dossier(number int) (DossierView, bool)
	Messages(number int) []Message
	Dossiers() []DossierView
}

// WaitFor returns once the condition holds. It is asked at once and after each change.
func (s *Server) WaitFor(ctx context.Context, condition func(View) bool) error {
	for {
		s.mu.RLock()
		changed := s.changed
		s.mu.RUnlock()
		if condition(s) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("demarches: what was waited for has not come: %w", ctx.Err())
		}
	}
}

// DossierView is a dossier as the people who use DS see it, whatever the API shows yet.
type DossierView struct {
	Number            int
	Demarche          int
	State             State
	Archived          bool
	Presence          Presence
	Email             string // of the account that filed it
	AccountDeleted    bool
	HiddenByApplicant bool
	Applicant         Applicant
	Group             string
	Deposited         time.Time
	Updated           time.Time
	Answers           Answers
	Annotations       Answers
	Labels            []string
	Agents            []string // who follow it
	Motivation        string
	CorrectionPending bool
	Events            []string // its history, in the words of TraitementEvent
	EventsAt          []time.Time
}

// Message is one message of a dossier.
type Message struct {
	ID         string
	From       string
	Body       string
	At         time.Time
	Automatic  bool   // written by DS itself
	Correction string // the reason, if it asks for a correction
}

// Dossier returns one dossier, also when it is deleted.
func (s *Server) Dossier(number int) (DossierView, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.dossiers[number]
	if e == nil {
		return DossierView{}, false
	}
	return e.current.view(), true
}

// Dossiers returns every dossier by number, deleted ones included.
func (s *Server) Dossiers() []DossierView {
	s.mu.RLock()
	defer s.mu.RUnlock()
	views := make([]DossierView, 0, len(s.dossiers))
	for _, number := range slices.Sorted(maps.Keys(s.dossiers)) {
		views = append(views, s.dossiers[number].current.view())
	}
	return views
}

// Messages returns the messages of a dossier, oldest first.
func (s *Server) Messages(number int) []Message {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.dossiers[number]
	if e == nil {
		return nil
	}
	messages := make([]Message, 0, len(e.current.messages))
	for _, m := range e.current.messages {
		messages = append(messages, Message{
			ID: encodeID("Commentaire", m.number), From: m.email, Body: m.body, At: m.at,
			Automatic: m.email == systemEmail, Correction: m.correction,
		})
	}
	return messages
}

func (d *dossier) view() DossierView {
	v := DossierView{
		Number: d.number, Demarche: d.demarche.form.Number, State: d.state, Archived: d.archived,
		Presence: d.presence(), Email: d.email, AccountDeleted: d.accountDeleted,
		HiddenByApplicant: !d.hiddenByUser.IsZero(), Applicant: d.applicant, Group: d.group.label,
		Deposited: d.deposited, Updated: d.updated,
		Answers: given(d.answers), Annotations: given(d.annotations),
		Motivation: d.motivation, CorrectionPending: d.pendingCorrection() != nil,
	}
	for _, l := range d.labels {
		v.Labels = append(v.Labels, l.name)
	}
	for _, p := range d.followers {
		v.Agents = append(v.Agents, p.email)
	}
	for _, t := range d.treatments {
		v.Events = append(v.Events, t.event)
		v.EventsAt = append(v.EventsAt, t.at)
	}
	return v
}

// given turns kept answers back into what was given.
func given(kept Answers) Answers {
	answers := make(Answers, len(kept))
	for id, value := range kept {
		switch v := value.(type) {
		case int64:
			answers[id] = int(v)
		case []string:
			answers[id] = slices.Clone(v)
		case []*file:
			attachments := make([]Attachment, 0, len(v))
			for _, f := range v {
				attachments = append(attachments, f.Attachment)
			}
			answers[id] = attachments
		case []row:
			rows := make([]Answers, 0, len(v))
			for _, r := range v {
				rows = append(rows, given(r.answers))
			}
			answers[id] = rows
		default:
			answers[id] = v
		}
	}
	return answers
}
