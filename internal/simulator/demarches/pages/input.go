package pages

import (
	"encoding/base64"
	"io"
	"maps"
	"math"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

const (
	// other is the choice that takes a value of its own.
	other    = "__autre__"
	maxRows  = 50
	dateTime = "2006-01-02T15:04"
)

// input is a field as the page shows it.
type input struct {
	common
	demarches.Field

	Name    string
	Values  []string
	Other   string // the value of one's own
	Problem string
	Files   []demarches.FileLink
	Rows    [][]input
}

func (i input) Value() string {
	if len(i.Values) == 0 {
		return ""
	}
	return i.Values[0]
}

func (i input) Chosen(option string) bool { return slices.Contains(i.Values, option) }

func (i input) Kind() string { return string(i.Type) }

// Describes lists the elements that say more about the field, for screen readers.
func (i input) Describes() string {
	var ids []string
	if i.Description != "" {
		ids = append(ids, i.Name+"-aide")
	}
	if i.Type == demarches.PieceJustificative {
		ids = append(ids, i.Name+"-taille")
	}
	if i.Problem != "" {
		ids = append(ids, i.Name+"-erreur")
	}
	return strings.Join(ids, " ")
}

// Heading is the level of a section's title below the page's own.
func (i input) Heading() bool { return i.Level <= 1 }

// RowCount is how many rows the page shows.
func (i input) RowCount() int { return len(i.Rows) }

func nameOf(prefix string, stableID int) string { return prefix + strconv.Itoa(stableID) }

const prefix = "champ_"

// inputs returns the fields with what was typed and what is wrong with it.
func inputs(
	r *http.Request, before string, fields []demarches.Field, typed url.Values,
	problems map[int]string, files map[int][]demarches.FileLink,
) []input {
	list := make([]input, 0, len(fields))
	for _, f := range fields {
		i := input{common: common{r}, Field: f, Name: nameOf(before, f.StableID), Problem: problems[f.StableID], Files: files[f.StableID]}
		i.Problem = translated(i.Problem, page.Lang(r))
		i.Values, i.Other = typed[i.Name], typed.Get(i.Name+"_autre")
		if f.Type == demarches.Repetition {
			for n := range min(rowsOf(typed, i.Name)+2, maxRows) { // two more to fill in
				i.Rows = append(i.Rows, inputs(r, i.Name+"_"+strconv.Itoa(n)+"_", f.Fields, typed, nil, nil))
			}
		}
		list = append(list, i)
	}
	return list
}

func rowsOf(typed url.Values, name string) int {
	n, err := strconv.Atoi(typed.Get(name + "_lignes"))
	if err != nil || n < 0 {
		return 0
	}
	return min(n, maxRows)
}

// prefilled turns a query into what would have been typed. Fields are named by
// their id in the API, with or without its padding, or by their stable id.
func prefilled(query url.Values) url.Values {
	typed := url.Values{}
	for name, values := range query {
		id, found := strings.CutPrefix(strings.TrimSuffix(name, "[]"), prefix)
		if !found {
			continue
		}
		if text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(id, "=")); err == nil {
			if stableID, champ := strings.CutPrefix(string(text), "Champ-"); champ {
				id = stableID
			}
		}
		for _, v := range values {
			typed.Add(prefix+id, clean(v))
		}
	}
	return typed
}

// offered leaves out the choices that a field does not offer, and so cannot show.
func offered(fields []demarches.Field, typed url.Values) url.Values {
	for _, f := range fields {
		name := nameOf(prefix, f.StableID)
		if closed := f.Type == demarches.DropDownList && !f.OtherOption; closed && !slices.Contains(f.Options, typed.Get(name)) {
			typed.Del(name)
		}
	}
	return typed
}

// typedAs turns answers back into what would have been typed.
func typedAs(before string, fields []demarches.Field, answers demarches.Answers) url.Values {
	typed := url.Values{}
	for _, f := range fields {
		name := nameOf(before, f.StableID)
		switch v := answers[f.StableID].(type) {
		case string:
			typed.Set(name, v)
			if f.Type == demarches.DropDownList && v != "" && !slices.Contains(f.Options, v) {
				typed.Set(name, other)
				typed.Set(name+"_autre", v)
			}
		case bool:
			typed.Set(name, strconv.FormatBool(v))
		case int:
			typed.Set(name, strconv.Itoa(v))
		case float64:
			typed.Set(name, strconv.FormatFloat(v, 'f', -1, 64))
		case []string:
			typed[name] = v
		case time.Time:
			typed.Set(name, v.In(paris).Format(dateTime))
			if f.Type == demarches.Date {
				typed.Set(name, v.Format(time.DateOnly))
			}
		case []demarches.Answers:
			typed.Set(name+"_lignes", strconv.Itoa(len(v)))
			for n, row := range v {
				maps.Copy(typed, typedAs(name+"_"+strconv.Itoa(n)+"_", f.Fields, row))
			}
		}
	}
	return typed
}

// reader turns a form that was sent into answers.
type reader struct {
	r        *http.Request
	typed    url.Values
	problems map[int]string
}

// cleaned is what was typed, fit to be kept and shown.
func cleaned(form url.Values) url.Values {
	typed := url.Values{}
	for name, values := range form {
		for _, v := range values {
			typed.Add(clean(name), clean(v))
		}
	}
	return typed
}

// answers reads fields. Those left empty have no answer.
func (r *reader) answers(before string, fields []demarches.Field) demarches.Answers {
	answers := demarches.Answers{}
	for _, f := range fields {
		value, wrong := r.answer(f, nameOf(before, f.StableID))
		if wrong != "" {
			r.problems[f.StableID] = wrong
		}
		if value != nil {
			answers[f.StableID] = value
		}
	}
	return answers
}

func (r *reader) answer(f demarches.Field, name string) (value any, wrong string) {
	text := r.typed.Get(name)
	switch f.Type {
	case demarches.HeaderSection, demarches.Explication:
		return nil, ""
	case demarches.Checkbox:
		return text == "true", ""
	case demarches.MultipleDropDownList:
		return orNil(r.typed[name]), ""
	case demarches.PieceJustificative:
		return r.attachments(name)
	case demarches.Repetition:
		return r.rows(f, name)
	}
	if strings.TrimSpace(text) == "" {
		return nil, ""
	}
	switch f.Type {
	case demarches.YesNo:
		return text == "true", ""
	case demarches.IntegerNumber:
		if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
			return n, ""
		}
		return nil, page.Say(r.r, "Le champ « "+f.Label+" » doit être un nombre entier", "“"+f.Label+"” must be a whole number")
	case demarches.DecimalNumber:
		n, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(text), ",", ".", 1), 64)
		if err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n, ""
		}
		return nil, page.Say(r.r, "Le champ « "+f.Label+" » doit être un nombre", "“"+f.Label+"” must be a number")
	case demarches.Date, demarches.Datetime:
		t, err := time.Parse(time.DateOnly, text)
		if f.Type == demarches.Datetime {
			t, err = time.ParseInLocation(dateTime, text, paris)
		}
		if err == nil {
			return t, ""
		}
		return nil, page.Say(r.r, "Le champ « "+f.Label+" » doit être une date", "“"+f.Label+"” must be a date")
	case demarches.DropDownList:
		if text == other && f.OtherOption {
			text = strings.TrimSpace(r.typed.Get(name + "_autre"))
		}
		return text, ""
	case demarches.Email, demarches.Phone:
		return strings.TrimSpace(text), ""
	default:
		return text, ""
	}
}

func orNil(values []string) any {
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	if len(values) == 0 {
		return nil
	}
	return values
}

func (r *reader) rows(f demarches.Field, name string) (value any, wrong string) {
	var rows []demarches.Answers
	for n := range rowsOf(r.typed, name) {
		inner := &reader{r: r.r, typed: r.typed, problems: map[int]string{}}
		row := inner.answers(name+"_"+strconv.Itoa(n)+"_", f.Fields)
		for _, w := range inner.problems {
			wrong = w
		}
		blank := true
		for _, v := range row {
			blank = blank && v == false
		}
		if !blank || len(inner.problems) > 0 {
			rows = append(rows, row)
		}
	}
	if rows == nil {
		return nil, wrong
	}
	return rows, wrong
}

func (r *reader) attachments(name string) (value any, wrong string) {
	if r.r.MultipartForm == nil {
		return nil, ""
	}
	if _, size := uploaded(r.r); size > maxFiles && len(r.r.MultipartForm.File[name]) > 0 {
		return nil, page.Say(r.r, "Les fichiers joints dépassent 20 Mo au total : joignez-en de plus petits",
			"The attached files are larger than 20 MB together: attach smaller ones")
	}
	var list []demarches.Attachment
	for _, header := range r.r.MultipartForm.File[name] {
		if header.Filename == "" {
			continue
		}
		content, err := contentOf(header)
		if err != nil {
			return nil, page.Say(r.r, "Le fichier n’a pas pu être lu, joignez-le à nouveau", "The file could not be read, attach it again")
		}
		kind := header.Header.Get("Content-Type")
		if kind == "" {
			kind = http.DetectContentType(content)
		}
		list = append(list, demarches.Attachment{Filename: clean(header.Filename), ContentType: kind, Content: content})
	}
	if list == nil {
		return nil, ""
	}
	return list, ""
}

// uploaded is how many files the request carries, and what they weigh together.
func uploaded(r *http.Request) (count int, size int64) {
	if r.MultipartForm == nil {
		return 0, 0
	}
	for _, headers := range r.MultipartForm.File {
		for _, h := range headers {
			count++
			size += h.Size
		}
	}
	return count, size
}

func contentOf(header *multipart.FileHeader) ([]byte, error) {
	f, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}
