package demarches

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed stored_query.graphql
var storedQueryText string

// storedQueries are the texts that a client names by queryId in place of sending one.
var storedQueries = sync.OnceValue(func() map[string]string {
	return map[string]string{"ds-query-v2": storedQueryText, "ds-mutation-v2": storedMutations(), "introspection": introspection}
})

// storedMutations is one operation for each mutation, of its name.
func storedMutations() string {
	var b strings.Builder
	dossier := "dossier { id number state archived dateDerniereModification }"
	for _, m := range []struct{ name, selection string }{
		{"dossierPasserEnInstruction", dossier},
		{"dossierRepasserEnConstruction", dossier},
		{"dossierRepasserEnInstruction", dossier},
		{"dossierAccepter", dossier},
		{"dossierRefuser", dossier},
		{"dossierClasserSansSuite", dossier},
		{"dossierArchiver", dossier},
		{"dossierDesarchiver", dossier},
		{"dossierEnvoyerMessage", "message { id createdAt }"},
		{"dossierModifierAnnotationText", "annotation { id }"},
		{"dossierModifierAnnotations", "annotations { id }"},
		{"dossierAjouterLabel", "label { id name color }"},
		{"dossierSupprimerLabel", "label { id name color }"},
	} {
		input := strings.ToUpper(m.name[:1]) + m.name[1:] + "Input!"
		fmt.Fprintf(&b, "mutation %[1]s($input: %[2]s) { %[1]s(input: $input) { %[3]s errors { message } } }\n", m.name, input, m.selection)
	}
	return b.String()
}

const introspection = `
query IntrospectionQuery {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) {
        name description args { ...Input } type { ...Kind } isDeprecated deprecationReason
      }
      inputFields { ...Input } interfaces { ...Kind }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { ...Kind }
    }
    directives { name description locations args { ...Input } }
  }
}
fragment Input on __InputValue { name description type { ...Kind } defaultValue }
fragment Kind on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }
}`
