package demarches

import (
	"errors"
	"fmt"
	"html"
	"slices"
	"time"
)

// State is where a dossier stands.
type State string

// The states of a dossier. A draft never leaves DS, so there is none here.
const (
	EnConstruction State = "en_construction"
	EnInstruction  State = "en_instruction"
	Accepte        State = "accepte"
	Refuse         State = "refuse"
	SansSuite      State = "sans_suite"
)

// ended says whether a decision stands.
func (s State) ended() bool { return s == Accepte || s == Refuse || s == SansSuite }

// label is the state as DS writes it in a sentence.
func (s State) label() string {
	return map[State]string{
		EnConstruction: "en construction", EnInstruction: "en instruction",
		Accepte: "accepté", Refuse: "refusé", SansSuite: "classé sans suite",
	}[s]
}

// Presence says whether the API still knows a dossier.
type Presence string

// What can become of a dossier.
const (
	Present Presence = "present" // in dossiers
	Trashed Presence = "trashed" // in pendingDeletedDossiers, can be restored
	Expired Presence = "expired" // in no list any more, and not yet in another
	Purged  Presence = "purged"  // in deletedDossiers, for good
)

// ErrNotFound is returned for a dossier or démarche that does not exist, or no longer.
var ErrNotFound = errors.New("dossier or démarche not found")

// RefusedError is an act that DS refuses, in the words in which it says so.
type RefusedError struct{ Message string }

func (e *RefusedError) Error() string { return e.Message }

func refused(format string, a ...any) error {
	return &RefusedError{Message: fmt.Sprintf(format, a...)}
}

// systemEmail is the sender of DS's own messages.
const systemEmail = "contact@demarche.numerique.gouv.fr"

// dossier is one version of a dossier. A version that has been committed never
// changes: acts copy it, with its slices and maps, and readers need no lock.
type dossier struct {
	number   int
	version  int64
	demarche *demarche
	state    State
	archived bool

	deposited, enConstruction, enInstruction, processed time.Time
	updated, champsUpdated, annotationsUpdated          time.Time
	hiddenByUser, hiddenByAgent, expired, purged        time.Time
	email                                               string
	accountDeleted                                      bool
	applicant                                           Applicant
	answers, annotations                                Answers
	group                                               *group
	followers                                           []*profile
	labels                                              []*label
	messages                                            []*message
	treatments                                          []treatment
	motivation                                          string
}

// message is one message of a dossier; its correction, if it asks for one, is
// resolved in a copy.
type message struct {
	number     int
	email      string
	body       string
	at         time.Time
	correction string // incorrect, incomplete, outdated; empty for none
	resolved   time.Time
}

func (m *message) pending() bool { return m.correction != "" && m.resolved.IsZero() }

// treatment is one step in a dossier's history.
type treatment struct {
	number     int
	event      string
	state      State
	at         time.Time
	email      string
	motivation string
}

func (d *dossier) presence() Presence {
	switch {
	case !d.purged.IsZero():
		return Purged
	case !d.expired.IsZero():
		return Expired
	case !d.hiddenByAgent.IsZero(), !d.hiddenByUser.IsZero() && !d.state.ended():
		return Trashed
	}
	return Present
}

// hidden is when the dossier went out of sight, which is the date of its deletion.
func (d *dossier) hidden() time.Time {
	for _, t := range []time.Time{d.hiddenByUser, d.hiddenByAgent, d.expired} {
		if !t.IsZero() {
			return t
		}
	}
	return d.purged
}

// deletionReason is the reason in the words of DeletedDossierReason.
func (d *dossier) deletionReason() string {
	switch {
	case !d.hiddenByUser.IsZero() && d.hiddenByAgent.IsZero() && d.accountDeleted:
		return "user_removed"
	case !d.hiddenByUser.IsZero() && d.hiddenByAgent.IsZero():
		return "user_request"
	case !d.hiddenByAgent.IsZero():
		return "instructeur_request"
	}
	return "expired"
}

func (d *dossier) pendingCorrection() *message {
	for _, m := range d.messages {
		if m.pending() {
			return m
		}
	}
	return nil
}

// The state machine. Each step works on a copy that its caller commits if there
// is no error; people's acts and the API's mutations both come through here.

func (d *dossier) startInstruction(a *act) error {
	if d.state != EnConstruction {
		return d.already()
	}
	d.state, d.enInstruction = EnInstruction, a.now
	d.resolveCorrection(a)
	d.follow(a.agent)
	d.treat(a, "passe_en_instruction", "")
	d.notify(a, "Votre dossier n° %d est passé en instruction")
	return nil
}

func (d *dossier) decide(a *act, to State, motivation string) error {
	if d.state != EnInstruction {
		return d.already()
	}
	if d.applicant.Company != nil && d.applicant.Company.Incomplete {
		return refused("Les informations du SIRET du dossier ne sont pas complètes. Veuillez réessayer plus tard.")
	}
	event, subject := "accepte", "Votre dossier n° %d a été accepté"
	switch to {
	case Refuse:
		event, subject = "refuse", "Votre dossier n° %d a été refusé"
	case SansSuite:
		event, subject = "classe_sans_suite", "Votre dossier n° %d a été classé sans suite"
	}
	if to != Accepte && motivation == "" {
		return refused("La motivation doit être remplie")
	}
	d.state, d.processed, d.motivation = to, a.now, motivation
	d.treat(a, event, motivation)
	d.notify(a, subject)
	return nil
}

func (d *dossier) backToInstruction(a *act) error {
	if !d.state.ended() {
		return d.already()
	}
	d.state, d.enInstruction = EnInstruction, a.now
	d.archived, d.motivation, d.hiddenByUser = false, "", time.Time{}
	d.treat(a, "repasse_en_instruction", "")
	d.notify(a, "Votre dossier n° %d est repassé en instruction")
	return nil
}

func (d *dossier) backToConstruction(a *act) error {
	if d.state != EnInstruction {
		return d.already()
	}
	d.state, d.enConstruction = EnConstruction, a.now
	d.treat(a, "repasse_en_construction", "")
	d.notify(a, "Votre dossier n° %d est repassé en construction")
	return nil
}

// write adds an agent's message. A correction asked for on top of another, or of
// a decision, is dropped without a word, and the message goes out all the same.
func (d *dossier) write(a *act, email, body, correction string) (*message, error) {
	switch {
	case d.archived, d.accountDeleted, !d.hiddenByUser.IsZero(), d.presence() != Present:
		return nil, refused("Il n’est pas possible d’envoyer un message sur un dossier supprimé, archivé ou en brouillon")
	case body == "":
		return nil, refused("Votre message ne peut être vide")
	}
	m := d.addMessage(a, email, body)
	if correction == "" || d.pendingCorrection() != nil || d.state.ended() {
		return m, nil
	}
	m.correction = correction
	if d.state == EnInstruction {
		return m, d.backToConstruction(a)
	}
	return m, nil
}

func (d *dossier) setArchived(archived bool) error {
	if archived && !d.state.ended() {
		return refused("Un dossier ne peut être déplacé dans « à archiver » qu’une fois le traitement terminé")
	}
	d.archived = archived
	return nil
}

func (d *dossier) addLabel(l *label) error {
	switch {
	case l.demarche != d.demarche:
		return refused("Ce label n’appartient pas à la même démarche que le dossier")
	case slices.Contains(d.labels, l):
		return refused("Ce label est déjà associé au dossier")
	}
	d.labels = append(slices.Clip(d.labels), l)
	return nil
}

func (d *dossier) removeLabel(l *label) error {
	at := slices.Index(d.labels, l)
	if at < 0 {
		return refused("Ce label n’est pas associé au dossier")
	}
	d.labels = slices.Delete(slices.Clone(d.labels), at, at+1)
	return nil
}

func (d *dossier) already() error { return refused("Le dossier est déjà %s", d.state.label()) }

func (d *dossier) follow(p *profile) {
	if !slices.Contains(d.followers, p) {
		d.followers = append(slices.Clip(d.followers), p)
	}
}

func (d *dossier) treat(a *act, event, motivation string) {
	email := ""
	if a.agent != nil {
		email = a.agent.email
	}
	d.treatments = append(slices.Clip(d.treatments), treatment{
		number: a.server.serial("treatment"), event: event, state: d.state, at: a.now, email: email, motivation: motivation,
	})
}

// notify adds the message that DS itself writes at each change of state.
func (d *dossier) notify(a *act, subject string) {
	title := fmt.Sprintf(subject+" (%s)", d.number, d.demarche.form.Title)
	body := "[" + title + "]<p>Bonjour,</p><p>" + html.EscapeString(title) + ".</p>"
	if d.motivation != "" {
		body += "<p>Motivation : " + html.EscapeString(d.motivation) + "</p>"
	}
	d.addMessage(a, systemEmail, body)
}

func (d *dossier) addMessage(a *act, email, body string) *message {
	m := &message{number: a.server.serial("message"), email: email, body: body, at: a.now}
	d.messages = append(slices.Clip(d.messages), m)
	return m
}

func (d *dossier) resolveCorrection(a *act) {
	for i, m := range d.messages {
		if m.pending() {
			solved := *m
			solved.resolved = a.now
			d.messages = slices.Clone(d.messages)
			d.messages[i] = &solved
		}
	}
}
