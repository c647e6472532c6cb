// Package demarches simulates Démarches Simplifiées for the demo and the tests: the
// subset of its GraphQL API that the hub and general-purpose clients use, with the
// real one's names, errors, limits and habits, and its webhooks, with theirs. It
// lives in memory and in one process.
//
// Clients that name a stored query (queryId) in place of sending one find those of the
// real service, by operation, variables and names in the answer.
//
// A Server is an http.Handler. People's acts (filing, deciding, deleting, writing)
// are methods; they go through the same state machine as the API's mutations, and
// send the same webhooks. Trouble comes from Faults (the network and what stands in
// front of the service), Spoil (errors of the API itself), SetWebhookTrouble (lost,
// doubled, late, reordered webhooks and late commits) and, for one act alone, from
// its options. Save and Load carry what people did, not the trouble, over a restart.
// Package pages, below, is what people see.
package demarches
