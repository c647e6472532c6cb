package demarches

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// ChampID returns the API's id of a field, which survives revisions of the form:
// base64 of "Champ-<stable id>".
func ChampID(stableID int) string { return encodeID("Champ", stableID) }

// RowChampID returns the API's id of a field inside a row of a repeated block.
func RowChampID(stableID int, row string) string {
	return encodeID("Champ", fmt.Sprintf("%d|%s", stableID, row))
}

// DossierID returns the API's id of a dossier, which mutations want instead of its number.
func DossierID(number int) string { return encodeID("Dossier", number) }

// DemarcheID returns the API's id of a démarche.
func DemarcheID(number int) string { return encodeID("Procedure", number) }

// InstructeurID returns the API's id of an agent, given its number.
func InstructeurID(number int) string { return encodeID("Instructeur", number) }

// GroupeInstructeurID returns the API's id of a group of agents, given its number.
func GroupeInstructeurID(number int) string { return encodeID("GroupeInstructeur", number) }

// LabelID returns the API's id of a label, given its number.
func LabelID(number int) string { return encodeID("Label", number) }

func encodeID(kind string, value any) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s-%v", kind, value))
}

// decodeID returns what follows the kind in an id of that kind.
func decodeID(id, kind string) (string, bool) {
	text, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(text), kind+"-")
}

func decodeNumber(id, kind string) (int, bool) {
	text, ok := decodeID(id, kind)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// decodeChamp returns a field's stable id, and 0 if that is no field's id.
func decodeChamp(id string) int {
	text, _ := decodeID(id, "Champ")
	number, _, _ := strings.Cut(text, "|")
	stableID, _ := strconv.Atoi(number)
	return stableID
}
