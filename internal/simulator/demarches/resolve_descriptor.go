package demarches

import "github.com/graph-gophers/graphql-go"

// champDescriptor is one field of a form without a value. It stands for every type
// of the API's interface ChampDescriptor, as champ does for those of Champ.
type champDescriptor struct{ f *Field }

func describe(fields []Field) []*champDescriptor {
	descriptors := make([]*champDescriptor, 0, len(fields))
	for i := range fields {
		descriptors = append(descriptors, &champDescriptor{&fields[i]})
	}
	return descriptors
}

func (d *champDescriptor) ID() graphql.ID       { return graphql.ID(ChampID(d.f.StableID)) }
func (d *champDescriptor) Label() string        { return d.f.Label }
func (d *champDescriptor) Description() *string { return optionalText(d.f.Description) }
func (d *champDescriptor) Required() bool       { return d.f.Required }
func (d *champDescriptor) Type() string         { return string(d.f.Type) }

func (d *champDescriptor) ChampDescriptors() *[]*champDescriptor {
	if d.f.Type != Repetition {
		return nil
	}
	fields := describe(d.f.Fields)
	return &fields
}

func (d *champDescriptor) Options() *[]string {
	options := append([]string{}, d.f.Options...)
	return &options
}
func (d *champDescriptor) OtherOption() *bool                   { return &d.f.OtherOption }
func (d *champDescriptor) FileTemplate() *fileResolver          { return nil }
func (d *champDescriptor) CollapsibleExplanationEnabled() *bool { return nil }
func (d *champDescriptor) CollapsibleExplanationText() *string  { return nil }
func (d *champDescriptor) Level() int32                         { return int32(d.f.Level) }

func (d *champDescriptor) as(t FieldType) (*champDescriptor, bool) { return d, d.f.Type == t }

func (d *champDescriptor) ToTextChampDescriptor() (*champDescriptor, bool)     { return d.as(Text) }
func (d *champDescriptor) ToTextareaChampDescriptor() (*champDescriptor, bool) { return d.as(Textarea) }

func (d *champDescriptor) ToEmailChampDescriptor() (*champDescriptor, bool) { return d.as(Email) }

func (d *champDescriptor) ToPhoneChampDescriptor() (*champDescriptor, bool) { return d.as(Phone) }

func (d *champDescriptor) ToYesNoChampDescriptor() (*champDescriptor, bool) { return d.as(YesNo) }

func (d *champDescriptor) ToCheckboxChampDescriptor() (*champDescriptor, bool) { return d.as(Checkbox) }
func (d *champDescriptor) ToDateChampDescriptor() (*champDescriptor, bool)     { return d.as(Date) }
func (d *champDescriptor) ToDatetimeChampDescriptor() (*champDescriptor, bool) { return d.as(Datetime) }

func (d *champDescriptor) ToRepetitionChampDescriptor() (*champDescriptor, bool) {
	return d.as(Repetition)
}

func (d *champDescriptor) ToIntegerNumberChampDescriptor() (*champDescriptor, bool) {
	return d.as(IntegerNumber)
}

func (d *champDescriptor) ToDecimalNumberChampDescriptor() (*champDescriptor, bool) {
	return d.as(DecimalNumber)
}

func (d *champDescriptor) ToDropDownListChampDescriptor() (*champDescriptor, bool) {
	return d.as(DropDownList)
}

func (d *champDescriptor) ToMultipleDropDownListChampDescriptor() (*champDescriptor, bool) {
	return d.as(MultipleDropDownList)
}

func (d *champDescriptor) ToPieceJustificativeChampDescriptor() (*champDescriptor, bool) {
	return d.as(PieceJustificative)
}

func (d *champDescriptor) ToHeaderSectionChampDescriptor() (*champDescriptor, bool) {
	return d.as(HeaderSection)
}

func (d *champDescriptor) ToExplicationChampDescriptor() (*champDescriptor, bool) {
	return d.as(Explication)
}

// The types that no form of the simulator has.

func (d *champDescriptor) ToLinkedDropDownListChampDescriptor() (*champDescriptor, bool) {
	return d, false
}

func (d *champDescriptor) ToCiviliteChampDescriptor() (*champDescriptor, bool) { return d, false }

func (d *champDescriptor) ToDossierLinkChampDescriptor() (*champDescriptor, bool) { return d, false }

func (d *champDescriptor) ToSiretChampDescriptor() (*champDescriptor, bool) { return d, false }

func (d *champDescriptor) ToAddressChampDescriptor() (*champDescriptor, bool) { return d, false }

func (d *champDescriptor) ToCarteChampDescriptor() (*champDescriptor, bool) { return d, false }

func (d *champDescriptor) ToCommuneChampDescriptor() (*champDescriptor, bool) { return d, false }

func (d *champDescriptor) ToDepartementChampDescriptor() (*placeDescriptor, bool) {
	return &placeDescriptor{d}, false
}

func (d *champDescriptor) ToRegionChampDescriptor() (*placeDescriptor, bool) {
	return &placeDescriptor{d}, false
}

func (d *champDescriptor) ToPaysChampDescriptor() (*placeDescriptor, bool) {
	return &placeDescriptor{d}, false
}

type placeDescriptor struct{ *champDescriptor }

func (*placeDescriptor) Options() *[]*named { return nil }
