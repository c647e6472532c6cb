package demarches

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

const (
	// maxQueries and maxRemembered bound the memory of parsed queries; clients send
	// the same few again and again.
	maxQueries    = 200
	maxRemembered = 64 << 10
	// maxTokens bounds a query's text.
	maxTokens = 15_000
)

// request is the body of a call to the API.
type request struct {
	Query         string          `json:"query"`
	QueryID       string          `json:"queryId"` // of a stored query, in place of a text
	OperationName string          `json:"operationName"`
	Variables     json.RawMessage `json:"variables"`
}

// variables accepts an object, nothing, or an object as text, as DS does.
func (r request) variables() (map[string]any, error) {
	raw := r.Variables
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	if len(raw) == 0 {
		return map[string]any{}, nil
	}
	variables := map[string]any{}
	return variables, json.Unmarshal(raw, &variables)
}

// parsed is what must be known of a query before it is executed.
type parsed struct {
	document *ast.QueryDocument
	problem  string // why it cannot be parsed
	text     string // what is executed
	loosened bool   // whether names in the answer have to be put back
}

// queries remembers parsed queries.
type queries struct {
	mu    sync.Mutex
	known map[string]parsed
}

func newQueries() *queries { return &queries{known: map[string]parsed{}} }

func (q *queries) parse(text string) parsed {
	q.mu.Lock()
	p, ok := q.known[text]
	q.mu.Unlock()
	if ok {
		return p
	}
	p.text = emptyFragment.ReplaceAllString(text, "")
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: p.text}, maxTokens)
	p.document = document
	if err != nil {
		p.problem = strings.TrimPrefix(err.Error(), "input:")
	} else if p.loosened = loosen(document); p.loosened {
		p.text = printed(document)
	}
	if len(text) > maxRemembered {
		return p
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.known) >= maxQueries {
		clear(q.known)
	}
	q.known[text] = p
	return p
}

// operation names a call for fault rules and the request log: the operation's name,
// or that of its first root field.
func (q *queries) operation(body []byte) string {
	var r request
	if json.Unmarshal(body, &r) != nil {
		return ""
	}
	if r.OperationName != "" {
		return r.OperationName
	}
	p := q.parse(r.Query)
	if p.problem != "" || len(p.document.Operations) == 0 {
		return ""
	}
	op := p.document.Operations[0]
	if op.Name != "" {
		return op.Name
	}
	for _, selection := range op.SelectionSet {
		if f, ok := selection.(*ast.Field); ok {
			return f.Name
		}
	}
	return ""
}

// pick says what is wrong with the choice of an operation.
func (p parsed) pick(name string) string {
	operations := p.document.Operations
	switch {
	case name != "" && operations.ForName(name) == nil:
		return fmt.Sprintf("No operation named %q", name)
	case name == "" && len(operations) > 1:
		return "An operation name is required"
	}
	return ""
}

// only is the text of one operation of several, with its fragments: the executor
// would want values for the variables of all.
func (p parsed) only(name string) string {
	op := p.document.Operations.ForName(name)
	one := &ast.QueryDocument{Operations: ast.OperationList{op}}
	p.gather(op.SelectionSet, &one.Fragments)
	return printed(one)
}

func printed(document *ast.QueryDocument) string {
	var b strings.Builder
	formatter.NewFormatter(&b).FormatQueryDocument(document)
	return b.String()
}

// The real service takes queries that GraphQL's rules refuse, and clients rely on
// it: fragments that select nothing, and one name for values whose types differ from
// fragment to fragment ("value" of a TextChamp and of a CheckboxChamp). The names
// are told apart here, and put back in the answer.
var (
	emptyFragment = regexp.MustCompile(`\.\.\.\s*on\s+\w+\s*\{\s*\}`)
	toldApart     = regexp.MustCompile(`"(\w+)__of__\w+":`)
)

func loosen(document *ast.QueryDocument) bool {
	changed := false
	for _, op := range document.Operations {
		changed = tellApart(op.SelectionSet, "") || changed
	}
	for _, f := range document.Fragments {
		changed = tellApart(f.SelectionSet, f.TypeCondition) || changed
	}
	return changed
}

func tellApart(set ast.SelectionSet, typeName string) bool {
	changed := false
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if s.Name == "value" && (strings.HasSuffix(typeName, "Champ") || strings.HasSuffix(typeName, "Column")) {
				s.Alias += "__of__" + typeName
				changed = true
			}
			changed = tellApart(s.SelectionSet, "") || changed
		case *ast.InlineFragment:
			inner := s.TypeCondition
			if inner == "" {
				inner = typeName
			}
			changed = tellApart(s.SelectionSet, inner) || changed
		}
	}
	return changed
}

// restored is an answer with the names that were asked for. A key cannot be mistaken
// for text: quotes inside text are escaped.
func (p parsed) restored(data []byte) []byte {
	if !p.loosened {
		return data
	}
	return toldApart.ReplaceAll(data, []byte(`"$1":`))
}

// gather adds the fragments that a selection needs.
func (p parsed) gather(set ast.SelectionSet, fragments *ast.FragmentDefinitionList) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			p.gather(s.SelectionSet, fragments)
		case *ast.InlineFragment:
			p.gather(s.SelectionSet, fragments)
		case *ast.FragmentSpread:
			f := p.document.Fragments.ForName(s.Name)
			if f != nil && fragments.ForName(s.Name) == nil {
				*fragments = append(*fragments, f)
				p.gather(f.SelectionSet, fragments)
			}
		}
	}
}

// depth is the depth of the query's deepest operation. Introspection does not count.
func (p parsed) depth() int {
	deepest := 0
	for _, op := range p.document.Operations {
		deepest = max(deepest, p.selectionDepth(op.SelectionSet, map[string]bool{}))
	}
	return deepest
}

func (p parsed) selectionDepth(set ast.SelectionSet, spread map[string]bool) int {
	deepest := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if !strings.HasPrefix(s.Name, "__") {
				deepest = max(deepest, 1+p.selectionDepth(s.SelectionSet, spread))
			}
		case *ast.InlineFragment:
			deepest = max(deepest, p.selectionDepth(s.SelectionSet, spread))
		case *ast.FragmentSpread:
			// A fragment inside itself is for validation to refuse.
			if f := p.document.Fragments.ForName(s.Name); f != nil && !spread[s.Name] {
				spread[s.Name] = true
				deepest = max(deepest, p.selectionDepth(f.SelectionSet, spread))
				delete(spread, s.Name)
			}
		}
	}
	return deepest
}
