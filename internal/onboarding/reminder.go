package onboarding

import (
	"fmt"
	"strings"
	"time"
)

// reminders plans the reminder to the agents that is due.
func (p *planner) reminders() {
	wanted, due := p.dueReminder()
	for _, key := range p.record.keys(KindReminder) {
		if !due || key != wanted {
			p.settle(RemindAgents, key)
		}
	}
	if due && wanted.System == InGitLab && p.record.Get(IssueKey).Done() {
		p.add(Action{Kind: RemindAgents, Resource: wanted})
	}
}

// dueReminder returns the key of the reminder that is due, if one is.
func (p *planner) dueReminder() (ResourceKey, bool) {
	key, at := p.nextReminder()
	return key, !at.IsZero() && !p.record.Now.Before(at)
}

// Wake returns when the next reminder is due, zero for none: when to plan again though
// nobody did anything.
func Wake(j *Journey, d *Dossier, r Record) time.Time {
	p := planner{journey: j, dossier: d, record: r, standing: Stand(j, d, r)}
	_, at := p.nextReminder()
	return at
}

// nextReminder returns the next reminder for whoever has to act, and when it is due. It
// is counted from the last movement, but not from before the hub took the dossier up, and
// each from when the one before it was given.
func (p *planner) nextReminder() (ResourceKey, time.Time) {
	issue := p.record.Get(IssueKey)
	if issue.Gone() || !issue.Done() {
		return ResourceKey{}, time.Time{}
	}
	if p.standing.Ended {
		return p.nextCheckUp()
	}
	since := p.standing.Since
	given, last := p.given(fmt.Sprintf("reminder %d ", since.Unix()))
	days := p.journey.Reminders.Days
	if given >= len(days) || p.standing.Waiting == PartyHub || p.standing.Waiting == PartyNobody {
		return ResourceKey{}, time.Time{}
	}
	from := later(since, issue.DoneAt)
	for _, days := range days[:given] {
		from = p.journey.Reminders.Due(from, days)
	}
	key := ResourceKey{System: InGitLab, Kind: KindReminder}
	if p.standing.Waiting == PartyApplicant {
		key = messageKey("")
	}
	key.Key = fmt.Sprintf("reminder %d %d", since.Unix(), given+1)
	return key, p.due(later(from, last), days[given])
}

// due is when a reminder is given so many days after a time, or at the next working hour
// when that has passed.
func (p *planner) due(after time.Time, days int) time.Time {
	at := p.journey.Reminders.Due(after, days)
	if p.record.Now.After(at) {
		return p.journey.Reminders.Due(p.record.Now, 0)
	}
	return at
}

// checkUpDays are the days from one check-up to the next.
const checkUpDays = 365

// nextCheckUp is a year after the last.
func (p *planner) nextCheckUp() (ResourceKey, time.Time) {
	step := p.journey.Step(p.standing.Step)
	if step == nil || step.AtEnd != EndCheckUp {
		return ResourceKey{}, time.Time{}
	}
	given, last := p.given("check_up ")
	from := p.standing.Since
	for range given {
		from = p.journey.Reminders.Due(from, checkUpDays)
	}
	key := ResourceKey{System: InGitLab, Kind: KindReminder, Key: fmt.Sprintf("check_up %d", given+1)}
	return key, p.due(later(from, last), checkUpDays)
}

// given counts the reminders whose keys begin so, and returns when the last was given. One
// that could not be sent to the applicant counts.
func (p *planner) given(prefix string) (n int, last time.Time) {
	counted := map[string]bool{}
	for key, resource := range p.record.Resources {
		if strings.HasPrefix(key.Key, prefix) && resource.Done() &&
			(key.Kind == KindReminder || key.Kind == KindMessage || key.Kind == KindWaiver) {
			counted[key.Key] = true
			last = later(last, resource.DoneAt)
		}
	}
	return len(counted), last
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
