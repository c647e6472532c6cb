package demarches

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// The names of the operations, as DS logs them and OnCall gets them.
const (
	opDossier          = "Dossier"
	opChanges          = "Changes"
	opHeadings         = "Headings"
	opNewest           = "Newest"
	opFindMessage      = "FindMessage"
	opSendMessage      = "SendMessage"
	opStartInstruction = "StartInstruction"
	opInstructeurs     = "Instructeurs"
	opAccept           = "Accept"
	opRefuse           = "Refuse"
	opClass            = "Class"
	opAnnotate         = "Annotate"
	opLabels           = "Labels"
	opAddLabel         = "AddLabel"
	opRemoveLabel      = "RemoveLabel"
)

// Dossier reads everything about a dossier in one query. A dossier that is
// deleted, in the bin, expired or not ours to see fails as not found.
func (c *Client) Dossier(ctx context.Context, number int64) (onboarding.Dossier, error) {
	op := operation{name: opDossier, subject: subject(number)}
	var answer struct {
		Dossier *dossier `graphql:"dossier(number: $number)"`
	}
	if err := c.run(ctx, op, &answer, map[string]any{"number": number}); err != nil {
		return onboarding.Dossier{}, err
	}
	if answer.Dossier == nil {
		return onboarding.Dossier{}, c.unreadable(op, errUnreadable)
	}
	return answer.Dossier.read(), nil
}

func subject(number int64) string { return fmt.Sprintf("dossier %d", number) }

// dossier is what is asked of a dossier, in the words of DS's schema: the library
// writes the query from it.
type dossier struct {
	ID       string
	Number   int64
	State    onboarding.State
	Archived bool
	Demarche struct{ Number int64 }
	// The account, and what became of it.
	Usager           struct{ Email string }
	ConnectionUsager string
	Demandeur        demandeur
	Motivation       string

	DateDepot                       time.Time
	DateDerniereModification        time.Time
	DateDerniereModificationChamps  time.Time
	DatePassageEnInstruction        *time.Time
	DateDerniereCorrectionEnAttente *time.Time
	DateSuppressionParUsager        *time.Time
	DateTraitement                  *time.Time

	Traitements []traitement
	Labels      []struct{ Name string }
	Champs      []champ
}

// traitement is a step of a dossier's history.
type traitement struct {
	Event          string
	DateTraitement time.Time
}

// demandeur is the organisation that the dossier is for. Of a person nothing is read.
type demandeur struct {
	Organisation struct {
		Siret      string `graphql:"siretEntreprise: siret"`
		Entreprise *struct {
			RaisonSociale string
		}
		Association *struct {
			Titre string
		}
	} `graphql:"... on PersonneMorale"`
	// Until DS has heard from the company register.
	Incomplete struct {
		Siret string `graphql:"siretIncomplet: siret"`
	} `graphql:"... on PersonneMoraleIncomplete"`
}

// champ is a field at the top of the form. A block's fields are of another type
// because blocks do not nest.
type champ struct {
	field
	Repetition struct {
		Rows []struct{ Champs []field }
	} `graphql:"... on RepetitionChamp"`
}

// field is any field with its content. The values of check boxes and yes/no fields
// have aliases: GraphQL refuses two fields of one name and different types (the
// second can be null).
type field struct {
	ID          string
	Label       string
	StringValue string
	Checkbox    struct {
		Value *bool `graphql:"checkboxValue: value"`
	} `graphql:"... on CheckboxChamp"`
	YesNo struct {
		Value *bool `graphql:"yesNoValue: value"`
	} `graphql:"... on YesNoChamp"`
	Multiple struct {
		Values []string
	} `graphql:"... on MultipleDropDownListChamp"`
	Attachment struct {
		Files []struct{ Filename string }
	} `graphql:"... on PieceJustificativeChamp"`
}

func (d *dossier) read() onboarding.Dossier {
	read := onboarding.Dossier{
		Number:          d.Number,
		ID:              d.ID,
		Demarche:        d.Demarche.Number,
		State:           d.State,
		Archived:        d.Archived,
		HiddenByUsager:  d.DateSuppressionParUsager != nil,
		AccountDeleted:  d.ConnectionUsager == "deleted",
		AwaitCorrection: d.DateDerniereCorrectionEnAttente != nil,
		// Going back to en_construction clears the date; the event stays.
		EverInstructed: d.DatePassageEnInstruction != nil,
		FiledAt:        d.DateDepot,
		UpdatedAt:      d.DateDerniereModification,
		AnswersAt:      d.DateDerniereModificationChamps,
		Motivation:     d.Motivation,
		UsagerEmail:    d.Usager.Email,
		Demandeur:      d.Demandeur.name(),
		Answers:        make([]onboarding.Answer, 0, len(d.Champs)),
	}
	if d.DateDerniereCorrectionEnAttente != nil {
		read.CorrectionAt = *d.DateDerniereCorrectionEnAttente
	}
	if d.DateTraitement != nil && d.State.Decided() {
		read.EndedAt = *d.DateTraitement
	}
	for _, t := range d.Traitements {
		switch strings.TrimSuffix(t.Event, "_automatiquement") {
		case "accepte", "refuse", "classe_sans_suite":
			read.Decisions++
		case "passe_en_instruction", "repasse_en_instruction":
			read.EverInstructed = true
		}
		// What gives a dossier back has variants, "_avec_correction" among them.
		if strings.HasPrefix(t.Event, "repasse_en_") && t.DateTraitement.After(read.ReopenedAt) {
			read.ReopenedAt = t.DateTraitement
		}
	}
	for _, label := range d.Labels {
		read.Labels = append(read.Labels, label.Name)
	}
	slices.Sort(read.Labels)
	for i := range d.Champs {
		answer := d.Champs[i].answer()
		for _, row := range d.Champs[i].Repetition.Rows {
			answers := make([]onboarding.Answer, 0, len(row.Champs))
			for j := range row.Champs {
				answers = append(answers, row.Champs[j].answer())
			}
			answer.Rows = append(answer.Rows, answers)
		}
		read.Answers = append(read.Answers, answer)
	}
	return read
}

func (f *field) answer() onboarding.Answer {
	answer := onboarding.Answer{
		Champ:   f.ID,
		Label:   f.Label,
		Text:    f.StringValue,
		Values:  f.Multiple.Values,
		Checked: f.Checkbox.Value,
	}
	if answer.Checked == nil {
		answer.Checked = f.YesNo.Value
	}
	for _, file := range f.Attachment.Files {
		answer.Values = append(answer.Values, file.Filename)
	}
	return answer
}

// name is an organisation's. A person's is not read: it would end up in paths and in
// the ledger.
func (d *demandeur) name() string {
	var name string
	switch o := &d.Organisation; {
	case o.Association != nil && o.Association.Titre != "":
		name = o.Association.Titre
	case o.Entreprise != nil && o.Entreprise.RaisonSociale != "":
		name = o.Entreprise.RaisonSociale
	case o.Siret != "":
		name = "SIRET " + o.Siret
	case d.Incomplete.Siret != "":
		name = "SIRET " + d.Incomplete.Siret
	}
	return strings.TrimSpace(name)
}
