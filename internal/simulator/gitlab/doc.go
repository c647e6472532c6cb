// Package gitlab simulates a self-managed GitLab in memory: the REST API v4 that
// Passerelle and general-purpose clients use, the webhooks that it sends, and the
// surprises that matter: quick actions run from any text, e-mail invitations that
// fail with a 201, archived projects that refuse writes, paths that are taken.
//
// Programs reach it over HTTP. Tests and the demo also act on it as people do
// (Comment, CloseIssue, TickBox and so on), through the same state machine, and
// read it through snapshots, or with WaitFor, which wakes on each change.
//
// Save writes all that it holds, Load takes it back. The package pages shows it to
// people, at the addresses that the API calls web_url.
//
// Where GitLab's versions differ on which texts it executes, the simulator
// executes in all the places where any of them does: text that is inert here is
// inert everywhere.
package gitlab
