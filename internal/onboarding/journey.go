package onboarding

// Journey is what a programme decides about its onboarding: the forms, what their
// fields mean, what each state of a dossier leads to, and how it looks in GitLab.
// It is read from one YAML file.
type Journey struct {
	// Language is that of everything applicants and agents read: "fr" or "en".
	Language string `yaml:"language"`
	// Programme is whose journey it is.
	Programme Programme        `yaml:"programme"`
	Demarches []Demarche       `yaml:"demarches"`
	Policy    map[State]Policy `yaml:"policy"`
	// DSTransitions says whether the hub advances a dossier's state in DS.
	DSTransitions DSTransitions `yaml:"ds_transitions"`
	GitLab        GitLab        `yaml:"gitlab"`
	Steps         []Step        `yaml:"steps"`
	// Prerequisites are what a team must have in place; each form says which field tells
	// of which.
	Prerequisites []Prerequisite `yaml:"prerequisites"`
	// Eligibility holds the cases of help, of which the first that fits is a team's.
	Eligibility []EligibilityCase `yaml:"eligibility"`
	// Training is what helps, by step and audience.
	Training []Training `yaml:"training"`
	// Roles holds, by audience, the answers about the applicant's role that belong to it.
	Roles     map[TrainingAudience][]string `yaml:"roles"`
	Reminders Reminders                     `yaml:"reminders"`
	// Templates replaces texts of ours, by name; see TemplateNames.
	Templates map[string]string `yaml:"templates"`
}

// Programme is whose journey it is, as texts name it.
type Programme struct {
	Name string `yaml:"name"`
	// Offer is what teams get, as it stands in a sentence; left out, it is the name.
	Offer string `yaml:"offer"`
	// Team signs the messages.
	Team string `yaml:"team"`
	// Reference is what references of dossiers begin with.
	Reference string `yaml:"reference"`
	// Links are what a team is shown of the programme.
	Links []ProgrammeLink `yaml:"links"`
}

// ProgrammeLink is a page about the programme.
type ProgrammeLink struct {
	Title string `yaml:"title"`
	URL   string `yaml:"url"`
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
	// Prerequisites says which field tells of which prerequisite, by its id.
	Prerequisites map[string]Field `yaml:"prerequisites"`
	// Policy says what a state of this form's dossiers leads to, where that differs from
	// the journey's.
	Policy map[State]Policy `yaml:"policy"`
	// Path is that of the page where the form is filled in, <DS>/commencer/<path>; it is
	// needed where another form's go leads here.
	Path string `yaml:"path"`
	// Next is the form that a go of this one's leads to, by number; 0 for none.
	Next int64 `yaml:"next"`
	// Annotations says which private field of the form shows what; none is kept current
	// that is not named here.
	Annotations map[Annotation]Field `yaml:"annotations"`
	// Labels names the label of DS that a dossier of this form bears, by step.
	Labels map[int]string `yaml:"labels"`
}

// Annotation is something that the hub keeps current in a private field of the form.
type Annotation string

// What an annotation can show.
const (
	AnnotationStep        Annotation = "step"        // text: number and title
	AnnotationSandbox     Annotation = "sandbox"     // text: the sandbox project's address
	AnnotationIssue       Annotation = "issue"       // text: the tracking issue's address
	AnnotationEligibility Annotation = "eligibility" // text: the case and its help
)

// Annotations lists every annotation.
func Annotations() []Annotation {
	return []Annotation{AnnotationStep, AnnotationSandbox, AnnotationIssue, AnnotationEligibility}
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
	// FactGovernEmails are the addresses of those who decide for the organisation.
	FactGovernEmails Fact = "governance_emails"
	// FactReference is the reference of an earlier dossier of the same onboarding.
	FactReference Fact = "reference"
	// FactPartnership is whether an organisation outside of the ministries comes with a
	// partnership of public interest.
	FactPartnership Fact = "public_interest"
)

// Facts lists every fact, in the order in which people read them.
func Facts() []Fact {
	return []Fact{
		FactOrganisation, FactMinistry, FactProject, FactSummary, FactRequest,
		FactInfrastructure, FactRole, FactPilotEmails, FactTeamEmails,
		FactGovernEmails, FactReference, FactPartnership,
	}
}

// Policy says what one state of a dossier leads to.
type Policy struct {
	Issue   IssuePolicy   `yaml:"issue"`
	Sandbox SandboxPolicy `yaml:"sandbox"`
	Message Message       `yaml:"message"`
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
	// MessageAccepted tells the addresses of the sandbox.
	MessageAccepted Message = "accepted"
	MessageRefused  Message = "refused"
	// MessageQualified leads to the next form.
	MessageQualified Message = "qualified"
	// MessageStep tells of a go at a gate that DS does not decide, MessageNoGo of a
	// no-go there.
	MessageStep Message = "step"
	MessageNoGo Message = "no_go"
	// MessageCorrection sends the dossier back to its applicant.
	MessageCorrection Message = "correction"
	// MessageReminder tells the applicant that something is expected of them.
	MessageReminder Message = "reminder"
)

// GitLab says how things are named in GitLab and who gets which access.
type GitLab struct {
	Sandbox Sandbox             `yaml:"sandbox"`
	Access  map[Audience]string `yaml:"access"`
	Labels  Labels              `yaml:"labels"`
	// Decide is the lowest access level in the tracking project whose members the hub
	// obeys.
	Decide string `yaml:"decide"`
}

// Sandbox names the project that a team gets.
type Sandbox struct {
	Name     string `yaml:"name"`
	Path     string `yaml:"path"`
	Branch   string `yaml:"branch"`
	CIConfig string `yaml:"ci_config"`
	// ProvisionalTopic is the project's topic until its product is in production, and
	// PermanentTopic from then on.
	ProvisionalTopic string `yaml:"provisional_topic"`
	PermanentTopic   string `yaml:"permanent_topic"`
}

// Audience is a kind of people that a form names.
type Audience string

// The audiences that can be invited.
const (
	AudienceApplicant  Audience = "applicant"
	AudienceGovernance Audience = "governance"
	AudiencePilot      Audience = "pilot"
	AudienceTeam       Audience = "team"
)

// Audiences lists every audience.
func Audiences() []Audience {
	return []Audience{AudienceApplicant, AudienceGovernance, AudiencePilot, AudienceTeam}
}

// Labels are the tracking issue's labels.
type Labels struct {
	Steps  map[int]string   `yaml:"steps"`
	States map[State]string `yaml:"states"`
	// Go and NoGo decide, and show a decision that stands; Blocked blocks, and shows it.
	Go      string `yaml:"go"`
	NoGo    string `yaml:"no_go"`
	Blocked string `yaml:"blocked"`
}

// Step is one step of the journey, with the tasks that end up as check boxes.
type Step struct {
	Number int    `yaml:"number"`
	Title  string `yaml:"title"`
	// Goal is what the team is to be able to do at the step's end, as an infinitive.
	Goal        string   `yaml:"goal"`
	Deliverable string   `yaml:"deliverable"`
	RunBy       string   `yaml:"run_by"`
	Tasks       []string `yaml:"tasks"`
	// Turn says who acts when nothing else is pending.
	Turn Party `yaml:"turn"`
	// Needs is what the hub's messages ask of the team in this step, and Next what
	// happens, one line each.
	Needs []string `yaml:"needs"`
	Next  []string `yaml:"next"`
	// Gate is the go/no-go at the step's end; the last step has none.
	Gate *Gate `yaml:"gate"`
	// Hosting says that the reference of a hosting request belongs to this step, and
	// HostingURL where the request is made.
	HostingURL string `yaml:"hosting_url"`
	// Production says that a go at this step's gate puts the product in production: the
	// sandbox is not provisional any more.
	Production bool `yaml:"production"`
	// AtEnd says what becomes of an onboarding that has reached the last step.
	AtEnd AtEnd `yaml:"at_end"`
}

// Gate is the go/no-go at the end of a step.
type Gate struct {
	// Question is what is decided.
	Question string `yaml:"question"`
	// Prerequisites says that the hard ones must be met to pass, or somebody must
	// override them with a reason.
	Prerequisites bool `yaml:"prerequisites"`
	// NoGo says what a no-go leads to.
	NoGo NoGo `yaml:"no_go"`
	// Reason is the one given for a no-go by label alone.
	Reason string `yaml:"reason"`
}

// NoGo says what a no-go at a gate leads to.
type NoGo string

// The choices for NoGo. At a gate that a form's decision is, the dossier is refused or
// classed in DS; at another, the team tries again in the same step, or the onboarding
// stops: its issue is closed and its sandbox archived.
const (
	NoGoRefuse NoGo = "refuse"
	NoGoClass  NoGo = "class"
	NoGoRetry  NoGo = "retry"
	NoGoStop   NoGo = "stop"
)

// AtEnd says what becomes of an onboarding in its last step.
type AtEnd string

// The choices for AtEnd.
const (
	EndCheckUp AtEnd = "check_up" // the agents are reminded of a check-up every year
	EndClose   AtEnd = "close"    // the tracking issue is closed
)

// Party is who has to act next.
type Party string

// The parties.
const (
	PartyApplicant Party = "applicant"
	PartyAgents    Party = "agents"
	PartyHub       Party = "hub"    // until DS shows what was decided in GitLab
	PartyNobody    Party = "nobody" // it ended, or goes on elsewhere
)

// Prerequisite is something that a team must have in place.
type Prerequisite struct {
	ID string `yaml:"id"`
	// Label is how people read it.
	Label string `yaml:"label"`
	// Hard ones keep a gate shut; the others are mentioned.
	Hard bool `yaml:"hard"`
}

// EligibilityCase is one case of help that a team can be in.
type EligibilityCase struct {
	Number int `yaml:"case"`
	// When holds, by fact, the answers of which one must have been given: choices as the
	// form words them, or "yes" and "no". The case fits when all do.
	When map[Fact][]string `yaml:"when"`
	// Who, in words, and Help, what the programme then offers.
	Who  string `yaml:"who"`
	Help string `yaml:"help"`
}

// TrainingAudience is for whom a resource is.
type TrainingAudience string

// The audiences of training.
const (
	TrainingAll        TrainingAudience = "all"
	TrainingGovernance TrainingAudience = "governance"
	TrainingPilot      TrainingAudience = "pilot"
	TrainingTeam       TrainingAudience = "team"
)

// TrainingAudiences lists every audience of training.
func TrainingAudiences() []TrainingAudience {
	return []TrainingAudience{TrainingAll, TrainingGovernance, TrainingPilot, TrainingTeam}
}

// Training is a resource that helps one audience in one step.
type Training struct {
	Step     int              `yaml:"step"`
	Audience TrainingAudience `yaml:"audience"`
	Title    string           `yaml:"title"`
	URL      string           `yaml:"url"`
}

// Reminders says when whoever has to act is reminded.
type Reminders struct {
	// Days holds the days without a movement before the first reminder, those from it to
	// the second, and so on; it grows. After the last there is none.
	Days []int `yaml:"days"`
	// From and To bound the working hours, as 09:00, in the time zone Zone; on weekends
	// and on the holidays of Country nobody is reminded.
	From string `yaml:"from"`
	To   string `yaml:"to"`
	Zone string `yaml:"zone"`
	// Holidays is the country whose holidays are kept: "fr", or none.
	Holidays string `yaml:"holidays"`
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

// PolicyOf returns what the dossier's state leads to: its form's policy, else the
// journey's.
func (j *Journey) PolicyOf(d *Dossier) Policy {
	if demarche := j.Demarche(d.Demarche); demarche != nil {
		if policy, given := demarche.Policy[d.State]; given {
			return policy
		}
	}
	return j.Policy[d.State]
}

// Step returns the step of that number, or nil.
func (j *Journey) Step(number int) *Step {
	if number < 1 || number > len(j.Steps) {
		return nil
	}
	return &j.Steps[number-1]
}

// FormStep is the step whose gate the decision on the dossier's form is, 0 for a form
// that is not configured.
func (j *Journey) FormStep(d *Dossier) int {
	if demarche := j.Demarche(d.Demarche); demarche != nil {
		return demarche.Step
	}
	return 0
}

// Last is the number of the last step.
func (j *Journey) Last() int { return len(j.Steps) }
