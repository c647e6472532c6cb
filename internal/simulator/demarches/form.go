package demarches

import (
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// FieldType is the kind of a form's field, in the words of the API's TypeDeChamp.
type FieldType string

// The kinds of fields that a form of the simulator can have. Beside each, the Go
// type of its answer.
const (
	Text                 FieldType = "text"                    // string
	Textarea             FieldType = "textarea"                // string
	Email                FieldType = "email"                   // string
	Phone                FieldType = "phone"                   // string
	YesNo                FieldType = "yes_no"                  // bool
	Checkbox             FieldType = "checkbox"                // bool
	IntegerNumber        FieldType = "integer_number"          // int
	DecimalNumber        FieldType = "decimal_number"          // float64
	DropDownList         FieldType = "drop_down_list"          // string
	MultipleDropDownList FieldType = "multiple_drop_down_list" // []string
	Date                 FieldType = "date"                    // time.Time
	Datetime             FieldType = "datetime"                // time.Time
	PieceJustificative   FieldType = "piece_justificative"     // []Attachment
	Repetition           FieldType = "repetition"              // []Answers, one for each row
	HeaderSection        FieldType = "header_section"          // none
	Explication          FieldType = "explication"             // none
)

// Field is one field of a form, or one private annotation.
type Field struct {
	StableID    int // keeps its value through revisions, unlike the label
	Label       string
	Description string
	Type        FieldType
	Required    bool
	Options     []string // of a list
	OtherOption bool     // whether a DropDownList takes values of its own
	Level       int      // of a HeaderSection
	Fields      []Field  // of a Repetition
}

// Form is what a démarche asks.
type Form struct {
	Number      int
	Title       string
	Description string
	Path        string // of the page where it is filled in: /commencer/<path>
	Fields      []Field
	Annotations []Field // seen by agents alone
	Labels      []string
}

// Answers are the values of fields by stable id; see FieldType for their Go types.
type Answers map[int]any

// Attachment is a file that somebody joins.
type Attachment struct {
	Filename    string
	ContentType string
	Content     []byte
}

// InvalidAnswersError says in French, field by field, what is wrong.
type InvalidAnswersError struct {
	Problems map[int]string // by stable id
}

func (e *InvalidAnswersError) Error() string {
	var problems []string
	for _, id := range slices.Sorted(maps.Keys(e.Problems)) {
		problems = append(problems, e.Problems[id])
	}
	return "réponses invalides : " + strings.Join(problems, " ; ")
}

// row is one row of a repeated block. Its id is drawn once and kept.
type row struct {
	id      string
	answers Answers
}

// field finds a field by its stable id, inside repeated blocks too.
func field(fields []Field, stableID int) *Field {
	for i := range fields {
		if fields[i].StableID == stableID {
			return &fields[i]
		}
		if f := field(fields[i].Fields, stableID); f != nil {
			return f
		}
	}
	return nil
}

// check returns the answers in the form in which they are kept, or what is wrong
// with them. partial leaves out the question of what is required.
func (s *Server) check(fields []Field, answers Answers, partial bool) (Answers, error) {
	kept, problems := Answers{}, map[int]string{}
	known := map[int]bool{}
	for i := range fields {
		f := &fields[i]
		known[f.StableID] = true
		given, there := answers[f.StableID]
		if there {
			value, problem := s.checkOne(f, given)
			if problem != "" {
				problems[f.StableID] = problem
				continue
			}
			kept[f.StableID] = value
		}
		if f.Required && f.blank(kept[f.StableID]) && (there || !partial) {
			problems[f.StableID] = fmt.Sprintf("Le champ « %s » doit être rempli", f.Label)
		}
	}
	for id := range answers {
		if !known[id] {
			problems[id] = fmt.Sprintf("Le champ %d n’existe pas", id)
		}
	}
	if len(problems) > 0 {
		return nil, &InvalidAnswersError{Problems: problems}
	}
	return kept, nil
}

// blank says whether a value leaves the field unanswered. A box that must be
// ticked is unanswered until it is; a question may be answered by no.
func (f *Field) blank(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return f.Type == Checkbox && !v
	case string:
		return strings.TrimSpace(v) == ""
	case []string:
		return len(v) == 0
	case []*file:
		return len(v) == 0
	case []row:
		return len(v) == 0
	}
	return false
}

// checkOne returns the value to keep, or in French what is wrong with it. Nil takes
// an answer back.
func (s *Server) checkOne(f *Field, given any) (kept any, problem string) {
	if given == nil {
		return nil, ""
	}
	switch f.Type {
	case Text, Textarea, Phone:
		if v, ok := given.(string); ok {
			return v, ""
		}
	case Email:
		if v, ok := given.(string); ok {
			if a, err := mail.ParseAddress(v); v != "" && (err != nil || a.Address != v) {
				return nil, fmt.Sprintf("Le champ « %s » n’est pas une adresse électronique valide", f.Label)
			}
			return v, ""
		}
	case YesNo, Checkbox:
		if v, ok := given.(bool); ok {
			return v, ""
		}
	case IntegerNumber:
		switch v := given.(type) {
		case int:
			return int64(v), ""
		case int64:
			return v, ""
		}
	case DecimalNumber:
		if v, ok := given.(float64); ok {
			return v, ""
		}
	case DropDownList:
		if v, ok := given.(string); ok {
			if v != "" && !f.OtherOption && !slices.Contains(f.Options, v) {
				return nil, fmt.Sprintf("Le champ « %s » doit être dans la liste", f.Label)
			}
			return v, ""
		}
	case MultipleDropDownList:
		if v, ok := given.([]string); ok {
			for _, option := range v {
				if !slices.Contains(f.Options, option) {
					return nil, fmt.Sprintf("Le champ « %s » doit être dans la liste", f.Label)
				}
			}
			return slices.Clone(v), ""
		}
	case Date, Datetime:
		if v, ok := given.(time.Time); ok {
			return v, ""
		}
	case PieceJustificative:
		if v, ok := given.([]Attachment); ok {
			return s.newFiles(v), ""
		}
	case Repetition:
		if v, ok := given.([]Answers); ok {
			return s.checkRows(f, v)
		}
	case HeaderSection, Explication:
		return nil, fmt.Sprintf("Le champ « %s » n’attend pas de réponse", f.Label)
	}
	return nil, fmt.Sprintf("Le champ « %s » n’attend pas une valeur de ce genre (%T)", f.Label, given)
}

func (s *Server) checkRows(f *Field, given []Answers) (kept any, problem string) {
	rows := make([]row, 0, len(given))
	for _, answers := range given {
		checked, err := s.check(f.Fields, answers, false)
		if err != nil {
			return nil, fmt.Sprintf("Le champ « %s » : %s", f.Label, err)
		}
		rows = append(rows, row{id: fmt.Sprintf("%026d", s.serial("row")), answers: checked})
	}
	return rows, ""
}
