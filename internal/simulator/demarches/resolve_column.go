package demarches

import "github.com/graph-gophers/graphql-go"

// Columns are a field's values one by one. The fields of our forms have one each,
// those without an answer of their own none.
func (c *champ) Columns() []*column {
	if c.is(HeaderSection, Explication, Repetition) {
		return []*column{}
	}
	return []*column{{c}}
}

type column struct{ c *champ }

func (c *column) ID() graphql.ID       { return graphql.ID(encodeID("Column", c.c.f.StableID)) }
func (c *column) Label() string        { return c.c.f.Label }
func (c *column) StringValue() *string { return c.c.StringValue() }

type (
	textColumn    struct{ *column }
	boolColumn    struct{ *column }
	filesColumn   struct{ *column }
	listColumn    struct{ *column }
	dateColumn    struct{ *column }
	timeColumn    struct{ *column }
	integerColumn struct{ *column }
	decimalColumn struct{ *column }
)

func (c *textColumn) Value() *string { return c.StringValue() }

func (c *boolColumn) Value() *bool { return (&yesNoChamp{c.c}).Value() }

func (c *filesColumn) Value() *[]*fileResolver {
	files := c.c.Files()
	return &files
}

func (c *listColumn) Value() *[]string {
	values := c.c.Values()
	return &values
}

func (c *dateColumn) Value() *date { return c.c.Date() }

func (c *timeColumn) Value() *dateTime { return c.c.Datetime() }

func (c *integerColumn) Value() *bigInt { return (&integerChamp{c.c}).Value() }

func (c *decimalColumn) Value() *float64 { return (&decimalChamp{c.c}).Value() }

func (c *column) ToTextColumn() (*textColumn, bool) {
	return &textColumn{c}, c.c.is(Text, Textarea, Email, Phone)
}

func (c *column) ToBooleanColumn() (*boolColumn, bool) {
	return &boolColumn{c}, c.c.is(YesNo, Checkbox)
}

func (c *column) ToAttachmentsColumn() (*filesColumn, bool) {
	return &filesColumn{c}, c.c.is(PieceJustificative)
}

func (c *column) ToEnumColumn() (*textColumn, bool) { return &textColumn{c}, c.c.is(DropDownList) }

func (c *column) ToEnumsColumn() (*listColumn, bool) {
	return &listColumn{c}, c.c.is(MultipleDropDownList)
}
func (c *column) ToDateColumn() (*dateColumn, bool)     { return &dateColumn{c}, c.c.is(Date) }
func (c *column) ToDateTimeColumn() (*timeColumn, bool) { return &timeColumn{c}, c.c.is(Datetime) }

func (c *column) ToIntegerColumn() (*integerColumn, bool) {
	return &integerColumn{c}, c.c.is(IntegerNumber)
}

func (c *column) ToDecimalColumn() (*decimalColumn, bool) {
	return &decimalColumn{c}, c.c.is(DecimalNumber)
}
