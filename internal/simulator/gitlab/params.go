package gitlab

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds what one request may send.
const maxBody = 32 << 20

// params are the parameters of a request, from its query and its body, JSON or
// form alike. Reading one as what it is not makes the request invalid.
type params struct {
	values  map[string]any
	invalid []string
}

func parseParams(w http.ResponseWriter, r *http.Request) (*params, error) {
	p := &params{values: map[string]any{}}
	p.addValues(r.URL.Query())
	if r.Body == nil || r.Body == http.NoBody {
		return p, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch contentType {
	case "multipart/form-data":
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, badBody(err)
		}
		p.addValues(r.MultipartForm.Value)
		return p, nil
	default:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, badBody(err)
		}
		if contentType == "application/json" {
			if len(body) == 0 {
				return p, nil
			}
			var values map[string]any
			if json.Unmarshal(body, &values) != nil {
				return nil, &Error{Status: http.StatusBadRequest, Body: obj{"error": "Problem while parsing request body"}}
			}
			maps.Copy(p.values, values)
			return p, nil
		}
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, badBody(err)
		}
		p.addValues(values)
		return p, nil
	}
}

func badBody(err error) error {
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Body: obj{"error": "Request Entity Too Large"}}
	}
	return badRequest("400 Bad request - " + err.Error())
}

// addValues reads key=v, key[]=v and list[][member]=v as Rack does.
func (p *params) addValues(values url.Values) {
	for key, list := range values {
		for at, value := range list {
			list[at] = strings.ToValidUTF8(value, "\uFFFD") // as JSON has it
		}
		name, inner, nested := strings.Cut(key, "[][")
		switch {
		case nested:
			member := strings.TrimSuffix(inner, "]")
			items, _ := p.values[name].([]any)
			for i, value := range list {
				if i == len(items) {
					items = append(items, obj{})
				}
				items[i].(obj)[member] = value
			}
			p.values[name] = items
		case strings.HasSuffix(key, "[]"):
			items := make([]any, len(list))
			for i, value := range list {
				items[i] = value
			}
			p.values[strings.TrimSuffix(key, "[]")] = items
		case len(list) > 0:
			p.values[key] = list[len(list)-1]
		}
	}
}

// has says whether the parameter was given, even empty.
func (p *params) has(name string) bool {
	_, ok := p.values[name]
	return ok
}

func (p *params) bad(name string) { p.invalid = append(p.invalid, name) }

// err is the refusal for the parameters that were not what they should be.
func (p *params) err() error {
	if len(p.invalid) == 0 {
		return nil
	}
	return invalidParams(p.invalid...)
}

func text(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}

func (p *params) str(name string) string {
	v, ok := text(p.values[name])
	if !ok {
		p.bad(name)
	}
	return v
}

// ptr is nil for a parameter that was not given.
func (p *params) ptr(name string) *string {
	if !p.has(name) {
		return nil
	}
	v := p.str(name)
	return &v
}

func (p *params) int(name string) int {
	v := p.str(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		p.bad(name)
	}
	return n
}

func (p *params) bool(name string, absent bool) bool {
	if !p.has(name) {
		return absent
	}
	switch strings.ToLower(p.str(name)) {
	case "true", "1", "t", "yes", "on":
		return true
	case "false", "0", "f", "no", "off", "":
		return false
	default:
		p.bad(name)
		return absent
	}
}

func (p *params) boolPtr(name string) *bool {
	if !p.has(name) {
		return nil
	}
	v := p.bool(name, false)
	return &v
}

func (p *params) time(name string) time.Time {
	v := p.str(name)
	if v == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, v); err == nil {
			return t
		}
	}
	p.bad(name)
	return time.Time{}
}

// list reads an array, or a comma-separated text.
func (p *params) list(name string) []string {
	switch v := p.values[name].(type) {
	case nil:
		return nil
	case []any:
		var list []string
		for _, item := range v {
			s, ok := text(item)
			if !ok {
				p.bad(name)
			} else if s != "" {
				list = append(list, s)
			}
		}
		return list
	default:
		return fields(p.str(name))
	}
}

func (p *params) ints(name string) []int {
	var list []int
	for _, s := range p.list(name) {
		n, err := strconv.Atoi(s)
		if err != nil {
			p.bad(name)
		}
		list = append(list, n)
	}
	return list
}

// fields splits a comma-separated text.
func fields(s string) []string {
	var list []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
