package ledger

import "github.com/cloud-pi-native/passerelle/internal/onboarding"

// CommandsOf sorts commands by dossier, in the form that the domain plans with.
func CommandsOf(rows []Command) map[int64][]onboarding.Command {
	commands := map[int64][]onboarding.Command{}
	for i := range rows {
		row := &rows[i]
		commands[row.Dossier] = append(commands[row.Dossier], onboarding.Command{
			Source: onboarding.Source(row.Source), ID: row.ID, Line: int(row.Line),
			Verb: onboarding.Verb(row.Verb), Argument: row.Argument, At: row.At, Author: row.Author,
			Step: int(row.Step), Outcome: onboarding.Outcome(row.Outcome), Detail: row.Detail,
		})
	}
	return commands
}

// NewInsertCommand is what records a command with what came of it.
func NewInsertCommand(dossier int64, c *onboarding.Command) InsertCommandParams {
	return InsertCommandParams{
		Dossier: dossier, Source: string(c.Source), ID: c.ID, Line: int32(c.Line),
		Verb: string(c.Verb), Argument: c.Argument, At: c.At, Author: c.Author,
		Step: int32(c.Step), Outcome: string(c.Outcome), Detail: c.Detail,
	}
}

// The relations between dossiers, as the query Links names them.
const (
	follows   = "follows"
	followed  = "followed"
	candidate = "candidate"
)

// LinksOf sorts links by dossier, in the form that the domain plans with. What commands
// may join is not among them: Earlier tells that.
func LinksOf(rows []LinksRow) map[int64]onboarding.Links {
	all := map[int64]onboarding.Links{}
	for i := range rows {
		row := &rows[i]
		links := all[row.Number]
		link := onboarding.Link{Number: row.Other, State: onboarding.State(row.State), IssueURL: row.IssueUrl}
		switch row.Relation {
		case follows:
			links.Follows = &link
		case followed:
			links.FollowedBy = append(links.FollowedBy, link)
		case candidate:
			links.Candidates = append(links.Candidates, link.Number)
		}
		all[row.Number] = links
	}
	return all
}
