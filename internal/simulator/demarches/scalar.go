package demarches

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	_ "time/tzdata" // DS speaks Paris time, also on machines without zone files
)

// paris is where DS lives.
var paris = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return zone
}()

// rubyTime is how Ruby writes a time as text.
const rubyTime = "2006-01-02 15:04:05 -0700"

// dateTime is the scalar ISO8601DateTime: whole seconds, with Paris' offset.
type dateTime struct{ time.Time }

func (dateTime) ImplementsGraphQLType(name string) bool { return name == "ISO8601DateTime" }

func (t dateTime) MarshalJSON() ([]byte, error) {
	return t.In(paris).AppendFormat(nil, `"2006-01-02T15:04:05-07:00"`), nil
}

func (t *dateTime) UnmarshalGraphQL(input any) error {
	text, ok := input.(string)
	if !ok {
		return fmt.Errorf("invalid ISO8601DateTime %v", input)
	}
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		parsed, err = time.ParseInLocation(time.DateOnly, text, paris)
	}
	t.Time = parsed
	return err
}

// optional returns nil for the zero time.
func optional(t time.Time) *dateTime {
	if t.IsZero() {
		return nil
	}
	return &dateTime{t}
}

// date is the scalar ISO8601Date.
type date struct{ time.Time }

func (date) ImplementsGraphQLType(name string) bool { return name == "ISO8601Date" }

func (d date) MarshalJSON() ([]byte, error) { return d.AppendFormat(nil, `"2006-01-02"`), nil }

func (d *date) UnmarshalGraphQL(input any) error {
	text, ok := input.(string)
	if !ok {
		return fmt.Errorf("invalid ISO8601Date %v", input)
	}
	parsed, err := time.Parse(time.DateOnly, text)
	d.Time = parsed
	return err
}

// bigInt is the scalar BigInt: a whole number as text.
type bigInt int64

func (bigInt) ImplementsGraphQLType(name string) bool { return name == "BigInt" }

func (n bigInt) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatInt(int64(n), 10)), nil
}

func (n *bigInt) UnmarshalGraphQL(input any) error {
	v, err := strconv.ParseInt(fmt.Sprint(input), 10, 64)
	*n = bigInt(v)
	return err
}

// webAddress is the scalar URL.
type webAddress string

func (webAddress) ImplementsGraphQLType(name string) bool { return name == "URL" }

func (u webAddress) MarshalJSON() ([]byte, error) { return json.Marshal(string(u)) }

func (u *webAddress) UnmarshalGraphQL(input any) error {
	*u = webAddress(fmt.Sprint(input))
	return nil
}

// coordinates is the scalar Coordinates. No form of the simulator has a map.
type coordinates struct{}

func (coordinates) ImplementsGraphQLType(name string) bool { return name == "Coordinates" }

func (coordinates) MarshalJSON() ([]byte, error) { return []byte("[]"), nil }

func (*coordinates) UnmarshalGraphQL(any) error { return nil }

// order is the enum Order; null means the default.
type order string

func (order) ImplementsGraphQLType(name string) bool { return name == "Order" }

func (o *order) UnmarshalGraphQL(input any) error {
	if input != nil {
		*o = order(fmt.Sprint(input))
	}
	return nil
}

// Nullable lets null through to UnmarshalGraphQL.
func (*order) Nullable() {}
