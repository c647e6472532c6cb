package texts

import (
	"slices"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// samples returns data for a template: of a dossier that says and has everything, and of
// empty ones; in every state, or in every standing.
func (t *Texts) samples(name string) []any {
	rich, poor, full := t.sampleDossier(), &onboarding.Dossier{Number: 1}, fullRecord()
	var samples []any
	switch name {
	case "answer":
		samples = append(samples, t.answer(rich, sampleCommands(), onboarding.Standing{}, full), t.answer(poor, sampleCommands(), onboarding.Standing{}, onboarding.Record{}))
		for _, standing := range t.sampleStandings() {
			samples = append(samples, t.answer(rich, []onboarding.Command{{Verb: onboarding.VerbStatus, Outcome: onboarding.Done}}, standing, full))
		}
		return samples
	case "reminder":
		for _, standing := range t.sampleStandings() {
			for _, key := range []string{"reminder 1 1", "check_up 1"} {
				samples = append(samples, t.reminder(rich, onboarding.ResourceKey{Key: key}, standing))
			}
		}
		return samples
	case "dockerfile", "ci":
		return []any{t.build(rich)}
	case "note":
		samples = t.sampleNotes(rich)
	case "issue", "readme", "page":
	default:
		samples = t.sampleMessages(rich, full)
	}
	for _, state := range onboarding.States() {
		rich.State, poor.State = state, state
		switch name {
		case "issue":
			samples = append(samples, t.issue(rich), t.issue(poor))
		case "note":
			samples = append(samples, t.note(poor, onboarding.Note{State: state}), t.note(poor, onboarding.Note{State: state, Gone: true}))
		case "readme":
			samples = append(samples, t.readme(rich, full), t.readme(poor, onboarding.Record{}))
		case "page":
			samples = append(samples, t.page(rich), t.page(poor))
		default:
			samples = append(samples, t.message(rich, onboarding.ResourceKey{}, full), t.message(poor, onboarding.ResourceKey{}, onboarding.Record{}))
		}
	}
	return samples
}

func (t *Texts) sampleMessages(d *onboarding.Dossier, full onboarding.Record) []any {
	var samples []any
	for _, demarche := range t.journey.Demarches {
		of := *d
		of.Demarche = demarche.Number
		samples = append(samples, t.message(&of, onboarding.ResourceKey{Key: "reminder 1 1"}, full))
	}
	for _, standing := range t.sampleStandings() {
		data := t.message(d, onboarding.ResourceKey{}, full)
		data.Stand, data.Step, data.Correction = t.standing(d, standing, inPlain), t.step(d, standing.Step), "a\nb"
		data.NextURL, data.Reference = "https://ds.example.org/commencer/x", t.journey.Programme.Reference+"-1-00000000"
		samples = append(samples, data)
	}
	return samples
}

func fullRecord() onboarding.Record {
	return onboarding.Record{
		Resources: map[onboarding.ResourceKey]onboarding.Resource{
			onboarding.GroupKey:   {URL: "https://gitlab.example.org/groups/g", DoneAt: time.Unix(1, 0)},
			onboarding.ProjectKey: {URL: "https://gitlab.example.org/g/p", DoneAt: time.Unix(1, 0)},
			onboarding.ArchiveKey: {Applied: onboarding.Archived},
		},
		Links: sampleLinks(),
	}
}

func sampleLinks() onboarding.Links {
	link := onboarding.Link{Number: 2, State: onboarding.Accepte, IssueURL: "https://gitlab.example.org/s/-/issues/2"}
	return onboarding.Links{Follows: &link, FollowedBy: []onboarding.Link{link, link}}
}

// sampleCommands are some of each verb and outcome.
func sampleCommands() []onboarding.Command {
	verbs := slices.Concat(onboarding.Verbs(),
		[]onboarding.Verb{onboarding.VerbUnknown, onboarding.VerbRelabel, onboarding.VerbClose, onboarding.VerbReopen})
	sources := []onboarding.Source{onboarding.FromNote, onboarding.FromLabel, onboarding.FromState}
	details := []string{"", "go", "a b", onboarding.CorrectionPending, onboarding.TooManyCommands}
	var commands []onboarding.Command
	for _, verb := range verbs {
		for _, outcome := range onboarding.Outcomes() {
			for i, detail := range details {
				if i != 2 && outcome != onboarding.Done && outcome != onboarding.RefusedUnknown {
					continue // the other outcomes have nothing else to tell
				}
				commands = append(commands, onboarding.Command{
					Source: sources[i%len(sources)], ID: 1, Line: len(commands), Verb: verb, Outcome: outcome, Step: i + 1,
					Argument: strings.Repeat("a\n", i), Detail: detail,
				})
			}
		}
	}
	return commands
}

// sampleStandings are one with everything in each step, and one with nothing.
func (t *Texts) sampleStandings() []onboarding.Standing {
	standings := []onboarding.Standing{{}}
	parties := []onboarding.Party{onboarding.PartyApplicant, onboarding.PartyAgents, onboarding.PartyHub, onboarding.PartyNobody}
	for step := range t.journey.Last() + 1 {
		for i, party := range parties {
			one, two := i%2 == 0, i > 1
			standing := onboarding.Standing{
				Step: step, Waiting: party, Since: time.Unix(1, 0), Correcting: one, Stopped: two, Ended: one && two, Continued: !one && two,
				Decision: []onboarding.Decision{onboarding.Go, onboarding.DecidedNo, onboarding.Undecided, onboarding.Undecided}[i],
				Reason:   "a\nb", Blocked: one, BlockReason: "a\nb", Unmet: []string{"a"}, Wanting: []string{"b"},
				Passes: []onboarding.Pass{
					{Step: 1, At: time.Unix(1, 0), ByDS: one, Overrides: []string{"a"}, Reason: "a"}, {Step: step},
				},
				Eligibility: onboarding.Eligibility{Missing: onboarding.Facts()},
			}
			if two {
				standing.Hosting = "a"
			}
			if len(t.journey.Eligibility) > 0 && one {
				standing.Eligibility = onboarding.Eligibility{Case: t.journey.Eligibility[0].Number, Reasons: onboarding.Facts()}
			}
			standings = append(standings, standing)
		}
	}
	return standings
}

func (t *Texts) sampleNotes(d *onboarding.Dossier) []any {
	var samples []any
	for _, standing := range t.sampleStandings() {
		samples = append(samples,
			t.note(d, onboarding.Note{Standing: standing, Links: onboarding.Links{Candidates: []int64{1, 2}}}),
			t.note(d, onboarding.Note{
				State: d.State, GroupURL: "https://gitlab.example.org/groups/g", ProjectURL: "https://gitlab.example.org/g/p",
				Archived: true, Motivation: "a\nb", Failures: []string{"a", "b"}, BadEmails: 2, Standing: standing,
				Links: sampleLinks(), BadReference: true, Unsent: onboarding.UnreachableHidden,
			}))
	}
	return samples
}

// sampleDossier answers every field of the journey's first form.
func (t *Texts) sampleDossier() *onboarding.Dossier {
	d := &onboarding.Dossier{
		Number: 1, State: onboarding.EnConstruction, FiledAt: time.Unix(1, 0), Motivation: "a\nb",
		UsagerEmail: "a@example.org", HiddenByUsager: true,
	}
	if len(t.journey.Demarches) == 0 {
		return d
	}
	d.Demarche = t.journey.Demarches[0].Number
	yes := true
	for fact, field := range t.journey.Demarches[0].Fields {
		answer := onboarding.Answer{Champ: field.ID, Label: field.Label, Text: string(fact)}
		switch fact {
		case onboarding.FactMinistry, onboarding.FactPartnership:
			answer.Checked = &yes
		case onboarding.FactPilotEmails, onboarding.FactTeamEmails, onboarding.FactGovernEmails:
			answer.Text = "a@example.org b@example.org nobody"
		default: // a text
		}
		d.Answers = append(d.Answers, answer)
	}
	return d
}
