package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/onboarding/texts"
)

// maxJourney bounds the journey file, in bytes.
const maxJourney = 1 << 20

// LoadJourney reads a journey file. Its error is *Problems: every unknown key, wrong
// type and senseless value at once, each with its line and column.
func LoadJourney(path string) (*onboarding.Journey, error) {
	content, err := readFile(path, maxJourney)
	if err != nil {
		return nil, &Problems{List: []Problem{{
			Where: path, What: "cannot be read: " + err.Error(), Advice: "correct PASSERELLE_JOURNEY, or the file",
		}}}
	}
	return ParseJourney(path, content)
}

// ParseJourney reads the content of a journey file of that name.
func ParseJourney(name string, content []byte) (*onboarding.Journey, error) {
	file, err := parser.ParseBytes(content, 0, parser.AllowDuplicateMapKey()) // tree finds them all
	if err != nil {
		return nil, &Problems{List: []Problem{syntaxProblem(name, err)}}
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, &Problems{List: []Problem{{name, "does not hold one YAML document", "begin with the documented example"}}}
	}
	var journey onboarding.Journey
	tree := tree{name: name, at: map[string]position{}}
	tree.decode(file.Docs[0].Body, &journey)
	for _, problem := range slices.Concat(journey.Validate(), tree.unsaid(&journey), templateProblems(&journey)) {
		if !tree.spoilt(problem.Path) {
			tree.add(tree.nearest(problem.Path), problem.Path, problem.What, problem.Advice)
		}
	}
	if len(tree.problems) > 0 {
		return nil, tree.list()
	}
	return &journey, nil
}

// unsaid are the prerequisites of which it is not said whether they are hard: what is left
// out would open a gate.
func (t *tree) unsaid(journey *onboarding.Journey) []onboarding.Problem {
	var problems []onboarding.Problem
	for i := range journey.Prerequisites {
		path := fmt.Sprintf("prerequisites[%d].hard", i)
		if _, said := t.at[path]; !said {
			problems = append(problems, onboarding.Problem{Path: path, What: "is missing", Advice: "write true or false"})
		}
	}
	return problems
}

// templateProblems tries each of the journey's templates, whatever else is wrong
// with it.
func templateProblems(journey *onboarding.Journey) []onboarding.Problem {
	tried := *journey
	if tried.Language != "en" {
		tried.Language = "fr"
	}
	var problems []onboarding.Problem
	for _, name := range slices.Sorted(maps.Keys(journey.Templates)) {
		path := "templates." + name
		if !slices.Contains(texts.TemplateNames(), name) {
			problems = append(problems, onboarding.Problem{
				Path: path, What: "is no template", Advice: "write one of " + strings.Join(texts.TemplateNames(), ", "),
			})
			continue
		}
		tried.Templates = map[string]string{name: journey.Templates[name]}
		if _, err := texts.New(&tried, onboarding.Marks{}, texts.Site{}); err != nil {
			what := strings.TrimPrefix(err.Error(), "templates: "+name+": ")
			problems = append(problems, onboarding.Problem{
				Path: path, What: "does not work: " + strings.ReplaceAll(what, "\n", " "),
				Advice: "begin with the built-in one; its data are named there",
			})
		}
	}
	return problems
}

// syntaxProblem is a YAML error with its place.
func syntaxProblem(name string, err error) Problem {
	var placed yaml.Error
	if errors.As(err, &placed) && placed.GetToken() != nil {
		at := placed.GetToken().Position
		return Problem{
			Where: position{at.Line, at.Column}.in(name), What: "is no YAML: " + placed.GetMessage(),
			Advice: "this hides what is wrong further on",
		}
	}
	return Problem{Where: name, What: "is no YAML: " + err.Error()}
}

// position is a place in a file; the zero one is the file as a whole.
type position struct{ line, column int }

func (p position) in(name string) string {
	if p.line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, p.line, p.column)
}

func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(p.line, other.line), cmp.Compare(p.column, other.column))
}
