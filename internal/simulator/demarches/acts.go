package demarches

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Application is what an applicant files.
type Application struct {
	Email     string // of the account; usager@example.org if empty
	Applicant Applicant
	Answers   Answers
}

// Applicant is the person, or the organisation if there is one, for which it is filed.
type Applicant struct {
	Civility  string   `json:"civility,omitzero"` // M or Mme; empty for unknown
	FirstName string   `json:"first_name,omitzero"`
	LastName  string   `json:"last_name,omitzero"`
	Company   *Company `json:"company,omitempty"`
}

// Company is an organisation in the company register.
type Company struct {
	SIRET string `json:"siret"`
	Name  string `json:"name"`
	// Incomplete is true while DS waits for the register. No decision is possible then.
	Incomplete bool `json:"incomplete,omitzero"`
}

// act is one act under way.
type act struct {
	server       *Server
	now          time.Time
	agent        *profile // who acts, or would, for the dossier's group
	as           string   // the agent's address, if one is named
	chosen       *profile // the agent, if a mutation names one
	silent       bool
	visibleAfter time.Duration
	webhookAfter time.Duration
	webhooks     int
}

// ActOption changes how an act is done.
type ActOption func(*act)

// As says which agent acts. Without it, it is the first of the dossier's group.
func As(email string) ActOption { return func(a *act) { a.as = email } }

// WithoutWebhook loses the act's webhook.
func WithoutWebhook() ActOption { return func(a *act) { a.silent = true } }

// WebhookAfter delays the act's webhook.
func WebhookAfter(d time.Duration) ActOption { return func(a *act) { a.webhookAfter = d } }

// WebhookTwice sends the act's webhook twice.
func WebhookTwice() ActOption { return func(a *act) { a.webhooks = 2 } }

// VisibleAfter lets the API show the act only after d on the server's clock, as when
// DS's transaction is slow to commit: the dossier then bears the date of the act, and
// the webhook has been sent long before.
func VisibleAfter(d time.Duration) ActOption { return func(a *act) { a.visibleAfter = d } }

// by is for mutations, whose agent must be of the dossier's group.
func by(p *profile) ActOption { return func(a *act) { a.chosen = p } }

func (s *Server) newAct(options []ActOption) *act {
	a := &act{server: s, now: s.now(), webhooks: 1}
	for _, o := range options {
		o(a)
	}
	return a
}

// File files an application and returns its number. Answers that the form does not
// take are refused with an *InvalidAnswersError.
func (s *Server) File(demarche int, application Application, options ...ActOption) (int, error) {
	s.mu.RLock()
	m := s.demarches[demarche]
	s.mu.RUnlock()
	if m == nil {
		return 0, ErrNotFound
	}
	answers, err := s.check(m.form.Fields, application.Answers, false)
	if err != nil {
		return 0, err
	}
	if application.Email == "" {
		application.Email = "usager@example.org"
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.newAct(options)
	d := &dossier{
		number: s.serial("dossier"), demarche: m, state: EnConstruction, group: m.groups[0],
		email: application.Email, applicant: application.Applicant,
		answers: answers, annotations: Answers{},
		deposited: a.now, enConstruction: a.now, updated: a.now, champsUpdated: a.now, annotationsUpdated: a.now,
	}
	if c := application.Applicant.Company; c != nil {
		company := *c
		d.applicant.Company = &company
	}
	s.shelf.put(answers)
	d.treat(a, "depose", "")
	d.notify(a, "Votre dossier n° %d a bien été déposé")
	s.conclude(a, "", d)
	return d.number, nil
}

// Edit changes some of the applicant's answers, which is possible while the dossier
// is en construction. A correction that was asked for is then made.
func (s *Server) Edit(number int, answers Answers, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, a *act) error {
		if d.state != EnConstruction {
			return d.already()
		}
		checked, err := s.check(d.demarche.form.Fields, answers, true)
		if err != nil {
			return err
		}
		d.answers = maps.Clone(d.answers)
		maps.Copy(d.answers, checked)
		s.shelf.put(checked)
		d.champsUpdated = a.now
		if d.pendingCorrection() != nil {
			d.resolveCorrection(a)
			a.agent = nil
			d.treat(a, "depose_correction_usager", "")
		}
		return nil
	})
}

// StartInstruction passes a dossier to instruction.
func (s *Server) StartInstruction(number int, options ...ActOption) error {
	return s.change(number, options, (*dossier).startInstruction)
}

// Accept accepts a dossier that is en instruction.
func (s *Server) Accept(number int, motivation string, options ...ActOption) error {
	return s.decide(number, Accepte, motivation, options)
}

// Refuse refuses a dossier that is en instruction. It needs a motivation.
func (s *Server) Refuse(number int, motivation string, options ...ActOption) error {
	return s.decide(number, Refuse, motivation, options)
}

// Class classes a dossier that is en instruction without follow-up. It needs a motivation.
func (s *Server) Class(number int, motivation string, options ...ActOption) error {
	return s.decide(number, SansSuite, motivation, options)
}

func (s *Server) decide(number int, to State, motivation string, options []ActOption) error {
	return s.change(number, options, func(d *dossier, a *act) error { return d.decide(a, to, motivation) })
}

// BackToInstruction undoes a decision.
func (s *Server) BackToInstruction(number int, options ...ActOption) error {
	return s.change(number, options, (*dossier).backToInstruction)
}

// BackToConstruction gives a dossier that is en instruction back to its applicant.
func (s *Server) BackToConstruction(number int, options ...ActOption) error {
	return s.change(number, options, (*dossier).backToConstruction)
}

// Delete puts a dossier into the bin: the applicant does while it is en construction,
// an agent once it is decided. It can be restored until it is purged.
func (s *Server) Delete(number int, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, a *act) error {
		switch d.state {
		case EnInstruction:
			return refused("L’instruction de votre dossier a commencé, il n’est plus possible de supprimer votre dossier")
		case EnConstruction:
			d.hiddenByUser = a.now
		default:
			d.hiddenByAgent = a.now
		}
		return nil
	})
}

// Restore takes a dossier out of the bin.
func (s *Server) Restore(number int, options ...ActOption) error {
	return s.changeAny(number, options, func(d *dossier, _ *act) error {
		if p := d.presence(); p != Trashed && p != Expired {
			return refused("Le dossier n’est pas dans la corbeille")
		}
		d.hiddenByUser, d.hiddenByAgent, d.expired = time.Time{}, time.Time{}, time.Time{}
		return nil
	})
}

// Expire lets a dossier reach the end of its time: it leaves the lists, and appears
// in that of deleted dossiers only once it is purged.
func (s *Server) Expire(number int, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, a *act) error {
		if d.state == EnInstruction {
			return refused("Un dossier en instruction n’expire pas")
		}
		d.expired = a.now
		return nil
	})
}

// Purge deletes a dossier that is in the bin or expired, for good. It is listed with
// the date at which it went out of sight, not with that of the purge.
func (s *Server) Purge(number int, options ...ActOption) error {
	return s.changeAny(number, options, func(d *dossier, a *act) error {
		if p := d.presence(); p != Trashed && p != Expired {
			return refused("Le dossier n’est pas dans la corbeille")
		}
		d.purged = a.now
		return nil
	})
}

// Archive puts a decided dossier aside.
func (s *Server) Archive(number int, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, _ *act) error { return d.setArchived(true) })
}

// Unarchive takes a dossier back from the archive.
func (s *Server) Unarchive(number int, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, _ *act) error { return d.setArchived(false) })
}

// HideByApplicant removes a decided dossier from its applicant's list; agents keep it.
func (s *Server) HideByApplicant(number int, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, a *act) error {
		if !d.state.ended() {
			return refused("Le dossier n’est pas encore traité")
		}
		d.hiddenByUser = a.now
		return nil
	})
}

// DeleteAccount deletes the account that filed the dossier.
func (s *Server) DeleteAccount(number int, options ...ActOption) error {
	return s.changeAny(number, options, func(d *dossier, _ *act) error {
		d.accountDeleted = true
		return nil
	})
}

// CompleteCompany brings the company register's answer.
func (s *Server) CompleteCompany(number int, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, _ *act) error {
		if d.applicant.Company == nil {
			return refused("Le demandeur n’est pas une personne morale")
		}
		company := *d.applicant.Company
		company.Incomplete = false
		d.applicant.Company = &company
		return nil
	})
}

// Reroute gives a dossier to another group of its démarche.
func (s *Server) Reroute(number int, label string, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, _ *act) error {
		for _, g := range d.demarche.groups {
			if g.label == label {
				d.group = g
				return nil
			}
		}
		return ErrNotFound
	})
}

// WriteMessage adds the applicant's message, or with As an agent's.
func (s *Server) WriteMessage(number int, body string, options ...ActOption) error {
	return s.changeAny(number, options, func(d *dossier, a *act) error {
		from := d.email
		if a.as != "" {
			from = a.agent.email
		}
		_, err := d.write(a, from, body, "")
		return err
	})
}

// AskCorrection adds an agent's message that gives the dossier back for correction.
// The reason is incorrect, incomplete or outdated.
func (s *Server) AskCorrection(number int, body, reason string, options ...ActOption) error {
	return s.changeAny(number, options, func(d *dossier, a *act) error {
		_, err := d.write(a, a.agent.email, body, reason)
		return err
	})
}

// Annotate writes annotations, as an agent does in DS.
func (s *Server) Annotate(number int, values Answers, options ...ActOption) error {
	return s.change(number, options, func(d *dossier, a *act) error {
		checked, err := s.check(d.demarche.form.Annotations, values, true)
		if err != nil {
			return err
		}
		d.annotate(a, checked)
		return nil
	})
}

func (d *dossier) annotate(a *act, values Answers) {
	d.annotations = maps.Clone(d.annotations)
	maps.Copy(d.annotations, values)
	a.server.shelf.put(values)
	d.annotationsUpdated = a.now
}

// change does an act on a dossier that is in sight.
func (s *Server) change(number int, options []ActOption, do func(*dossier, *act) error) error {
	return s.changeAny(number, options, func(d *dossier, a *act) error {
		if d.presence() != Present {
			return ErrNotFound
		}
		return do(d, a)
	})
}

// changeAny does an act on a copy of the dossier, which may be in the bin, and
// commits it if nothing is refused.
func (s *Server) changeAny(number int, options []ActOption, do func(*dossier, *act) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.dossiers[number]
	if e == nil || e.current.presence() == Purged {
		return ErrNotFound
	}
	a, d := s.newAct(options), *e.current
	d.updated = a.now
	if err := a.choose(&d); err != nil {
		return err
	}
	if err := do(&d, a); err != nil {
		return err
	}
	if a.chosen != nil && !slices.Contains(d.group.agents, a.chosen) {
		return refused("L’instructeur n’a pas les droits d’accès à ce dossier")
	}
	s.conclude(a, e.current.state, &d)
	return nil
}

// choose finds the agent who acts.
func (a *act) choose(d *dossier) error {
	switch {
	case a.chosen != nil:
		a.agent = a.chosen
	case a.as == "":
		a.agent = d.group.agents[0]
	case a.server.agents[a.as] == nil:
		return fmt.Errorf("demarches: no agent %q: %w", a.as, ErrNotFound)
	default:
		a.agent = a.server.agents[a.as]
	}
	return nil
}

// conclude commits the act and tells the change of state, if it is one.
func (s *Server) conclude(a *act, before State, d *dossier) {
	trouble := s.postman.manners()
	if d.state == before {
		s.commit(d, a.visibleAfter)
		return
	}
	s.commit(d, max(a.visibleAfter, trouble.LateCommit))
	if url := d.demarche.webhook; url != "" && !a.silent {
		for range a.webhooks {
			s.postman.send(call{
				url: url, demarche: d.demarche.form.Number, dossier: d.number, state: d.state, updated: d.updated,
			}, a.webhookAfter)
		}
	}
}
