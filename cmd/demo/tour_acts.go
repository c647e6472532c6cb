package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// The team of the tour.
const (
	tourOrganisation = "Laboratoire des mesures"
	tourProject      = "Observatoire des données"
	tourEmail        = "nour.haddad@mesures.example"
	tourHosting      = "DEM-2026-042"
)

// application is a form as the team fills it in.
func (*tour) application(answers demarches.Answers) demarches.Application {
	return demarches.Application{Email: tourEmail, Applicant: person("Mme", "Nour", "Haddad"), Answers: answers}
}

func (t *tour) diagnose(ctx context.Context) (err error) {
	t.begin("Une équipe remplit le diagnostic flash", "A team fills in the first form")
	answers := demarches.PrequalificationAnswers(tourProject)
	answers[demarches.PrequalOrganisation] = tourOrganisation
	if t.first, err = t.DS.File(stage.Prequalification, t.application(answers)); err != nil {
		return fmt.Errorf("file the first form: %w", err)
	}
	t.facts.follows(t.first)
	t.does(t.dossierURL(t.first), "Nour Haddad le dépose dans Démarches Simplifiées : dossier %d.", "Nour Haddad files it in Démarches Simplifiées: dossier %d.", t.first)
	err = t.await(ctx, "the tracking issue, or of the message that the dossier is received", t.dossierURL(t.first), func() bool {
		return t.bears(t.first, t.stepLabel(1)) && t.message(t.first, string(onboarding.MessageReceived)) != ""
	})
	if err != nil {
		return err
	}
	t.ends("un ticket de suivi attend les agents, et l’équipe sait son dossier reçu : %s", "a tracking issue awaits the agents, and the team knows that its dossier is received: %s", t.issueURL(t.first))
	return nil
}

func (t *tour) stepLabel(step int) string { return t.settings.Journey.GitLab.Labels.Steps[step] }

var nextFormLink = regexp.MustCompile(`https?://\S+/commencer/\S+`)

func (t *tour) qualify(ctx context.Context) error {
	t.begin("Un agent décide d’un mot, dans GitLab", "An agent decides by a word, in GitLab")
	err := t.ordersOn(ctx, t.first, stage.ServiceAgent, "/passerelle go", func(string) bool {
		t.link = nextFormLink.FindString(t.message(t.first, string(onboarding.MessageQualified)+" 1"))
		return t.state(t.first) == onboarding.Accepte && t.link != ""
	})
	if err != nil {
		return err
	}
	t.ends("Démarches Simplifiées montre le dossier accepté ; l’équipe reçoit le lien vers la demande d’accès : %s",
		"Démarches Simplifiées shows the dossier accepted; the team gets the link to the request for access: %s", t.dossierURL(t.first))
	return nil
}

func (t *tour) apply(ctx context.Context) error {
	t.begin("L’équipe suit le lien", "The team follows the link")
	link, err := url.Parse(t.link)
	if err != nil {
		return fmt.Errorf("the link to the second form: %w", err)
	}
	reference := link.Query().Get("champ_" + strings.TrimRight(demarches.ChampID(demarches.FieldPrequalification), "="))
	if reference == "" {
		return errors.New("the link to the second form does not hold the reference")
	}
	t.does(t.link, "Le lien apporte %d réponses au formulaire, dont la référence %s.", "The link brings %d answers to the form, the reference %s among them.", len(link.Query()), reference)
	answers := demarches.ConsoleAccessAnswers(tourProject)
	answers[demarches.FieldOrganisation], answers[demarches.FieldPrequalification] = tourOrganisation, reference
	answers[demarches.FieldStateless] = false
	if t.second, err = t.DS.File(stage.Form, t.application(answers)); err != nil {
		return fmt.Errorf("file the second form: %w", err)
	}
	t.facts.follows(t.second)
	t.does(t.dossierURL(t.second), "Elle complète et dépose : dossier %d.", "It fills in the rest and files: dossier %d.", t.second)
	err = t.await(ctx, "the second issue, or of the first one being closed", t.issueURL(t.first), func() bool {
		return t.bears(t.second, t.stepLabel(2)) && t.issue(t.first).State == "closed" &&
			t.message(t.second, string(onboarding.MessageReceived)) != ""
	})
	if err != nil {
		return err
	}
	t.ends("par la référence, les deux dossiers n’en font qu’un parcours : le premier ticket est fermé et mène au second, %s",
		"by the reference, both dossiers are one journey: the first issue is closed and leads to the second, %s", t.issueURL(t.second))
	return nil
}

func (t *tour) intrude(ctx context.Context) error {
	t.begin("Quelqu’un qui n’a pas le droit de décider essaie", "Somebody who may not decide tries to")
	if err := t.orders(ctx, stage.Reporter, "/passerelle go", func(string) bool { return true }); err != nil {
		return err
	}
	if t.state(t.second) != onboarding.EnConstruction {
		return fmt.Errorf("the command of @%s, who may not decide, had an effect: dossier %d is %s", stage.Reporter, t.second, t.state(t.second))
	}
	t.ends("rien n’a bougé : seuls les membres du projet de suivi au niveau developer décident", "nothing moved: only the tracking project’s members from the level developer on decide")
	return nil
}

func (t *tour) stumble(ctx context.Context) error {
	t.begin("Un prérequis manque : le jalon reste fermé", "A prerequisite is not met: the gate stays shut")
	if err := t.orders(ctx, stage.ServiceAgent, "/passerelle go", func(string) bool { return true }); err != nil {
		return err
	}
	if t.state(t.second) != onboarding.EnConstruction {
		return fmt.Errorf("the gate was passed though a prerequisite is not met: dossier %d is %s", t.second, t.state(t.second))
	}
	t.ends("l’agent choisit : faire corriger, ou outrepasser en disant pourquoi", "the agent chooses: have it corrected, or override it and say why")
	return nil
}

func (t *tour) sendBack(ctx context.Context) error {
	t.begin("L’agent rend le dossier à l’équipe", "The agent sends the dossier back to the team")
	err := t.orders(ctx, stage.ServiceAgent, "/passerelle corriger Merci de préciser où est gardé l’état de l’application.", func(string) bool {
		dossier, _ := t.DS.Dossier(t.second)
		return dossier.CorrectionPending
	})
	if err != nil {
		return err
	}
	t.ends("Démarches Simplifiées demande la correction, avec le texte de l’agent et la liste des prérequis : %s",
		"Démarches Simplifiées asks for the correction, with the agent’s text and the list of prerequisites: %s", t.dossierURL(t.second))
	return nil
}

func (t *tour) mend(ctx context.Context) error {
	t.begin("L’équipe corrige", "The team corrects")
	t.does(t.dossierURL(t.second), "Elle répond que l’application est sans état. DS n’envoie pas de webhook pour cela : Passerelle le voit à sa ronde.",
		"It answers that the application is stateless. DS sends no webhook for this: Passerelle sees it on its round.")
	if err := t.DS.Edit(t.second, demarches.Answers{demarches.FieldStateless: true}); err != nil {
		return fmt.Errorf("correct dossier %d: %w", t.second, err)
	}
	lacks := t.settings.Journey.Prerequisites[slices.IndexFunc(t.settings.Journey.Prerequisites, func(p onboarding.Prerequisite) bool { return p.ID == "stateless" })].Label
	err := t.await(ctx, "the hub’s note without the prerequisite", t.issueURL(t.second), func() bool {
		note := t.note(t.second)
		return note != "" && !strings.Contains(note, lacks)
	})
	if err != nil {
		return err
	}
	t.ends("la note de Passerelle ne compte plus de prérequis manquant : c’est de nouveau aux agents", "the hub’s note counts no missing prerequisite any more: it is the agents’ turn again")
	return nil
}

// note is the hub's one note on a dossier's issue.
func (t *tour) note(number int) string {
	for _, note := range t.GitLab.Notes(stage.TrackingProject, t.issue(number).IID) {
		if t.critic.isNote(note, number) {
			return note.Body
		}
	}
	return ""
}

func (t *tour) accept(ctx context.Context) error {
	t.begin("Go : l’accès est accordé", "Go: access is granted")
	err := t.orders(ctx, stage.ServiceAgent, "/passerelle go", func(string) bool {
		return t.state(t.second) == onboarding.Accepte && t.message(t.second, string(onboarding.MessageAccepted)+" 1") != ""
	})
	if err != nil {
		return err
	}
	t.ends("accepté dans Démarches Simplifiées, sans y toucher ; l’équipe a son groupe et son bac à sable : %s",
		"accepted in Démarches Simplifiées, without a click there; the team has its group and its sandbox: %s", t.GitLabURL+"/"+t.sandbox().FullPath)
	return nil
}

// sandbox is the team's project.
func (t *tour) sandbox() gitlab.Project {
	if held := t.critic.judge(t.second); len(held.projects) > 0 {
		return held.projects[0]
	}
	return gitlab.Project{}
}

func (t *tour) mistype(ctx context.Context) error {
	t.begin("Une faute de frappe", "A typing mistake")
	if err := t.orders(ctx, stage.ServiceAgent, "/passerelle statu", func(answer string) bool { return strings.Contains(answer, "statut") }); err != nil {
		return err
	}
	t.ends("rien n’est deviné : la bonne commande est proposée", "nothing is guessed: the right command is proposed")
	return nil
}

func (t *tour) label(ctx context.Context) error {
	t.begin("Le jalon de l’étape 3, par une étiquette", "The gate of step 3, by a label")
	label := t.settings.Journey.GitLab.Labels.Go
	t.does(t.issueURL(t.second), "@%s pose l’étiquette « %s » sur le ticket.", "@%s puts the label “%s” on the issue.", stage.TrackingMaintainer, label)
	come := func(string) bool {
		return t.bears(t.second, t.stepLabel(4)) && !t.bears(t.second, label) && t.message(t.second, string(onboarding.MessageStep)+" 4") != ""
	}
	iid := t.issue(t.second).IID
	err := t.answered(ctx, t.second, "step 4", come, func() error {
		return t.GitLab.AddLabel(stage.TrackingProject, iid, stage.TrackingMaintainer, label)
	})
	if err != nil {
		return err
	}
	t.ends("étape 4 ; l’étiquette est retirée, elle servira au jalon suivant", "step 4; the label is taken off, for the next gate")
	return nil
}

func (t *tour) host(ctx context.Context) error {
	t.begin("La demande d’hébergement", "The hosting request")
	err := t.orders(ctx, stage.ServiceAgent, "/passerelle hébergement "+tourHosting, func(string) bool {
		return strings.Contains(t.note(t.second), tourHosting)
	})
	if err != nil {
		return err
	}
	t.ends("la référence %s est dans la note du ticket", "the reference %s is in the issue’s note", tourHosting)
	return nil
}

func (t *tour) produce(ctx context.Context) error {
	t.begin("Mise en production", "Into production")
	topic := t.settings.Journey.GitLab.Sandbox.PermanentTopic
	err := t.orders(ctx, stage.ServiceAgent, "/passerelle go", func(string) bool {
		return t.bears(t.second, t.stepLabel(5)) && slices.Contains(t.sandbox().Topics, topic) &&
			t.message(t.second, string(onboarding.MessageStep)+" 5") != ""
	})
	if err != nil {
		return err
	}
	t.ends("étape 5 ; le projet n’est plus provisoire, son sujet est « %s »", "step 5; the project is not provisional any more, its topic is “%s”", topic)
	return nil
}
