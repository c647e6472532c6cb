package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// document is what -json prints.
type document struct {
	Dossiers []row  `json:"dossiers"`
	Counts   counts `json:"counts"`
	Ledger   string `json:"ledger"`
}

// row is what became of one dossier, as the simulated services have it.
type row struct {
	Number  int     `json:"number"`
	State   string  `json:"state"`
	Step    int     `json:"step"`
	Group   string  `json:"group"`
	Project string  `json:"project"`
	Issue   int     `json:"issue"`
	Seconds float64 `json:"seconds"`
}

func (p *play) rowOf(o *outcome, s *sample) row {
	r := row{Number: s.number, Seconds: math.Round(s.settled.Seconds()*1000) / 1000}
	if dossier, found := p.DS.Dossier(s.number); found {
		r.State = string(dossier.State)
	}
	held := o.of[s.number]
	if len(held.groups) > 0 {
		r.Group = held.groups[0].FullPath
	}
	if len(held.projects) > 0 {
		r.Project = held.projects[0].FullPath
	}
	if len(held.issues) > 0 {
		r.Issue = held.issues[0].IID
		for step, label := range p.settings.Journey.GitLab.Labels.Steps {
			if slices.Contains(held.issues[0].Labels, label) {
				r.Step = step
			}
		}
	}
	return r
}

func (p *play) printJSON(w io.Writer, o *outcome) error {
	d := document{Dossiers: []row{}, Counts: o.counts, Ledger: o.ledger}
	for _, s := range o.samples {
		d.Dossiers = append(d.Dossiers, p.rowOf(o, s))
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

// printAll prints a line for each dossier there is, whoever filed it, for a start that
// goes on where an earlier one stopped: people may have done anything to the samples.
func printAll(w io.Writer, d verdict) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nDOSSIER\tSTATE\tGROUPS\tPROJECTS\tISSUES\tMESSAGES\tIS IT RIGHT")
	for i := range d.Judgements {
		j := &d.Judgements[i]
		right := "yes"
		if len(j.Wrong) > 0 {
			right = "NO: " + strings.Join(j.Wrong.english(), "; ")
		}
		fmt.Fprintf(table, "%d\t%s\t%d\t%d\t%d\t%d\t%s\n", j.Number, j.State, len(j.groups), len(j.projects), len(j.issues), j.Messages, right)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	sum := d.sums()
	_, err := fmt.Fprintf(w, "\n%d dossiers: %d groups, %d projects, %d issues, %d messages to applicants; the ledger is %s.\n",
		len(d.Judgements), sum.Groups, sum.Projects, sum.Issues, sum.Messages, d.Ledger)
	return err
}

// printTable prints a line for each dossier, and below it where things are.
func (p *play) printTable(w io.Writer, o *outcome) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nDOSSIER\tSTATE\tSTEP\tSETTLED\tMESSAGES\tWHAT")
	for _, s := range o.samples {
		r := p.rowOf(o, s)
		settled := "no"
		if s.settled > 0 {
			settled = fmt.Sprintf("%.2f s", s.settled.Seconds())
		}
		what := s.what
		if len(s.wrong) > 0 {
			what += ": NOT AS IT SHOULD BE"
		}
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%d\t%s\n", r.Number, r.State, r.Step, settled, len(p.critic.sent(s)), what)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	api := p.GitLabURL + "/api/v4"
	fmt.Fprintf(table, "\nDOSSIER\tIN GITLAB\tADDRESS IN ITS API, BELOW %s\n", api)
	for _, s := range o.samples {
		held := o.of[s.number]
		for _, issue := range held.issues {
			fmt.Fprintf(table, "%d\tissue %s#%d\t/projects/%d/issues/%d\n", s.number, stage.TrackingProject, issue.IID, o.tracking, issue.IID)
		}
		for _, group := range held.groups {
			fmt.Fprintf(table, "%d\tgroup %s\t/groups/%d\n", s.number, group.FullPath, group.ID)
		}
		for _, project := range held.projects {
			archived := ""
			if project.Archived {
				archived = " (archived)"
			}
			fmt.Fprintf(table, "%d\tproject %s%s\t/projects/%d\n", s.number, project.FullPath, archived, project.ID)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d groups, %d projects, %d issues, %d messages to applicants; the ledger is %s.\n",
		o.Groups, o.Projects, o.Issues, o.Messages, o.ledger)
	return err
}
