package onboarding

import "slices"

// Shown is what the hub shows of an onboarding in DS: in the form's private fields, and by
// a label.
type Shown struct {
	Step        int
	SandboxURL  string
	IssueURL    string
	Eligibility int
	// Continues is the number of the dossier that the onboarding goes on with, 0 for none.
	Continues int64 `json:",omitempty"`
}

// ShownOf returns what DS is to show of the onboarding.
func ShownOf(j *Journey, d *Dossier, r Record) Shown {
	standing := Stand(j, d, r)
	shown := Shown{Step: standing.Step, Eligibility: standing.Eligibility.Case, IssueURL: r.Get(IssueKey).URL}
	for _, link := range r.Links.FollowedBy {
		if standing.Continued && link.State != Deleted {
			shown.Continues = link.Number
		}
	}
	if SandboxReady(r) {
		shown.SandboxURL = r.Get(ProjectKey).URL
	}
	return shown
}

// annotations keeps the form's private fields and the dossier's label current. Both may be
// written again without harm.
func (p *planner) annotations() {
	demarche := p.journey.Demarche(p.dossier.Demarche)
	if demarche == nil || p.dossier.State == Deleted || p.dossier.Archived {
		p.settleProperty(Annotate, AnnotationsKey)
		p.settleProperty(TagDossier, TagKey)
		return
	}
	// The addresses of what is being made belong to it.
	making := slices.ContainsFunc(p.actions, Action.Creates)
	if len(demarche.Annotations) > 0 && !making {
		shown := ShownOf(p.journey, p.dossier, p.record)
		row := p.record.Get(AnnotationsKey)
		if want := fingerprint(shown); row.Applied != want || row.Unsure() {
			p.add(Action{Kind: Annotate, Resource: AnnotationsKey, Want: want})
		}
	}
	if len(demarche.Labels) > 0 {
		row := p.record.Get(TagKey)
		if want := demarche.Labels[p.standing.Step]; row.Applied != want || row.Unsure() {
			p.add(Action{Kind: TagDossier, Resource: TagKey, Want: want})
		}
	}
}
