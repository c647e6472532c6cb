// Package stage sets up simulated services for the demo, the tests and the
// benchmarks: DS with the prequalification and console-access forms open, GitLab with
// the root group, the tracking project and its agents, and the configuration that
// leads a hub to both.
package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/config"
	demarches "github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	gitlab "github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// What stands on every stage.
const (
	// Form is the number of the console-access form, as in the example journey.
	Form = 12345
	// Prequalification is the number of the prequalification form.
	Prequalification = 12346
	// RootGroup is the full path of the group below which teams get theirs.
	RootGroup = "embarquement"
	// TrackingProject is the full path of the project with the tracking issues.
	TrackingProject = "programme/suivi"
	// Agent is the agent in whose name the hub writes in DS.
	Agent = demarches.DefaultAgent
	// User is the hub's account in GitLab.
	User = "passerelle"
	// ServiceAgent is an agent of the programme, a developer in the tracking project,
	// TrackingMaintainer a maintainer there. Reporter sees it, and no more.
	ServiceAgent       = "camille.roy"
	TrackingMaintainer = "dominique.petit"
	Reporter           = "sacha.bernard"
)

// hookName is what the tracking project's webhook is called.
const hookName = "Passerelle"

// Options change a stage; the zero value is an ordinary one.
type Options struct {
	// Listen is the host to listen on; 127.0.0.1 if empty.
	Listen string
	// HubURL is where webhooks go; it can be set later.
	HubURL string
	// Clock is the simulators' clock; time.Now if nil.
	Clock func() time.Time
	// RateLimit is DS's limit per minute and token, 0 for none.
	RateLimit int
	// LegacyDeletion has GitLab keep the path of what is marked for deletion, as older
	// versions do.
	LegacyDeletion bool
	// Seed makes faults repeatable.
	Seed uint64
	// FirstDossier is the number of the first dossier; DS's own default if 0.
	FirstDossier int
	// DSPort and GitLabPort are tried first; any other port is taken if they are 0 or
	// not free. KeepPorts takes no other.
	DSPort, GitLabPort int
	KeepPorts          bool
	// Only has one service alone, on Port and no other unless that is 0; WebhookURL is
	// where DS then sends its webhooks.
	Only       Service
	Port       int
	WebhookURL string
	// Forms are open besides those of every stage.
	Forms []demarches.Form
	// Keys are those of an earlier run; new ones if nil.
	Keys *Keys
	// State is where an earlier run stopped; nothing but what an administrator made
	// is there if nil.
	State *State
}

// Keys are the secrets of a stage.
type Keys struct {
	Webhook, Admin, DS, GitLab, Mark string
	// GitLabWebhook is that of the tracking project's webhook.
	GitLabWebhook string
}

// NewKeys makes keys up.
func NewKeys() *Keys {
	return &Keys{Webhook: secret(), Admin: secret(), DS: secret(), GitLab: secret(), Mark: secret(), GitLabWebhook: secret()}
}

// Stage is the simulated services, served on loopback addresses.
type Stage struct {
	DS     *demarches.Server
	GitLab *gitlab.Server
	// DSURL and GitLabURL are where they are served.
	DSURL, GitLabURL string
	// Secret is the secret of DS's webhook, GitLabSecret that of GitLab's, Admin a token
	// with the role admin.
	Secret, GitLabSecret, Admin string

	// Troubles are what goes wrong on demand.
	Troubles *Troubles

	host                          string
	dsToken, gitlabToken, markKey string
	hub                           *relay
	hooksURL                      string // where the relay stands
	dsFront, gitlabFront          *front
	servers                       []*http.Server
}

// New sets a stage up.
func New(ctx context.Context, o Options) (*Stage, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1"
	}
	if o.Keys == nil {
		o.Keys = NewKeys()
	}
	if o.Keys.GitLabWebhook == "" { // those of a run that had none
		o.Keys.GitLabWebhook = secret()
	}
	s := &Stage{
		Secret: o.Keys.Webhook, GitLabSecret: o.Keys.GitLabWebhook, Admin: o.Keys.Admin, dsToken: o.Keys.DS, gitlabToken: o.Keys.GitLab, markKey: o.Keys.Mark,
		host: o.Listen, hub: &relay{},
	}
	s.Troubles = &Troubles{stage: s}
	s.hub.loses = s.Troubles.losesWebhook
	if o.Only == "" {
		var err error
		if s.hooksURL, err = s.Serve(ctx, 0, s.hub); err != nil {
			return nil, err
		}
	}
	if o.Only != GitLab {
		if err := s.openDS(ctx, o); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if o.Only != DS {
		if err := s.openGitLab(ctx, o); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	s.SendTo(o.HubURL)
	return s, nil
}

func (s *Stage) openDS(ctx context.Context, o Options) (err error) {
	webhook := o.WebhookURL
	if s.hooksURL != "" {
		webhook = s.hooksURL + "/webhooks/demarches/" + s.Secret
	}
	forms := []demarches.Demarche{
		{Form: demarches.PrequalificationForm(Prequalification)}, {Form: demarches.ConsoleAccessForm(Form)},
	}
	for _, form := range o.Forms {
		forms = append(forms, demarches.Demarche{Form: form})
	}
	s.DS = demarches.New(demarches.Options{
		Token: s.dsToken, Clock: o.Clock, RateLimit: o.RateLimit, Seed: o.Seed, FirstNumber: o.FirstDossier, WebhookURL: webhook,
		Demarches: forms,
	})
	if o.State != nil {
		if err := restore(s.DS, o.State.DS); err != nil {
			return err
		}
		for _, form := range []int{Form, Prequalification} {
			if err := s.DS.SetWebhookURL(form, webhook); err != nil { // not where an earlier run's went
				return fmt.Errorf("point the webhooks: %w", err)
			}
		}
	}
	s.dsFront = newFront(s.DS)
	s.DSURL, err = s.serve(ctx, o, o.DSPort, s.dsFront)
	return err
}

func (s *Stage) openGitLab(ctx context.Context, o Options) (err error) {
	s.GitLab = gitlab.New(gitlab.Options{Token: s.gitlabToken, Username: User, Now: o.Clock, FaultSeed: o.Seed, LegacyDeletion: o.LegacyDeletion})
	if o.State == nil {
		err = s.furnish()
	} else {
		err = restore(s.GitLab, o.State.GitLab)
	}
	if err == nil {
		err = s.staff()
	}
	if err == nil && s.hooksURL != "" {
		err = s.hook()
	}
	if err != nil {
		return err
	}
	s.gitlabFront = newFront(s.GitLab)
	s.GitLabURL, err = s.serve(ctx, o, o.GitLabPort, s.gitlabFront)
	return err
}

// serve serves a simulator where the options say.
func (s *Stage) serve(ctx context.Context, o Options, port int, handler http.Handler) (string, error) {
	switch {
	case o.Only != "" && o.Port != 0:
		return s.ServeAt(ctx, o.Port, handler)
	case o.KeepPorts:
		return s.ServeAt(ctx, port, handler)
	}
	return s.Serve(ctx, port, handler)
}

// furnish makes what an administrator of GitLab has made before the hub starts.
func (s *Stage) furnish() error {
	if _, err := s.GitLab.CreateGroup(RootGroup, User); err != nil {
		return fmt.Errorf("make the root group: %w", err)
	}
	group, _, _ := strings.Cut(TrackingProject, "/")
	if _, err := s.GitLab.CreateGroup(group, User); err != nil {
		return fmt.Errorf("make the programme's group: %w", err)
	}
	if _, err := s.GitLab.CreateProject(TrackingProject, User); err != nil {
		return fmt.Errorf("make the tracking project: %w", err)
	}
	return nil
}

// staff gives the tracking project its agents, unless an earlier run did.
func (s *Stage) staff() error {
	for _, agent := range []struct {
		username, name string
		level          int
	}{
		{ServiceAgent, "Camille Roy", gitlab.Developer},
		{TrackingMaintainer, "Dominique Petit", gitlab.Maintainer},
		{Reporter, "Sacha Bernard", gitlab.Reporter},
	} {
		var known bool
		s.GitLab.Read(func(v gitlab.View) { _, known = v.User(agent.username) })
		if known {
			continue
		}
		s.GitLab.AddUser(agent.username, false)
		if err := s.GitLab.SetName(agent.username, agent.name); err != nil {
			return fmt.Errorf("name an agent: %w", err)
		}
		if err := s.GitLab.AddProjectMember(TrackingProject, agent.username, agent.level); err != nil {
			return fmt.Errorf("add an agent to the tracking project: %w", err)
		}
	}
	return nil
}

// hook has the tracking project send its webhooks to the hub, wherever an earlier run's
// went.
func (s *Stage) hook() error {
	err := s.GitLab.SetHook(TrackingProject, gitlab.Hook{
		Name: hookName, URL: s.hooksURL + gitlabHooks, Token: s.GitLabSecret, Verify: true,
		Events: []string{"issues_events", "confidential_issues_events", "note_events", "confidential_note_events"},
	})
	if err != nil {
		return fmt.Errorf("point the tracking project's webhook: %w", err)
	}
	return nil
}

// SendTo has DS and GitLab send their webhooks to the hub at that address; with an empty one
// nothing listens there.
func (s *Stage) SendTo(hubURL string) { s.hub.to(hubURL) }

// Hub returns the configuration that leads a hub to this stage.
func (s *Stage) Hub(databaseURL string) (*config.Config, error) {
	journey, err := config.ParseJourney("journey.example.yaml", deploy.ExampleJourney)
	if err != nil {
		return nil, err
	}
	return &config.Config{
		DatabaseURL: databaseURL, Listen: "127.0.0.1:0", PublicURL: "http://passerelle.example.org",
		DSURL: s.DSURL, DSToken: s.dsToken, DSInstructeur: Agent, DSWebhookSecret: s.Secret,
		GitLabURL: s.GitLabURL, GitLabToken: s.gitlabToken, GitLabRootGroup: RootGroup, GitLabTrackingProject: TrackingProject,
		GitLabWebhookToken: s.GitLabSecret,
		MarkKey:            s.markKey, AdminTokens: []config.AdminToken{config.NewAdminToken("admin", config.Admin, s.Admin)},
		Journey: journey, LogLevel: slog.LevelInfo, LogFormat: "text",
		CallTimeout: 30 * time.Second, PollInterval: 2 * time.Minute, VerifyInterval: 24 * time.Hour, RetryCap: 30 * time.Minute,
		Workers: 20, DatabaseConnections: 20,
	}, nil
}

// Close ends the simulators and what they serve.
func (s *Stage) Close() error {
	if s.DS != nil {
		s.DS.Close()
	}
	if s.GitLab != nil {
		s.GitLab.Close()
	}
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

func secret() string { return rand.Text() + rand.Text() }
