package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Problems is everything that is wrong with a configuration.
type Problems struct{ List []Problem }

// Problem is one thing that is wrong.
type Problem struct {
	// Where is the variable, or the file with line and column.
	Where string
	What  string
	// Advice says what to write instead.
	Advice string
}

// Error lists the problems, one to a line.
func (p *Problems) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "the configuration has %d problem(s):", len(p.List))
	for _, problem := range p.List {
		fmt.Fprintf(&text, "\n  %s %s", problem.Where, problem.What)
		if problem.Advice != "" {
			fmt.Fprintf(&text, "; %s", problem.Advice)
		}
	}
	return text.String()
}

func (p *Problems) add(where, what, advice string) {
	p.List = append(p.List, Problem{where, what, advice})
}

// addError adds a problem, or all of those that err holds.
func (p *Problems) addError(where string, err error, advice string) {
	if nested, ok := errors.AsType[*Problems](err); ok {
		p.List = append(p.List, nested.List...)
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.add(where, line, advice)
	}
}

// reason is what went wrong with a file, without its name.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}

// didYouMean names the closest name, if one is close. Short names are close to everything.
func didYouMean(name string, names []string) string {
	closest := slices.MinFunc(names, func(a, b string) int {
		return cmp.Compare(levenshtein.ComputeDistance(name, a), levenshtein.ComputeDistance(name, b))
	})
	if levenshtein.ComputeDistance(name, closest) > min(4, len(closest)/2) {
		return ""
	}
	return "; did you mean " + closest + "?"
}
