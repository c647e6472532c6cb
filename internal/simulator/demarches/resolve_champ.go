package demarches

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graph-gophers/graphql-go"
)

// champ is one field of a dossier with its value. It stands for every type of the
// API's interface Champ: those that no form of the simulator fills are there so that
// queries written for the real service are valid.
type champ struct {
	f     *Field
	row   string // inside a repeated block
	value any
	at    dateTime
	base  string
}

func (c *champ) ID() graphql.ID {
	if c.row != "" {
		return graphql.ID(RowChampID(c.f.StableID, c.row))
	}
	return graphql.ID(ChampID(c.f.StableID))
}
func (c *champ) ChampDescriptorID() string { return ChampID(c.f.StableID) }
func (c *champ) Label() string             { return c.f.Label }
func (c *champ) Prefilled() bool           { return false }
func (c *champ) UpdatedAt() dateTime       { return c.at }

// StringValue is what every field has, whatever its type.
func (c *champ) StringValue() *string {
	switch v := c.value.(type) {
	case string:
		return &v
	case bool:
		text := strconv.FormatBool(v)
		return &text
	case int64:
		text := strconv.FormatInt(v, 10)
		return &text
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		return &text
	case []string:
		text := strings.Join(v, ", ")
		return &text
	case time.Time:
		text := v.In(paris).Format(time.RFC3339)
		if c.f.Type == Date {
			text = v.Format(time.DateOnly)
		}
		return &text
	}
	return nil
}

func (c *champ) Values() []string {
	values, _ := c.value.([]string)
	return append([]string{}, values...)
}

func (c *champ) Date() *date {
	if t, ok := c.value.(time.Time); ok {
		return &date{t}
	}
	return nil
}

func (c *champ) Datetime() *dateTime {
	if t, ok := c.value.(time.Time); ok {
		return &dateTime{t}
	}
	return nil
}

func (c *champ) Files() []*fileResolver { return resolveFiles(c.value, c.base) }

func (c *champ) File() *fileResolver {
	if files := c.Files(); len(files) > 0 {
		return files[0]
	}
	return nil
}

func (c *champ) Rows() []*rowResolver {
	rows, _ := c.value.([]row)
	resolved := make([]*rowResolver, 0, len(rows))
	for _, r := range rows {
		resolved = append(resolved, &rowResolver{r, c})
	}
	return resolved
}

// Champs is the old way of reading a repeated block: its rows one after another.
func (c *champ) Champs() []*champ {
	champs := []*champ{}
	for _, r := range c.Rows() {
		champs = append(champs, r.Champs()...)
	}
	return champs
}

func (c *champ) Level() int32 { return int32(c.f.Level) }

type rowResolver struct {
	row   row
	block *champ
}

func (r *rowResolver) ID() graphql.ID { return graphql.ID(encodeID("Row", r.row.id)) }

func (r *rowResolver) Champs() []*champ {
	fields := r.block.f.Fields
	champs := make([]*champ, 0, len(fields))
	for i := range fields {
		champs = append(champs, &champ{
			f: &fields[i], row: r.row.id, value: r.row.answers[fields[i].StableID], at: r.block.at, base: r.block.base,
		})
	}
	return champs
}

// The types whose value has a type of its own.

type textChamp struct{ *champ }

func (c *textChamp) Value() *string { return c.StringValue() }

type checkboxChamp struct{ *champ }

func (c *checkboxChamp) Value() bool { return c.value == true }

type yesNoChamp struct{ *champ }

func (c *yesNoChamp) Value() *bool {
	if v, ok := c.value.(bool); ok {
		return &v
	}
	return nil
}

type integerChamp struct{ *champ }

func (c *integerChamp) Value() *bigInt {
	if v, ok := c.value.(int64); ok {
		n := bigInt(v)
		return &n
	}
	return nil
}

type decimalChamp struct{ *champ }

func (c *decimalChamp) Value() *float64 {
	if v, ok := c.value.(float64); ok {
		return &v
	}
	return nil
}

type dateChamp struct{ *champ }

func (c *dateChamp) Value() *dateTime { return c.Datetime() }

func (c *champ) is(types ...FieldType) bool {
	return slices.Contains(types, c.f.Type)
}

func (c *champ) ToTextChamp() (*textChamp, bool) {
	return &textChamp{c}, c.is(Text, Textarea, Email, Phone)
}

func (c *champ) ToCheckboxChamp() (*checkboxChamp, bool) { return &checkboxChamp{c}, c.is(Checkbox) }
func (c *champ) ToYesNoChamp() (*yesNoChamp, bool)       { return &yesNoChamp{c}, c.is(YesNo) }
func (c *champ) ToIntegerNumberChamp() (*integerChamp, bool) {
	return &integerChamp{c}, c.is(IntegerNumber)
}

func (c *champ) ToDecimalNumberChamp() (*decimalChamp, bool) {
	return &decimalChamp{c}, c.is(DecimalNumber)
}

func (c *champ) ToDropDownListChamp() (*textChamp, bool) { return &textChamp{c}, c.is(DropDownList) }

func (c *champ) ToMultipleDropDownListChamp() (*champ, bool) {
	return c, c.is(MultipleDropDownList)
}
func (c *champ) ToDateChamp() (*dateChamp, bool)           { return &dateChamp{c}, c.is(Date) }
func (c *champ) ToDatetimeChamp() (*champ, bool)           { return c, c.is(Datetime) }
func (c *champ) ToRepetitionChamp() (*champ, bool)         { return c, c.is(Repetition) }
func (c *champ) ToPieceJustificativeChamp() (*champ, bool) { return c, c.is(PieceJustificative) }
func (c *champ) ToHeaderSectionChamp() (*champ, bool)      { return c, c.is(HeaderSection) }
func (c *champ) ToExplicationChamp() (*champ, bool)        { return c, c.is(Explication) }

// The types that no form of the simulator has.

func (c *champ) ToLinkedDropDownListChamp() (*champ, bool) { return c, false }
func (c *champ) ToCiviliteChamp() (*textChamp, bool)       { return &textChamp{c}, false }
func (c *champ) ToDossierLinkChamp() (*champ, bool)        { return c, false }
func (c *champ) ToSiretChamp() (*champ, bool)              { return c, false }
func (c *champ) ToAddressChamp() (*champ, bool)            { return c, false }
func (c *champ) ToCarteChamp() (*champ, bool)              { return c, false }
func (c *champ) ToCommuneChamp() (*champ, bool)            { return c, false }
func (c *champ) ToDepartementChamp() (*champ, bool)        { return c, false }
func (c *champ) ToRegionChamp() (*champ, bool)             { return c, false }
func (c *champ) ToPaysChamp() (*champ, bool)               { return c, false }

func (c *champ) ToEpciChamp() (*champ, bool)                { return c, false }
func (c *champ) ToRNAChamp() (*champ, bool)                 { return c, false }
func (c *champ) ToRNFChamp() (*champ, bool)                 { return c, false }
func (c *champ) ToEngagementJuridiqueChamp() (*champ, bool) { return c, false }
func (c *champ) ToTitreIdentiteChamp() (*champ, bool)       { return c, false }

func (c *champ) Epci() *named                              { return nil }
func (c *champ) Rna() *register                            { return nil }
func (c *champ) Rnf() *register                            { return nil }
func (c *champ) EngagementJuridique() *engagementJuridique { return nil }
func (c *champ) Filled() bool                              { return false }
func (c *champ) GrantType() string                         { return "piece_justificative" }

func (c *champ) PrimaryValue() *string     { return nil }
func (c *champ) SecondaryValue() *string   { return nil }
func (c *champ) Dossier() *dossierResolver { return nil }
func (c *champ) Etablissement() *morale    { return nil }
func (c *champ) Address() *address         { return nil }
func (c *champ) GeoAreas() []*geoArea      { return []*geoArea{} }
func (c *champ) Commune() *commune         { return nil }
func (c *champ) Departement() *named       { return nil }
func (c *champ) Region() *named            { return nil }
func (c *champ) Pays() *named              { return nil }

// register is what a register of associations or foundations says.
type register struct {
	ID      string
	Title   *string
	Address *address
}

type engagementJuridique struct{ MontantEngage, MontantPaye *string }

type named struct{ Code, Name string }

type commune struct {
	Code, Name string
	PostalCode *string
}

type geoArea struct {
	ID                                         graphql.ID
	Description                                *string
	Source                                     string
	Geometry                                   *geoJSON
	Commune, Numero, Prefixe, Section, Surface string
}

func (g *geoArea) ToParcelleCadastrale() (*geoArea, bool)   { return g, false }
func (g *geoArea) ToSelectionUtilisateur() (*geoArea, bool) { return g, false }

type geoJSON struct {
	Type        string
	Coordinates coordinates
}
