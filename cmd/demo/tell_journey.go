package main

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// names are words in French and in English, by what the ledger calls them.
type names map[string][2]string

// in is a word in the reader's language; what has no name stays as it is.
func (n names) in(lang, word string) string {
	name, known := n[word]
	switch {
	case !known:
		return word
	case lang == page.English:
		return name[1]
	}
	return name[0]
}

// tellJourney tells a fact of the journey: what agents decide, and what follows.
func tellJourney(lang string, e *ledger.LedgerEntry) (where, what string) {
	get := func(path string) string { return field(e, path) }
	in := func(place, fr, en string, about ...any) {
		where, what = place, fmt.Sprintf(choose(lang == page.English, en, fr), about...)
	}
	const ds, git = "DS", "GitLab"
	switch ledger.EntryKind(e.Kind) {
	case ledger.EligibilityAssessed:
		where, what = hubName, eligibility(lang, e)
	case ledger.GateDecided:
		decision, by := gateDecisions.in(lang, get("decision")), services.in(lang, get("by"))
		in(hubName, "jalon de l’étape %s : %s", "gate of step %s: %s", get("step"), decision)
		if by != "" {
			what += choose(lang == page.English, ", decided in ", ", décidé dans ") + by
		}
	case ledger.GateOverridden:
		in(hubName, "prérequis outrepassés à l’étape %s : %s (dans %s)", "prerequisites overridden at step %s: %s (in %s)",
			get("step"), strings.Join(words(e, "prerequisites"), ", "), services.in(lang, get("by")))
	case ledger.OnboardingBlocked:
		in(hubName, "embarquement bloqué", "onboarding blocked")
	case ledger.OnboardingUnblocked:
		in(hubName, "embarquement débloqué", "onboarding unblocked")
	case ledger.HostingRequested:
		in(hubName, "demande d’hébergement : %s", "hosting request: %s", get("reference"))
	case ledger.DossiersJoined:
		in(hubName, "fait suite au dossier %s, %s", "goes on from dossier %s, %s", get("follows"), joiners.in(lang, get("by")))
	case ledger.CommandGiven:
		in(git, "%s : %s", "%s: %s", commandName(lang, get("command"), get("verb")), outcomes.in(lang, get("outcome")))
	case ledger.AnswerGiven:
		in(git, "réponse de Passerelle dans le ticket", "Passerelle’s answer in the issue")
	case ledger.AnnotationsWritten:
		var shown []string
		for _, annotation := range words(e, "annotations") {
			shown = append(shown, annotations.in(lang, annotation))
		}
		in(ds, "annotations privées : %s", "private annotations: %s", strings.Join(shown, ", "))
	case ledger.DossierTagged:
		in(ds, "étiquette du dossier : %s", "label of the dossier: %s", get("label"))
	case ledger.TransitionMade:
		in(ds, "dossier passé à « %s », comme décidé dans GitLab", "dossier set to “%s”, as decided in GitLab", stateName(lang, get("to")))
	case ledger.MessageWaived:
		in(ds, "pas de message au demandeur (%s) : %s", "no message to the applicant (%s): %s",
			messageName(lang, get("message")), unreachables.in(lang, get("reason")))
	case ledger.ReminderGiven:
		in(choose(get("to") == string(onboarding.PartyApplicant), ds, git), "rappel donné : %s", "reminder given: %s", parties.in(lang, get("to")))
	case ledger.SandboxMarked:
		in(git, "bac à sable : %s", "sandbox: %s", sandboxes.in(lang, get("status")))
	default:
		in(hubName, "%s", "%s", e.Kind)
	}
	return where, what
}

// eligibility tells the case of help, and how much is missing for the gate.
func eligibility(lang string, e *ledger.LedgerEntry) string {
	say := func(fr, en string, about ...any) string {
		return fmt.Sprintf(choose(lang == page.English, en, fr), about...)
	}
	text := say("aide du programme : cas %s", "the programme’s help: case %s", field(e, "case"))
	if field(e, "case") == "0" {
		text = say("aide du programme : à déterminer", "the programme’s help: to be determined")
	}
	if unmet := gjson.Get(e.Data, "unmet").Array(); len(unmet) > 0 {
		text += say(" ; prérequis non remplis : %d", "; prerequisites not met: %d", len(unmet))
	}
	return text
}

// commandName is what people did in GitLab: what they wrote, never what stood behind it.
func commandName(lang, command, verb string) string {
	source, _, _ := strings.Cut(command, " ")
	if source == string(onboarding.FromNote) && verb != string(onboarding.VerbUnknown) {
		return "/passerelle " + written.in(page.French, verb)
	}
	if source == string(onboarding.FromLabel) {
		if name, known := labelled[verb]; known {
			return choose(lang == page.English, name[1], name[0])
		}
	}
	return observed.in(lang, verb)
}

// What the ledger's words are called.
var (
	gateDecisions = names{"no_go": {"no-go", "no-go"}}
	services      = names{"gitlab": {"GitLab", "GitLab"}, "demarches": {"Démarches Simplifiées", "Démarches Simplifiées"}}
	joiners       = names{"reference": {"par la référence saisie", "by the reference given"}, "agent": {"rattaché par un agent", "joined by an agent"}}
	written       = names{"debloquer": {"débloquer", "débloquer"}, "hebergement": {"hébergement", "hébergement"}}
	labelled      = names{
		"go": {"étiquette go", "label go"}, "no-go": {"étiquette no-go", "label no-go"},
		"bloquer": {"étiquette bloqué", "label bloqué"}, "debloquer": {"étiquette bloqué retirée", "label bloqué taken off"},
	}
	observed = names{
		"?":       {"commande inconnue", "unknown command"},
		"relabel": {"étiquettes qui se contredisent", "labels that contradict each other"},
		"close":   {"ticket fermé à la main", "issue closed by hand"},
		"reopen":  {"ticket rouvert à la main", "issue reopened by hand"},
	}
	outcomes = names{
		"done":        {"pris en compte", "taken into account"},
		"ignored":     {"déjà ainsi", "so already"},
		"rights":      {"refusé, son auteur n’a pas le droit de décider", "refused, its author may not decide"},
		"unknown":     {"refusé, avec une proposition", "refused, with a proposal"},
		"argument":    {"refusé, il manque ce qui doit suivre", "refused, what must follow is missing"},
		"unmet":       {"refusé, des prérequis ne sont pas remplis", "refused, prerequisites are not met"},
		"decided":     {"refusé, DS a déjà une décision", "refused, DS has a decision already"},
		"blocked":     {"refusé, l’embarquement est bloqué", "refused, the onboarding is blocked"},
		"elsewhere":   {"refusé, cela se décide sur un autre dossier", "refused, it is decided on another dossier"},
		"step":        {"refusé, pas à cette étape", "refused, not in this step"},
		"unreachable": {"refusé, le demandeur n’est plus joignable", "refused, the applicant cannot be reached"},
		"already":     {"refusé, c’est déjà ainsi", "refused, it is so already"},
		"correction":  {"refusé, le demandeur doit d’abord corriger", "refused, the applicant has to correct first"},
	}
	annotations = names{
		"step": {"étape", "step"}, "sandbox": {"bac à sable", "sandbox"}, "issue": {"ticket de suivi", "tracking issue"},
		"eligibility": {"aide du programme", "the programme’s help"},
	}
	unreachables = names{
		"archived": {"dossier archivé", "dossier archived"}, "hidden": {"dossier retiré par le demandeur", "dossier hidden by the applicant"},
		"account_deleted": {"compte supprimé", "account deleted"}, "deleted": {"dossier supprimé", "dossier deleted"},
	}
	parties   = names{"applicant": {"au demandeur", "to the applicant"}, "agents": {"aux agents", "to the agents"}}
	sandboxes = names{"provisional": {"provisoire", "provisional"}, "permanent": {"en production", "in production"}}
)
