package texts

import (
	"fmt"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// words are the few texts that are put together in code.
type words struct {
	issueTitle string // the dossier's number
	group      string // the dossier's number, the project, the mark, the programme
	// project is the same, of a provisional sandbox; permanent of one whose product is in
	// production.
	project, permanent string
	commit             string // the dossier's number
	reference          string // the mark
	unnamed            string
	yes, no            string
	states             map[onboarding.State]string
	// facts names what a form tells, and unreachable says why DS takes no message.
	facts       map[onboarding.Fact]string
	unreachable map[onboarding.Unreachable]string
	// verbs says in one line what each command does.
	verbs map[onboarding.Verb]string
	// seen says what was done in GitLab that is no written command; labelled and unlabelled
	// are for a label.
	seen                          map[onboarding.Verb]string
	labelled, unlabelled, unknown string
	// step is that of the journey (number, of how many, title), helpCase the case of help
	// (number, help), unknownCase the answers that are missing, noCase that none fits.
	step, helpCase, unknownCase, noCase string
	continues                           string // the number of the dossier that it goes on with
	day                                 func(time.Time) string
}

var vocabulary = map[string]*words{
	"fr": {
		issueTitle: "Dossier n° %d",
		group:      "%[4]s : groupe du projet « %[2]s » (dossier n° %[1]d). Créé par Passerelle ; référence à conserver : %[3]s",
		project:    "%[4]s : bac à sable provisoire du projet « %[2]s » (dossier n° %[1]d). Créé par Passerelle ; référence à conserver : %[3]s",
		permanent:  "%[4]s : projet « %[2]s » (dossier n° %[1]d), en production. Créé par Passerelle ; référence à conserver : %[3]s",
		commit:     "Prépare le bac à sable du dossier n° %d",
		reference:  "Référence : %s",
		unnamed:    "sans nom",
		yes:        "oui",
		no:         "non",
		states: map[onboarding.State]string{
			onboarding.EnConstruction: "déposé",
			onboarding.EnInstruction:  "en instruction",
			onboarding.Accepte:        "accepté",
			onboarding.Refuse:         "refusé",
			onboarding.SansSuite:      "classé sans suite",
			onboarding.Deleted:        "supprimé",
		},
		facts: map[onboarding.Fact]string{
			onboarding.FactOrganisation:   "organisation",
			onboarding.FactMinistry:       "rattachement à un ministère",
			onboarding.FactProject:        "nom du projet",
			onboarding.FactSummary:        "description du projet",
			onboarding.FactRequest:        "nature de la demande",
			onboarding.FactInfrastructure: "infrastructure visée",
			onboarding.FactRole:           "rôle du demandeur",
			onboarding.FactPilotEmails:    "adresses du pilote MOE",
			onboarding.FactTeamEmails:     "adresses de l’équipe produit",
			onboarding.FactGovernEmails:   "adresses de la gouvernance",
			onboarding.FactReference:      "référence de préqualification",
			onboarding.FactPartnership:    "partenariat d’intérêt public",
		},
		unreachable: map[onboarding.Unreachable]string{
			onboarding.UnreachableArchived: "le dossier est archivé dans Démarches Simplifiées",
			onboarding.UnreachableHidden:   "le demandeur a retiré le dossier de son espace dans Démarches Simplifiées",
			onboarding.UnreachableAccount:  "le compte du demandeur n’existe plus dans Démarches Simplifiées",
			onboarding.UnreachableDeleted:  "le dossier est supprimé dans Démarches Simplifiées",
		},
		verbs: map[onboarding.Verb]string{
			onboarding.VerbGo:      "`/passerelle go [MOTIF]` : franchir le jalon ; le motif, nécessaire pour outrepasser un prérequis, reste dans GitLab",
			onboarding.VerbNoGo:    "`/passerelle no-go MOTIF` : ne pas franchir le jalon ; le motif est envoyé au demandeur",
			onboarding.VerbBlock:   "`/passerelle bloquer MOTIF` : suspendre l’embarquement",
			onboarding.VerbUnblock: "`/passerelle débloquer` : reprendre l’embarquement",
			onboarding.VerbCorrect: "`/passerelle corriger TEXTE` : demander au demandeur de corriger son dossier ; le texte lui est envoyé",
			onboarding.VerbHosting: "`/passerelle hébergement RÉFÉRENCE` : noter la référence de la demande d’hébergement",
			onboarding.VerbJoin:    "`/passerelle rattacher NUMÉRO` : rattacher ce dossier au dossier précédent du même projet",
			onboarding.VerbStatus:  "`/passerelle statut` : dire où en est l’embarquement",
			onboarding.VerbHelp:    "`/passerelle aide` : lister les commandes",
		},
		seen: map[onboarding.Verb]string{
			onboarding.VerbRelabel: "Étiquettes modifiées",
			onboarding.VerbClose:   "Ticket fermé",
			onboarding.VerbReopen:  "Ticket rouvert",
		},
		labelled:    "Étiquette %s posée",
		unlabelled:  "Étiquette %s retirée",
		unknown:     "Commande inconnue",
		continues:   "Se poursuit avec le dossier n° %d",
		step:        "Étape %d sur %d : %s",
		helpCase:    "Cas %d : %s",
		unknownCase: "À déterminer ; sans réponse dans le formulaire : %s",
		noCase:      "Aucun cas d’aide ne correspond aux réponses",
		day:         frenchDay,
	},
	"en": {
		issueTitle: "Application no. %d",
		group:      "%[4]s: group of the project “%[2]s” (application no. %[1]d). Made by Passerelle; reference to keep: %[3]s",
		project:    "%[4]s: provisional sandbox of the project “%[2]s” (application no. %[1]d). Made by Passerelle; reference to keep: %[3]s",
		permanent:  "%[4]s: project “%[2]s” (application no. %[1]d), in production. Made by Passerelle; reference to keep: %[3]s",
		commit:     "Set up the sandbox of application no. %d",
		reference:  "Reference: %s",
		unnamed:    "unnamed",
		yes:        "yes",
		no:         "no",
		states: map[onboarding.State]string{
			onboarding.EnConstruction: "filed",
			onboarding.EnInstruction:  "under review",
			onboarding.Accepte:        "accepted",
			onboarding.Refuse:         "refused",
			onboarding.SansSuite:      "closed without a decision",
			onboarding.Deleted:        "deleted",
		},
		facts: map[onboarding.Fact]string{
			onboarding.FactOrganisation:   "organisation",
			onboarding.FactMinistry:       "attachment to a ministry",
			onboarding.FactProject:        "project’s name",
			onboarding.FactSummary:        "project’s description",
			onboarding.FactRequest:        "kind of request",
			onboarding.FactInfrastructure: "target infrastructure",
			onboarding.FactRole:           "applicant’s role",
			onboarding.FactPilotEmails:    "project lead’s addresses",
			onboarding.FactTeamEmails:     "product team’s addresses",
			onboarding.FactGovernEmails:   "deciders’ addresses",
			onboarding.FactReference:      "reference of the earlier application",
			onboarding.FactPartnership:    "partnership of public interest",
		},
		unreachable: map[onboarding.Unreachable]string{
			onboarding.UnreachableArchived: "the application is archived in Démarches Simplifiées",
			onboarding.UnreachableHidden:   "the applicant removed the application from their list in Démarches Simplifiées",
			onboarding.UnreachableAccount:  "the applicant’s account no longer exists in Démarches Simplifiées",
			onboarding.UnreachableDeleted:  "the application is deleted in Démarches Simplifiées",
		},
		verbs: map[onboarding.Verb]string{
			onboarding.VerbGo:      "`/passerelle go [REASON]`: pass the gate; the reason, needed to override a prerequisite, stays in GitLab",
			onboarding.VerbNoGo:    "`/passerelle no-go REASON`: do not pass the gate; the reason is sent to the applicant",
			onboarding.VerbBlock:   "`/passerelle bloquer REASON`: suspend the onboarding",
			onboarding.VerbUnblock: "`/passerelle débloquer`: take the onboarding up again",
			onboarding.VerbCorrect: "`/passerelle corriger TEXT`: ask the applicant to correct the application; the text is sent to them",
			onboarding.VerbHosting: "`/passerelle hébergement REFERENCE`: note the reference of the hosting request",
			onboarding.VerbJoin:    "`/passerelle rattacher NUMBER`: join this application to the earlier one of the same project",
			onboarding.VerbStatus:  "`/passerelle statut`: tell where the onboarding stands",
			onboarding.VerbHelp:    "`/passerelle aide`: list the commands",
		},
		seen: map[onboarding.Verb]string{
			onboarding.VerbRelabel: "Labels changed",
			onboarding.VerbClose:   "Issue closed",
			onboarding.VerbReopen:  "Issue reopened",
		},
		labelled:    "Label %s put on",
		unlabelled:  "Label %s taken off",
		unknown:     "Unknown command",
		continues:   "Goes on with application no. %d",
		step:        "Step %d of %d: %s",
		helpCase:    "Case %d: %s",
		unknownCase: "To be determined; not answered in the form: %s",
		noCase:      "No case of help fits the answers",
		day:         func(t time.Time) string { return t.Format("2 January 2006") },
	},
}

var frenchMonths = [...]string{
	"janvier", "février", "mars", "avril", "mai", "juin",
	"juillet", "août", "septembre", "octobre", "novembre", "décembre",
}

func frenchDay(t time.Time) string {
	day := fmt.Sprint(t.Day())
	if t.Day() == 1 {
		day = "1er"
	}
	return fmt.Sprintf("%s %s %d", day, frenchMonths[t.Month()-1], t.Year())
}
