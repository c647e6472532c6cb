package texts

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/templates.md names everything that templates get, and nothing else.
func TestTemplatesDoc(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../../docs/templates.md")
	require.NoError(t, err)
	_, sections, found := strings.Cut(string(doc), "\n## ")
	require.True(t, found)
	told := map[string]map[string]bool{}
	for section := range strings.SplitSeq(sections, "\n## ") {
		title, rows, _ := strings.Cut(section, "\n")
		told[title] = map[string]bool{}
		for row := range strings.Lines(rows) {
			if cells := strings.Split(row, "|"); len(cells) > 2 {
				for name := range strings.SplitSeq(cells[1], ",") {
					if name = strings.TrimSpace(name); strings.HasPrefix(name, "`") {
						told[title][strings.Trim(name, "`")] = true
					}
				}
			}
		}
	}
	for title, of := range map[string]any{
		"Dossier": dossierData{}, "Programme": programmeData{}, "Step": stepData{}, "Follow": followData{}, "Link": linkData{},
		"Standing": standingData{}, "Pass": passData{}, "Help": helpData{}, "Fact": factData{}, "Issue": issueData{}, "Emails": emailsData{},
		"Note": noteData{}, "Message": messageData{}, "Reminder": reminderData{}, "Answer": answerData{}, "Command": commandData{},
		"Readme": readmeData{}, "Build": buildData{},
	} {
		fields := map[string]bool{}
		for field := range reflect.TypeOf(of).Fields() {
			if !field.Anonymous {
				fields[field.Name] = true
			}
		}
		require.Equal(t, fields, told[title], title)
	}
}
