package texts

import (
	"fmt"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// words are the few texts that are put together in code.
type words struct {
	issueTitle string // the dossier's number
	group      string // the dossier's number, the project, the mark
	project    string // the same
	commit     string // the dossier's number
	reference  string // the mark
	unnamed    string
	yes, no    string
	states     map[onboarding.State]string
	day        func(time.Time) string
}

var vocabulary = map[string]*words{
	"fr": {
		issueTitle: "Dossier n° %d",
		group:      "Cloud Pi Native : groupe du projet « %[2]s » (dossier n° %[1]d). Créé par Passerelle ; référence à conserver : %[3]s",
		project:    "Cloud Pi Native : bac à sable du projet « %[2]s » (dossier n° %[1]d). Créé par Passerelle ; référence à conserver : %[3]s",
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
		day: frenchDay,
	},
	"en": {
		issueTitle: "Application no. %d",
		group:      "Cloud Pi Native: group of the project “%[2]s” (application no. %[1]d). Made by Passerelle; reference to keep: %[3]s",
		project:    "Cloud Pi Native: sandbox of the project “%[2]s” (application no. %[1]d). Made by Passerelle; reference to keep: %[3]s",
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
		day: func(t time.Time) string { return t.Format("2 January 2006") },
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
