package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// sample is one dossier of the demo.
type sample struct {
	variety

	number  int
	filed   time.Time
	acted   int           // how many of the acts were done
	settled time.Duration // from filing; 0 while it is not
	issue   int           // the tracking issue's number, once it is found
	looked  int           // the last issue that was looked at for it
	wrong   []string      // what is not as it should be
}

// resume takes a sample up where an earlier run left it.
func (s *sample) resume(kept keptSample) {
	s.number, s.acted = kept.Number, min(kept.Acts, len(s.acts))
	s.settled = time.Duration(kept.Seconds * float64(time.Second))
}

// variety is a kind of dossier that the demo files.
type variety struct {
	// what is told of it in the table.
	what string
	// organisation and project are the names; path is that of the group which the
	// journey's rules make of them.
	organisation, project, path string
	// applicant is who files it, at first@example.org.
	applicant demarches.Applicant
	email     string
	pilot     string
	team      []string
	// answers are those that differ from the usual ones.
	answers demarches.Answers
	// acts are what agents do, one after the other; reason is what they give.
	acts   []act
	reason string
	// taken says that a stranger's group stands at the path.
	taken bool
	// hostile says that the answers attack whoever shows them.
	hostile bool
}

// varieties lists the kinds of dossiers, in the order in which they are filed.
func varieties() []variety {
	return []variety{
		{
			what: "accepted", organisation: "Préfecture de la Baie", project: "Portail des agents",
			path: "prefecture-de-la-baie-portail-des-agents", applicant: person("Mme", "Camille", "Durand"),
			email: "camille.durand@baie.example", pilot: "yann.le-goff@baie.example",
			team: []string{"alex.petit@baie.example", "sacha.morel@baie.example"}, acts: []act{instruct, accept},
		},
		{
			what: "refused, with a reason", organisation: "Les Jardins numériques", project: "Boutique solidaire",
			path: "les-jardins-numeriques-boutique-solidaire", applicant: person("M", "Ahmed", "Benali"),
			email: "ahmed.benali@jardins.example.org", pilot: "ines.garnier@jardins.example.org", acts: []act{instruct, refuse},
			reason: "Votre organisation n’est pas rattachée à un ministère et le projet répond à ses besoins propres.",
			answers: demarches.Answers{
				demarches.FieldMinistry: false, demarches.FieldRequestKind: demarches.RequestExperiment,
				demarches.FieldInfrastructure: demarches.InfrastructureOther, demarches.FieldContainerised: false,
			},
		},
		{
			what: "accepted, though its name is a stranger's", organisation: "Service des cartes", project: "Atlas des territoires",
			path: "service-des-cartes-atlas-des-territoires", applicant: person("Mme", "Léa", "Fontaine"),
			email: "lea.fontaine@cartes.example", pilot: "lea.fontaine@cartes.example", team: []string{"noe.perrin@cartes.example"},
			acts: []act{instruct, accept}, taken: true,
			answers: demarches.Answers{demarches.FieldRequestKind: demarches.RequestMigration},
		},
		hostile(),
		{
			what: "under instruction", organisation: "Secrétariat général", project: "Annuaire des services",
			path: "secretariat-general-annuaire-des-services", applicant: person("M", "Théo", "Lambert"),
			email: "theo.lambert@sg.example", pilot: "maud.rey@sg.example", acts: []act{instruct},
		},
		{
			what: "accepted, then refused", organisation: "Mission innovation", project: "Assistant de rédaction",
			path: "mission-innovation-assistant-de-redaction", applicant: person("Mme", "Jeanne", "Picard"),
			email: "jeanne.picard@innovation.example", pilot: "eli.faure@innovation.example",
			team: []string{"lou.chevalier@innovation.example"}, acts: []act{instruct, accept, reopen, refuse},
			reason: "Le projet a changé de nature et ne peut plus respecter le cadre Cloud Native.",
		},
		{
			what: "classed without follow-up", organisation: "Centre de formation", project: "Maquette pédagogique",
			path: "centre-de-formation-maquette-pedagogique", applicant: person("M", "Paul", "Roussel"),
			email: "paul.roussel@formation.example", pilot: "anna.colin@formation.example", acts: []act{instruct, class},
			reason: "Cette demande en double un autre dossier de la même équipe.",
		},
		{
			what: "filed, not looked at yet", organisation: "Laboratoire des mesures", project: "Observatoire des données",
			path: "laboratoire-des-mesures-observatoire-des-donnees", applicant: person("Mme", "Nour", "Haddad"),
			email: "nour.haddad@mesures.example", pilot: "tom.guerin@mesures.example",
		},
	}
}

func person(civility, first, last string) demarches.Applicant {
	return demarches.Applicant{Civility: civility, FirstName: first, LastName: last}
}

// cast makes n samples: one of each variety, then more of them under other names.
func cast(n int) []*sample {
	kinds := varieties()
	samples := make([]*sample, 0, n)
	for i := range n {
		s := &sample{variety: kinds[i%len(kinds)]}
		if lot := i/len(kinds) + 1; lot > 1 {
			s.project = fmt.Sprintf("%s, lot %d", s.project, lot)
			s.path = fmt.Sprintf("%s-lot-%d", s.path, lot)
		}
		samples = append(samples, s)
	}
	return samples
}

// application is the form as the applicant fills it in. number is the one that the
// dossier will get: who attacks can guess it.
func (s *sample) application(number int) demarches.Application {
	answers := demarches.ConsoleAccessAnswers(s.project)
	answers[demarches.FieldOrganisation] = s.organisation
	answers[demarches.FieldPiloteMOE] = s.pilot
	answers[demarches.FieldTeam] = strings.Join(s.team, "\n")
	maps.Copy(answers, s.answers)
	if s.hostile {
		attack(answers, number)
	}
	return demarches.Application{Email: s.email, Applicant: s.applicant, Answers: answers}
}

// last is how the dossier must end.
func (s *sample) last() ending {
	end := filed()
	for _, a := range s.acts {
		end = end.after(a)
	}
	return end
}

// groupPath is the full path of the group that the team gets.
func (s *sample) groupPath() string {
	if s.taken {
		return fmt.Sprintf("%s-%d", s.strangersPath(), s.number)
	}
	return s.strangersPath()
}

// strangersPath is the full path that somebody else's group may have.
func (s *sample) strangersPath() string { return stage.RootGroup + "/" + s.path }

// invited is whom the journey invites, with the level that each gets.
func (s *sample) invited() map[string]int {
	invited := map[string]int{s.email: gitlab.Reporter}
	for _, email := range slices.DeleteFunc(slices.Clone(s.team), func(word string) bool { return !strings.HasSuffix(word, ".example") }) {
		invited[email] = gitlab.Developer
	}
	if !s.hostile {
		invited[s.pilot] = gitlab.Maintainer
	}
	return invited
}
