package demarches

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
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
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, maxTokens)
	p.document = document
	if err != nil {
		p.problem = strings.TrimPrefix(err.Error(), "input:")
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
