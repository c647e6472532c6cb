package onboarding

// Journey is what a programme decides about its onboarding: the forms, what their
// fields mean, what each state of a dossier leads to, and how it looks in GitLab.
// It is read from one YAML file.
type Journey struct {
	// Language is that of everything applicants and agents read: "fr" or "en".
	Language  string           `yaml:"language"`
	Demarches []Demarche       `yaml:"demarches"`
	Policy    map[State]Policy `yaml:"policy"`
	// DSTransitions says whether the hub advances a dossier's state in DS.
	DSTransitions DSTransitions `yaml:"ds_transitions"`
	GitLab        GitLab        `yaml:"gitlab"`
	Steps         []Step        `yaml:"steps"`
	// Templates replaces texts of ours, by name; see TemplateNames.
	Templates map[string]string `yaml:"templates"`
}

// DSTransitions says which changes of state the hub makes in DS by itself.
type DSTransitions string

// The choices for DSTransitions.
const (
	TransitionsNone   DSTransitions = "none"
	InstructOnReceipt DSTransitions = "instruct_on_receipt"
)

// Demarche is one form (démarche) of DS.
type Demarche struct {
	Number int64 `yaml:"number"`
	// Step is the step of the journey that a dossier of this form is in when it is
	// filed, 1 to 5.
	Step int `yaml:"step"`
	// Import says what to do with dossiers from before the hub's first start.
	Import Import `yaml:"import"`
	// Fields says which field (champ) feeds which fact.
	Fields map[Fact]Field `yaml:"fields"`
}

// Field names a champ: by its id, which survives a revision of the form, or by its
// label as a fallback.
type Field struct {
	ID    string `yaml:"id"`
	Label string `yaml:"label"`
}

// Fact is something that a form tells us.
type Fact string

// The facts that a form's fields can feed.
const (
	FactOrganisation   Fact = "organisation"
	FactMinistry       Fact = "attached_to_ministry"
	FactProject        Fact = "project"
	FactSummary        Fact = "summary"
	FactRequest        Fact = "request"
	FactInfrastructure Fact = "infrastructure"
	FactRole           Fact = "role"
	FactPilotEmails    Fact = "pilot_emails"
	FactTeamEmails     Fact = "team_emails"
)

// Facts lists every fact, in the order in which people read them.
func Facts() []Fact {
	return []Fact{
		FactOrganisation, FactMinistry, FactProject, FactSummary, FactRequest,
		FactInfrastructure, FactRole, FactPilotEmails, FactTeamEmails,
	}
}

// Policy says what one state of a dossier leads to.
type Policy struct {
	Issue   IssuePolicy   `yaml:"issue"`
	Sandbox SandboxPolicy `yaml:"sandbox"`
	Message Message       `yaml:"message"`
	// Step moves the dossier to this step of the journey; 0 leaves it where its
	// form put it.
	Step int `yaml:"step"`
}

// IssuePolicy says what becomes of the tracking issue.
type IssuePolicy string

// The choices for IssuePolicy. A dossier that is first seen in a state that closes
// gets no issue at all.
const (
	IssueOpen  IssuePolicy = "open"
	IssueClose IssuePolicy = "close"
)

// SandboxPolicy says what becomes of the group and its sandbox project.
type SandboxPolicy string

// The choices for SandboxPolicy. SandboxArchive creates nothing: it archives what
// an earlier acceptance made.
const (
	SandboxProvision SandboxPolicy = "provision"
	SandboxArchive   SandboxPolicy = "archive"
	SandboxKeep      SandboxPolicy = "keep"
)

// Message names the message that the applicant gets.
type Message string

// The messages.
const (
	MessageNone     Message = "none"
	MessageReceived Message = "received"
	MessageAccepted Message = "accepted"
	MessageRefused  Message = "refused"
)

// GitLab says how things are named in GitLab and who gets which access.
type GitLab struct {
	Sandbox Sandbox             `yaml:"sandbox"`
	Access  map[Audience]string `yaml:"access"`
	Labels  Labels              `yaml:"labels"`
}

// Sandbox names the project that a team gets.
type Sandbox struct {
	Name     string `yaml:"name"`
	Path     string `yaml:"path"`
	Branch   string `yaml:"branch"`
	CIConfig string `yaml:"ci_config"`
}

// Audience is a kind of people that a form names.
type Audience string

// The audiences that can be invited.
const (
	AudienceApplicant Audience = "applicant"
	AudiencePilot     Audience = "pilot"
	AudienceTeam      Audience = "team"
)

// Audiences lists every audience.
func Audiences() []Audience {
	return []Audience{AudienceApplicant, AudiencePilot, AudienceTeam}
}

// Labels are the tracking issue's labels, by step and by state.
type Labels struct {
	Steps  map[int]string   `yaml:"steps"`
	States map[State]string `yaml:"states"`
}

// Step is one step of the journey, with the tasks that end up as check boxes.
type Step struct {
	Number      int      `yaml:"number"`
	Title       string   `yaml:"title"`
	Deliverable string   `yaml:"deliverable"`
	RunBy       string   `yaml:"run_by"`
	Tasks       []string `yaml:"tasks"`
}

// Demarche returns the form of that number, or nil when it is not configured.
func (j *Journey) Demarche(number int64) *Demarche {
	for i := range j.Demarches {
		if j.Demarches[i].Number == number {
			return &j.Demarches[i]
		}
	}
	return nil
}

// StepOf returns the step of the journey that the dossier stands in. Going back
// leads to the step that the form put it in.
func (j *Journey) StepOf(d *Dossier) int {
	if step := j.Policy[d.State].Step; step != 0 {
		return step
	}
	if demarche := j.Demarche(d.Demarche); demarche != nil {
		return demarche.Step
	}
	return 0
}
