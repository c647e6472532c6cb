package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// crowd is the people in DS and GitLab: applicants who file, edit, delete and write, agents
// who decide, here or there, and change their minds.
type crowd struct {
	random  *rand.Rand
	ds      *demarches.Server
	gitlab  *gitlab.Server
	marks   onboarding.Marks
	wanted  int
	begun   time.Time
	numbers []int

	mu     sync.Mutex
	acts   map[int][]deed // by dossier
	hidden map[int]bool
}

// deed is one act of somebody, for the story.
type deed struct {
	after time.Duration
	what  string
	late  time.Duration // until it was visible in the API
}

const (
	// actsEach is how many acts befall a dossier on average, filing included.
	actsEach = 5
	// filedBy is the share of the time within which all are filed.
	filedBy = 0.9
	// lateCommits is the share of acts that DS dates long before it shows them.
	lateCommits = 0.1
	longest     = 8 * time.Second
	// hasty is the share of acts that another on the same dossier follows at once.
	hasty = 0.2
	// ordering is the share of acts that are done in GitLab.
	ordering = 0.25
)

func newCrowd(random *rand.Rand, set *stage.Stage, marks onboarding.Marks, dossiers int) *crowd {
	return &crowd{random: random, ds: set.DS, gitlab: set.GitLab, marks: marks, wanted: dossiers, acts: map[int][]deed{}, hidden: map[int]bool{}}
}

// live has people act until the time is over.
func (c *crowd) live(ctx context.Context, duration time.Duration) error {
	total := c.wanted * actsEach
	for n := 0; n < total || len(c.numbers) < c.wanted; n++ {
		due := c.begun.Add(time.Duration(float64(duration) * float64(n) / float64(total)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(c.numbers)*total < int(float64(n*c.wanted)/filedBy)+total && len(c.numbers) < c.wanted {
			if err := c.file(); err != nil {
				return err
			}
			continue
		}
		number := c.numbers[c.random.IntN(len(c.numbers))]
		for again := true; again; again = c.random.Float64() < hasty {
			if err := c.act(number); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *crowd) file() error {
	n := len(c.numbers) + 1
	answers := demarches.ConsoleAccessAnswers(fmt.Sprintf("Projet %05d", n))
	answers[demarches.FieldTeam] = fmt.Sprintf("equipe%d@interieur.example\nrenfort%d@interieur.example", n, n)
	options, late := c.options()
	number, err := c.ds.File(stage.Form, demarches.Application{Email: fmt.Sprintf("usager%d@example.org", n), Answers: answers}, options...)
	if err != nil {
		return fmt.Errorf("file a form: %w", err)
	}
	c.numbers = append(c.numbers, number)
	c.note(number, "filed", late)
	return nil
}

func (c *crowd) options() (options []demarches.ActOption, late time.Duration) {
	if c.random.Float64() < lateCommits {
		late = time.Duration(c.random.Int64N(int64(longest)))
		options = append(options, demarches.VisibleAfter(late))
	}
	return options, late
}

// choice is an act that is possible, and how likely.
type choice struct {
	weight int
	what   string
	do     func(number int, options ...demarches.ActOption) error
}

const reason = "Le projet relève d’une autre offre"

func (c *crowd) choices(d *demarches.DossierView) []choice {
	write := choice{10, "message", func(n int, o ...demarches.ActOption) error {
		return c.ds.WriteMessage(n, "Avez-vous des nouvelles ?", o...)
	}}
	remove := choice{6, "deleted", c.ds.Delete}
	switch {
	case d.Presence == demarches.Purged:
		return nil
	case d.Presence != demarches.Present:
		return []choice{{60, "restored", c.ds.Restore}, {25, "purged", c.ds.Purge}}
	case d.State == demarches.EnConstruction:
		return []choice{write, remove, {55, "in instruction", c.ds.StartInstruction}, {20, "edited", c.edit}}
	case d.State == demarches.EnInstruction:
		return []choice{
			write,
			{50, "accepted", func(n int, o ...demarches.ActOption) error { return c.ds.Accept(n, "", o...) }},
			{18, "refused", func(n int, o ...demarches.ActOption) error { return c.ds.Refuse(n, reason, o...) }},
			{10, "classed", func(n int, o ...demarches.ActOption) error { return c.ds.Class(n, reason, o...) }},
			{8, "back to construction", c.ds.BackToConstruction},
		}
	default:
		return []choice{write, remove, {45, "back to instruction", c.ds.BackToInstruction}}
	}
}

func (c *crowd) edit(number int, options ...demarches.ActOption) error {
	edited := demarches.Answers{demarches.FieldDescription: fmt.Sprintf("Un service, version %d.", c.random.IntN(1000))}
	if c.random.IntN(3) == 0 {
		edited[demarches.FieldProjectName] = fmt.Sprintf("Projet rebaptisé %d %d", number, c.random.IntN(1000))
	}
	if c.random.IntN(3) == 0 {
		edited[demarches.FieldTeam] = fmt.Sprintf("nouvelle%d@interieur.example", c.random.IntN(1000))
	}
	return c.ds.Edit(number, edited, options...)
}

func (c *crowd) act(number int) error {
	if c.random.Float64() < ordering {
		return c.order(number)
	}
	dossier, _ := c.ds.Dossier(number)
	choices, sum := c.choices(&dossier), 0
	for _, choice := range choices {
		sum += choice.weight
	}
	if sum == 0 {
		return nil
	}
	at := c.random.IntN(sum)
	options, late := c.options()
	for _, choice := range choices {
		if at -= choice.weight; at >= 0 {
			continue
		}
		if err := choice.do(number, options...); err != nil {
			if now, _ := c.ds.Dossier(number); now.State != dossier.State {
				return nil // the hub was quicker, for an agent in GitLab
			}
			return fmt.Errorf("dossier %d, %s: %w", number, choice.what, err)
		}
		c.note(number, choice.what, late)
		break
	}
	return nil
}

// orders are what agents write to the hub in GitLab.
var orders = []string{
	"/passerelle go", "/passerelle go", "/passerelle go malgré tout", "/passerelle no-go " + reason,
	"/passerelle bloquer en attente du budget", "/passerelle débloquer", "/passerelle débloquer\n/passerelle go", "/passerelle statut",
}

// order has an agent decide in GitLab, once the tracking issue is there.
func (c *crowd) order(number int) error {
	mark, iid := c.marks.Mark(int64(number), onboarding.IssueKey), 0
	c.gitlab.Read(func(v gitlab.View) {
		for _, issue := range v.Issues(stage.TrackingProject) {
			if slices.Contains(onboarding.MarksIn(issue.Description), mark) {
				iid = issue.IID
			}
		}
	})
	if iid == 0 {
		return nil
	}
	what := orders[c.random.IntN(len(orders))]
	if err := c.gitlab.Comment(stage.TrackingProject, iid, stage.ServiceAgent, what); err != nil {
		return fmt.Errorf("dossier %d, %s: %w", number, what, err)
	}
	c.note(number, what, 0)
	return nil
}

func (c *crowd) note(number int, what string, late time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acts[number] = append(c.acts[number], deed{time.Since(c.begun), what, late})
	if what == "deleted" {
		c.hidden[number] = true
	}
}

// everHidden says whether a dossier was ever in the bin.
func (c *crowd) everHidden(number int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hidden[number]
}

func (c *crowd) deeds(number int) []deed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acts[number]
}
