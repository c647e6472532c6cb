package demarches

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// keptVersion is the version of what Save writes. One that is higher is from a newer
// program, and is not read.
const keptVersion = 1

// kept is everything that a server remembers of what people did. The forms, tokens
// and addresses are its options and are not in it.
type kept struct {
	Format    string           `json:"format"`
	Version   int              `json:"version"`
	Serials   map[string]int64 `json:"serials"`
	Opened    time.Time        `json:"opened"`
	Agents    []keptAgent      `json:"agents"`
	Demarches []keptDemarche   `json:"demarches"`
	Dossiers  []keptDossier    `json:"dossiers"`
}

const keptFormat = "passerelle simulated demarches"

type keptAgent struct {
	Number int    `json:"number"`
	Email  string `json:"email"`
}

type keptDemarche struct {
	Number int               `json:"number"`
	Groups []keptNamed       `json:"groups"`
	Labels []keptNamed       `json:"labels"`
	Fields map[int]FieldType `json:"fields"`
}

type keptNamed struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

type keptDossier struct {
	Number   int   `json:"number"`
	Demarche int   `json:"demarche"`
	State    State `json:"state"`
	Archived bool  `json:"archived,omitzero"`

	Deposited          time.Time `json:"deposited"`
	EnConstruction     time.Time `json:"en_construction"`
	EnInstruction      time.Time `json:"en_instruction,omitzero"`
	Processed          time.Time `json:"processed,omitzero"`
	Updated            time.Time `json:"updated"`
	ChampsUpdated      time.Time `json:"champs_updated"`
	AnnotationsUpdated time.Time `json:"annotations_updated"`
	HiddenByUser       time.Time `json:"hidden_by_user,omitzero"`
	HiddenByAgent      time.Time `json:"hidden_by_agent,omitzero"`
	Expired            time.Time `json:"expired,omitzero"`
	Purged             time.Time `json:"purged,omitzero"`

	Email          string            `json:"email"`
	AccountDeleted bool              `json:"account_deleted,omitzero"`
	Applicant      Applicant         `json:"applicant"`
	Answers        map[int]keptValue `json:"answers"`
	Annotations    map[int]keptValue `json:"annotations,omitempty"`
	Group          int               `json:"group"`
	Followers      []int             `json:"followers,omitempty"`
	Labels         []int             `json:"labels,omitempty"`
	Messages       []keptMessage     `json:"messages,omitempty"`
	Treatments     []keptTreatment   `json:"treatments,omitempty"`
	Motivation     string            `json:"motivation,omitzero"`
}

type keptMessage struct {
	Number     int       `json:"number"`
	Email      string    `json:"email"`
	Body       string    `json:"body"`
	At         time.Time `json:"at"`
	Correction string    `json:"correction,omitzero"`
	Resolved   time.Time `json:"resolved,omitzero"`
}

type keptTreatment struct {
	Number     int       `json:"number"`
	Event      string    `json:"event"`
	State      State     `json:"state"`
	At         time.Time `json:"at"`
	Email      string    `json:"email,omitzero"`
	Motivation string    `json:"motivation,omitzero"`
}

// keptValue has the one value that an answer is.
type keptValue struct {
	Text  *string    `json:"text,omitempty"`
	Bool  *bool      `json:"bool,omitempty"`
	Int   *int64     `json:"int,omitempty"`
	Float *float64   `json:"float,omitempty"`
	List  []string   `json:"list,omitzero"`
	Time  *time.Time `json:"time,omitempty"`
	Files []keptFile `json:"files,omitzero"`
	Rows  []keptRow  `json:"rows,omitzero"`
}

type keptFile struct {
	Filename    string    `json:"filename"`
	ContentType string    `json:"content_type"`
	Content     []byte    `json:"content"`
	Key         string    `json:"key"`
	Checksum    string    `json:"checksum"`
	At          time.Time `json:"at"`
}

type keptRow struct {
	ID      string            `json:"id"`
	Answers map[int]keptValue `json:"answers"`
}

// Save writes everything that Load needs to go on from here. What is not visible in
// the API yet will be after it.
func (s *Server) Save(w io.Writer) error {
	s.mu.RLock()
	k, err := s.kept()
	s.mu.RUnlock()
	if err == nil {
		err = json.NewEncoder(w).Encode(k)
	}
	if err != nil {
		return fmt.Errorf("demarches: save: %w", err)
	}
	return nil
}

func (s *Server) kept() (kept, error) {
	k := kept{Format: keptFormat, Version: keptVersion, Serials: map[string]int64{}, Opened: s.opened.UTC()}
	for kind, n := range s.serials {
		k.Serials[kind] = n.Load()
	}
	for _, email := range slices.Sorted(maps.Keys(s.agents)) {
		k.Agents = append(k.Agents, keptAgent{s.agents[email].number, email})
	}
	for _, number := range slices.Sorted(maps.Keys(s.demarches)) {
		m := s.demarches[number]
		d := keptDemarche{Number: number, Fields: fieldTypes(m.form)}
		for _, g := range m.groups {
			d.Groups = append(d.Groups, keptNamed{g.number, g.label})
		}
		for _, l := range m.labels {
			d.Labels = append(d.Labels, keptNamed{l.number, l.name})
		}
		k.Demarches = append(k.Demarches, d)
	}
	for _, number := range slices.Sorted(maps.Keys(s.dossiers)) {
		d, err := s.dossiers[number].current.kept()
		if err != nil {
			return k, err
		}
		k.Dossiers = append(k.Dossiers, d)
	}
	return k, nil
}

func fieldTypes(f Form) map[int]FieldType {
	types := map[int]FieldType{}
	for _, fields := range [][]Field{f.Fields, f.Annotations} {
		for i := range fields {
			types[fields[i].StableID] = fields[i].Type
		}
	}
	return types
}

func (d *dossier) kept() (keptDossier, error) {
	k := keptDossier{
		Number: d.number, Demarche: d.demarche.form.Number, State: d.state, Archived: d.archived,
		Deposited: d.deposited.UTC(), EnConstruction: d.enConstruction.UTC(), EnInstruction: d.enInstruction.UTC(),
		Processed: d.processed.UTC(), Updated: d.updated.UTC(), ChampsUpdated: d.champsUpdated.UTC(),
		AnnotationsUpdated: d.annotationsUpdated.UTC(), HiddenByUser: d.hiddenByUser.UTC(),
		HiddenByAgent: d.hiddenByAgent.UTC(), Expired: d.expired.UTC(), Purged: d.purged.UTC(),
		Email: d.email, AccountDeleted: d.accountDeleted, Applicant: d.applicant,
		Group: d.group.number, Motivation: d.motivation,
	}
	var errs [2]error
	k.Answers, errs[0] = d.answers.kept()
	k.Annotations, errs[1] = d.annotations.kept()
	if err := errors.Join(errs[:]...); err != nil {
		return k, fmt.Errorf("dossier %d: %w", d.number, err)
	}
	for _, p := range d.followers {
		k.Followers = append(k.Followers, p.number)
	}
	for _, l := range d.labels {
		k.Labels = append(k.Labels, l.number)
	}
	for _, m := range d.messages {
		k.Messages = append(k.Messages, keptMessage{m.number, m.email, m.body, m.at.UTC(), m.correction, m.resolved.UTC()})
	}
	for _, t := range d.treatments {
		k.Treatments = append(k.Treatments, keptTreatment{t.number, t.event, t.state, t.at.UTC(), t.email, t.motivation})
	}
	return k, nil
}

func (a Answers) kept() (map[int]keptValue, error) {
	values := map[int]keptValue{}
	for id, value := range a {
		k := keptValue{}
		switch v := value.(type) {
		case nil:
			continue
		case string:
			k.Text = &v
		case bool:
			k.Bool = &v
		case int64:
			k.Int = &v
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue // no number, and none that can be written
			}
			k.Float = &v
		case []string:
			k.List = append([]string{}, v...)
		case time.Time:
			k.Time = &v
		case []*file:
			k.Files = []keptFile{}
			for _, f := range v {
				k.Files = append(k.Files, keptFile{f.Filename, f.ContentType, f.Content, f.key, f.checksum, f.at.UTC()})
			}
		case []row:
			k.Rows = []keptRow{}
			for _, r := range v {
				answers, err := r.answers.kept()
				if err != nil {
					return nil, err
				}
				k.Rows = append(k.Rows, keptRow{r.id, answers})
			}
		default:
			return nil, fmt.Errorf("champ %d: a %T cannot be kept", id, value)
		}
		values[id] = k
	}
	return values, nil
}

// Load brings back what Save wrote, in place of what the server holds, before it
// serves anybody. The server has the forms that it had when it was saved. After an
// error nothing is changed.
func (s *Server) Load(r io.Reader) error {
	decoder := json.NewDecoder(r)
	var k kept
	if err := decoder.Decode(&k); err != nil {
		return fmt.Errorf("demarches: load: this is not a complete file of the simulator: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("demarches: load: there is more in the file than the simulator wrote")
	}
	switch {
	case k.Format != keptFormat:
		return fmt.Errorf("demarches: load: this is a file of something else (%q)", k.Format)
	case k.Version > keptVersion:
		return fmt.Errorf("demarches: load: version %d was written by a newer program (this one reads up to %d)", k.Version, keptVersion)
	case k.Version < 1:
		return fmt.Errorf("demarches: load: there is no version %d", k.Version)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.restore(&k)
	if err != nil {
		return fmt.Errorf("demarches: load: %w", err)
	}
	w.install()
	return nil
}

// restored is what a file holds, before it takes the place of what there is.
type restored struct {
	server   *Server
	kept     *kept
	agents   map[int]*profile
	groups   map[int]*group
	labels   map[int]*label
	dossiers map[int]*dossier
	files    map[string]*file
}

func (s *Server) restore(k *kept) (*restored, error) {
	w := &restored{
		server: s, kept: k, agents: map[int]*profile{}, groups: map[int]*group{}, labels: map[int]*label{},
		dossiers: map[int]*dossier{}, files: map[string]*file{},
	}
	for _, a := range k.Agents {
		if a.Number < 1 || a.Email == "" || w.agents[a.Number] != nil {
			return nil, fmt.Errorf("agent %d is there twice, or not well", a.Number)
		}
		w.agents[a.Number] = &profile{a.Number, a.Email}
	}
	for _, d := range k.Demarches {
		m := s.demarches[d.Number]
		if m == nil {
			return nil, fmt.Errorf("démarche %d is not open here", d.Number)
		}
		types := fieldTypes(m.form)
		for id, was := range d.Fields {
			if is, there := types[id]; there && is != was {
				return nil, fmt.Errorf("champ %d of démarche %d was %s, and is %s now: start with another folder", id, d.Number, was, is)
			}
		}
		for _, g := range d.Groups {
			i := slices.IndexFunc(m.groups, func(have *group) bool { return have.label == g.Name })
			if i < 0 {
				return nil, fmt.Errorf("démarche %d has no group %q", d.Number, g.Name)
			}
			w.groups[g.Number] = &group{number: g.Number, label: g.Name, agents: m.groups[i].agents}
		}
		for _, l := range d.Labels {
			w.labels[l.Number] = &label{l.Number, l.Name, m}
		}
	}
	for i := range k.Dossiers {
		d, err := w.dossier(&k.Dossiers[i])
		if err != nil {
			return nil, fmt.Errorf("dossier %d: %w", k.Dossiers[i].Number, err)
		}
		if d.number < 1 || w.dossiers[d.number] != nil {
			return nil, fmt.Errorf("dossier %d is there twice, or not well", d.number)
		}
		w.dossiers[d.number] = d
	}
	return w, nil
}

func (w *restored) dossier(k *keptDossier) (*dossier, error) {
	m := w.server.demarches[k.Demarche]
	switch {
	case m == nil:
		return nil, fmt.Errorf("démarche %d is not open here", k.Demarche)
	case k.State.label() == "":
		return nil, fmt.Errorf("there is no state %q", k.State)
	case w.groups[k.Group] == nil:
		return nil, fmt.Errorf("there is no group %d", k.Group)
	}
	d := &dossier{
		number: k.Number, demarche: m, state: k.State, archived: k.Archived,
		deposited: k.Deposited, enConstruction: k.EnConstruction, enInstruction: k.EnInstruction, processed: k.Processed,
		updated: k.Updated, champsUpdated: k.ChampsUpdated, annotationsUpdated: k.AnnotationsUpdated,
		hiddenByUser: k.HiddenByUser, hiddenByAgent: k.HiddenByAgent, expired: k.Expired, purged: k.Purged,
		email: k.Email, accountDeleted: k.AccountDeleted, applicant: k.Applicant, group: w.groups[k.Group], motivation: k.Motivation,
	}
	var errs [2]error
	d.answers, errs[0] = w.answers(m.form.Fields, k.Answers)
	d.annotations, errs[1] = w.answers(m.form.Annotations, k.Annotations)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for _, number := range k.Followers {
		if w.agents[number] == nil {
			return nil, fmt.Errorf("there is no agent %d", number)
		}
		d.followers = append(d.followers, w.agents[number])
	}
	for _, number := range k.Labels {
		if w.labels[number] == nil {
			return nil, fmt.Errorf("there is no label %d", number)
		}
		d.labels = append(d.labels, w.labels[number])
	}
	for _, v := range k.Messages {
		d.messages = append(d.messages, &message{v.Number, v.Email, v.Body, v.At, v.Correction, v.Resolved})
	}
	for _, v := range k.Treatments {
		d.treatments = append(d.treatments, treatment{v.Number, v.Event, v.State, v.At, v.Email, v.Motivation})
	}
	return d, nil
}

// answers brings answers back. Those of fields that the form has no more stay
// unseen, as in DS.
func (w *restored) answers(fields []Field, values map[int]keptValue) (Answers, error) {
	answers := Answers{}
	for id, k := range values {
		f := field(fields, id)
		switch {
		case k.Text != nil:
			answers[id] = *k.Text
		case k.Bool != nil:
			answers[id] = *k.Bool
		case k.Int != nil:
			answers[id] = *k.Int
		case k.Float != nil:
			answers[id] = *k.Float
		case k.List != nil:
			answers[id] = k.List
		case k.Time != nil:
			answers[id] = *k.Time
		case k.Files != nil:
			files := []*file{}
			for _, v := range k.Files {
				f := &file{Attachment{v.Filename, v.ContentType, v.Content}, v.Key, v.Checksum, v.At}
				w.files[f.key] = f
				files = append(files, f)
			}
			answers[id] = files
		case k.Rows != nil:
			rows := []row{}
			for _, v := range k.Rows {
				var inner []Field
				if f != nil {
					inner = f.Fields
				}
				given, err := w.answers(inner, v.Answers)
				if err != nil {
					return nil, err
				}
				rows = append(rows, row{v.ID, given})
			}
			answers[id] = rows
		default:
			return nil, fmt.Errorf("champ %d has no value", id)
		}
	}
	return answers, nil
}

// install puts what was restored in the place of what there is.
func (w *restored) install() {
	s := w.server
	s.opened = w.kept.Opened
	for kind, n := range w.kept.Serials {
		if s.serials[kind] == nil {
			s.serials[kind] = new(atomic.Int64)
		}
		s.serials[kind].Store(max(n, s.serials[kind].Load()))
	}
	for number, p := range w.agents {
		if have := s.agents[p.email]; have != nil {
			have.number = number
			continue
		}
		s.agents[p.email] = p
	}
	for _, p := range s.agents {
		if kept := w.agents[p.number]; kept == nil || kept.email != p.email {
			p.number = s.serial("agent") // its own is taken
		}
	}
	added := s.labels
	s.labels = w.labels
	for _, m := range s.demarches {
		m.opened = s.opened
		m.byDeposit, m.byUpdate, m.trash, m.deleted = nil, nil, nil, nil
	}
	for _, d := range w.kept.Demarches {
		m := s.demarches[d.Number]
		for _, have := range m.groups {
			i := slices.IndexFunc(d.Groups, func(v keptNamed) bool { return v.Name == have.label })
			if i < 0 {
				have.number = s.serial("group")
				continue
			}
			have.number = d.Groups[i].Number
		}
		m.labels = nil
		for _, v := range d.Labels {
			m.labels = append(m.labels, w.labels[v.Number])
		}
		for _, number := range slices.Sorted(maps.Keys(added)) {
			l := added[number]
			if l.demarche == m && !slices.ContainsFunc(m.labels, func(have *label) bool { return have.name == l.name }) {
				l.number = s.serial("label")
				m.labels, s.labels[l.number] = append(m.labels, l), l
			}
		}
	}
	s.shelf.mu.Lock()
	s.shelf.files = w.files
	s.shelf.mu.Unlock()
	s.dossiers, s.late = map[int]*entry{}, nil
	for _, number := range slices.Sorted(maps.Keys(w.dossiers)) {
		d := w.dossiers[number]
		s.serials["dossier"].Store(max(int64(number), s.serials["dossier"].Load()))
		for i, g := range d.demarche.groups {
			if g.number == d.group.number {
				d.group = d.demarche.groups[i]
			}
		}
		for i, p := range d.followers {
			d.followers[i] = s.agents[p.email]
		}
		s.commit(d, 0)
	}
	s.broadcast()
}
