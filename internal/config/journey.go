package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/onboarding/texts"
)

// maxJourney bounds the journey file, in bytes.
const maxJourney = 1 << 20

// LoadJourney reads a journey file. Its error is *Problems: every unknown key, wrong
// type and senseless value at once, each with its line and column.
func LoadJourney(path string) (*onboarding.Journey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", path, reason(err))
	}
	if info.Size() > maxJourney {
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxJourney)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %s", path, reason(err))
	}
	return ParseJourney(path, content)
}

// ParseJourney reads the content of a journey file of that name.
func ParseJourney(name string, content []byte) (*onboarding.Journey, error) {
	file, err := parser.ParseBytes(content, 0)
	if err != nil {
		return nil, &Problems{List: []Problem{syntaxProblem(name, err)}}
	}
	problems := &Problems{}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		problems.add(name, "does not hold one YAML document", "begin with the documented example")
		return nil, problems
	}
	check := shape{name: name, problems: problems, at: map[string]string{}}
	check.node("", file.Docs[0].Body, reflect.TypeFor[onboarding.Journey]())
	if len(problems.List) > 0 {
		return nil, problems
	}
	var journey onboarding.Journey
	if err := yaml.NodeToValue(file.Docs[0].Body, &journey); err != nil {
		return nil, &Problems{List: []Problem{syntaxProblem(name, err)}}
	}
	for _, problem := range journey.Validate() {
		problems.add(check.where(problem.Path), problem.What, problem.Advice)
	}
	if len(problems.List) == 0 {
		if _, err := texts.New(&journey, onboarding.Marks{}, texts.Site{}); err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				problems.add(check.where("templates"), line, "")
			}
		}
	}
	if len(problems.List) > 0 {
		return nil, problems
	}
	return &journey, nil
}

// syntaxProblem is a YAML error with its place.
func syntaxProblem(name string, err error) Problem {
	var placed yaml.Error
	if errors.As(err, &placed) && placed.GetToken() != nil {
		at := placed.GetToken().Position
		return Problem{Where: fmt.Sprintf("%s:%d:%d", name, at.Line, at.Column), What: placed.GetMessage()}
	}
	return Problem{Where: name, What: err.Error()}
}

// shape checks a YAML tree against a Go type: keys that do not exist and values of
// another type, all of them. It remembers where everything stands.
type shape struct {
	name     string
	problems *Problems
	at       map[string]string // path → file:line:column
}

// where returns the place of a path, or of the nearest thing around it.
func (s *shape) where(path string) string {
	for around := path; ; {
		if place, known := s.at[around]; known {
			return place + " " + path
		}
		cut := strings.LastIndexAny(around, ".[")
		if cut < 0 {
			return strings.TrimSpace(s.name + " " + path)
		}
		around = around[:cut]
	}
}

func (s *shape) place(node ast.Node) string {
	at := node.GetToken().Position
	return fmt.Sprintf("%s:%d:%d", s.name, at.Line, at.Column)
}

func (s *shape) node(path string, node ast.Node, want reflect.Type) {
	if node == nil || node.Type() == ast.NullType {
		return // an empty value is the type's zero; Validate says what must not be
	}
	if _, known := s.at[path]; !known {
		s.at[path] = s.place(node)
	}
	switch want.Kind() {
	case reflect.Struct, reflect.Map:
		values, ok := mapping(node)
		if !ok {
			s.wrong(path, node, "a mapping of keys to values")
			return
		}
		for _, value := range values {
			s.entry(path, value, want)
		}
	case reflect.Slice:
		sequence, ok := node.(*ast.SequenceNode)
		if !ok {
			s.wrong(path, node, "a list")
			return
		}
		for i, value := range sequence.Values {
			s.node(path+"["+strconv.Itoa(i)+"]", value, want.Elem())
		}
	case reflect.Int, reflect.Int64:
		if node.Type() != ast.IntegerType {
			s.wrong(path, node, "a whole number")
		}
	default:
		if _, scalar := node.(ast.ScalarNode); !scalar {
			s.wrong(path, node, "a text")
		}
	}
}

func (s *shape) entry(path string, value *ast.MappingValueNode, want reflect.Type) {
	key := value.Key.GetToken().Value
	inner := strings.TrimPrefix(path+"."+key, ".")
	s.at[inner] = s.place(value.Key)
	if want.Kind() == reflect.Map {
		if want.Key().Kind() == reflect.Int {
			if _, err := strconv.Atoi(key); err != nil {
				s.problems.add(s.place(value.Key)+" "+inner, "is not a whole number", "write the step's number")
				return
			}
		}
		s.node(inner, value.Value, want.Elem())
		return
	}
	var known []string
	for i := range want.NumField() {
		field := want.Field(i)
		name := field.Tag.Get("yaml")
		if name == key {
			s.node(inner, value.Value, field.Type)
			return
		}
		known = append(known, name)
	}
	s.problems.add(s.place(value.Key)+" "+inner, "is no key of a journey file",
		"remove it; here can stand "+strings.Join(known, ", "))
}

func (s *shape) wrong(path string, node ast.Node, want string) {
	s.problems.add(s.place(node)+" "+path, "is not "+want, "write "+want)
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
