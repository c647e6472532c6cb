package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// tree reads a YAML tree into a Go value of plain structs, pointers to them, maps, lists,
// texts, whole numbers and truth values. It complains about every key that does not exist or stands there
// twice, and about every value of another type, and goes on with the rest. It
// remembers where everything stands.
type tree struct {
	name     string
	at       map[string]position // by path
	bad      []string            // paths whose value could not be read
	problems []placed
}

// placed is a problem and where it stands.
type placed struct {
	position
	Problem
}

func (t *tree) add(at position, path, what, advice string) {
	t.problems = append(t.problems, placed{at, Problem{strings.TrimSpace(at.in(t.name) + " " + path), what, advice}})
}

// list returns the problems in the order in which they stand in the file.
func (t *tree) list() *Problems {
	slices.SortStableFunc(t.problems, func(a, b placed) int { return a.compare(b.position) })
	problems := &Problems{}
	for _, problem := range t.problems {
		problems.List = append(problems.List, problem.Problem)
	}
	return problems
}

// nearest returns the position of a path, or of the nearest thing around it.
func (t *tree) nearest(path string) position {
	for {
		if at, known := t.at[path]; known {
			return at
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return position{}
		}
		path = path[:cut]
	}
}

// spoilt reports whether what stands at the path could not be read, so that nothing
// more can be said of it.
func (t *tree) spoilt(path string) bool {
	return slices.ContainsFunc(t.bad, func(bad string) bool {
		rest, below := strings.CutPrefix(path, bad)
		return bad == "" || below && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (t *tree) decode(root ast.Node, into any) { t.value("", root, reflect.ValueOf(into).Elem()) }

func (t *tree) value(path string, node ast.Node, into reflect.Value) {
	if node == nil || node.Type() == ast.NullType {
		return // the type's zero; Validate says what must not be
	}
	if _, known := t.at[path]; !known {
		t.at[path] = place(node)
	}
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		t.bad = append(t.bad, path)
		t.add(place(node), path, "is an anchor, an alias or a tag", "write the value itself")
		return
	}
	switch into.Kind() {
	case reflect.Struct, reflect.Map:
		values, ok := mapping(node)
		if !ok {
			t.wrong(path, node, "a mapping of keys to values")
			return
		}
		t.mapping(path, values, into)
	case reflect.Pointer:
		pointed := reflect.New(into.Type().Elem())
		t.value(path, node, pointed.Elem())
		into.Set(pointed)
	case reflect.Bool:
		value, ok := node.(*ast.BoolNode)
		if !ok {
			t.wrong(path, node, "true or false")
			return
		}
		into.SetBool(value.Value)
	case reflect.Slice:
		sequence, ok := node.(*ast.SequenceNode)
		if !ok {
			t.wrong(path, node, "a list")
			return
		}
		into.Set(reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values)))
		for i, value := range sequence.Values {
			t.value(path+"["+strconv.Itoa(i)+"]", value, into.Index(i))
		}
	case reflect.Int, reflect.Int64:
		number, err := strconv.ParseInt(node.GetToken().Value, 10, into.Type().Bits())
		if err != nil || node.Type() != ast.IntegerType {
			t.wrong(path, node, "a whole number")
			return
		}
		into.SetInt(number)
	default:
		text, ok := scalar(node)
		if !ok {
			t.wrong(path, node, "a text")
			return
		}
		into.SetString(text)
	}
}

// mapping reads the entries of a mapping into a struct or a map.
func (t *tree) mapping(path string, values []*ast.MappingValueNode, into reflect.Value) {
	var keys []string
	for _, value := range values {
		key := value.Key.GetToken().Value
		inner := strings.TrimPrefix(path+"."+key, ".")
		if slices.Contains(keys, key) {
			t.add(place(value.Key), inner, "stands there twice", "keep one of the two")
			continue
		}
		keys = append(keys, key)
		t.at[inner] = place(value.Key)
		if into.Kind() == reflect.Map {
			t.element(inner, key, value, into)
		} else {
			t.field(inner, key, value, into)
		}
	}
}

func (t *tree) element(path, key string, value *ast.MappingValueNode, into reflect.Value) {
	name := reflect.New(into.Type().Key()).Elem()
	if name.Kind() == reflect.Int {
		number, err := strconv.Atoi(key)
		if err != nil || strconv.Itoa(number) != key {
			t.add(place(value.Key), path, "is not a whole number", "write the number of a step")
			return
		}
		name.SetInt(int64(number))
	} else {
		name.SetString(key)
	}
	if into.IsNil() {
		into.Set(reflect.MakeMap(into.Type()))
	}
	element := reflect.New(into.Type().Elem()).Elem()
	t.value(path, value.Value, element)
	into.SetMapIndex(name, element)
}

func (t *tree) field(path, key string, value *ast.MappingValueNode, into reflect.Value) {
	var known []string
	for i := range into.NumField() {
		name := into.Type().Field(i).Tag.Get("yaml")
		if name == key {
			t.value(path, value.Value, into.Field(i))
			return
		}
		known = append(known, name)
	}
	t.add(place(value.Key), path, "is no key of a journey file", "remove it"+didYouMean(key, known)+"; here can stand "+strings.Join(known, ", "))
}

func (t *tree) wrong(path string, node ast.Node, want string) {
	t.bad = append(t.bad, path)
	t.add(place(node), path, "is not "+want, "write "+want)
}

// place is where a value begins. The parser gives the colon of a mapping's first entry.
func place(node ast.Node) position {
	if values, ok := mapping(node); ok && len(values) > 0 && node.GetToken().Value == ":" {
		return place(values[0].Key)
	}
	at := node.GetToken().Position
	return position{at.Line, at.Column}
}

// scalar returns the text of a value that is not made of others. Numbers and the like
// are texts where a text is wanted: a project may be called 2026.
func scalar(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.LiteralNode:
		return node.Value.Value, true
	case *ast.StringNode:
		return node.Value, true
	case ast.ScalarNode:
		return node.GetToken().Value, true
	default:
		return "", false
	}
}

// mapping returns the entries of a mapping, which the parser gives in two forms.
func mapping(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch node := node.(type) {
	case *ast.MappingNode:
		return node.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}, true
	default:
		return nil, false
	}
}
