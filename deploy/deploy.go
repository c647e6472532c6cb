// Package deploy holds what a deployment begins with, for the programs that need it
// at hand.
package deploy

import _ "embed"

// ExampleJourney is the documented example of a journey file.
//
//go:embed journey.example.yaml
var ExampleJourney []byte

// ExampleJourneyEnglish is the same journey with its texts in English.
//
//go:embed journey.example.en.yaml
var ExampleJourneyEnglish []byte
