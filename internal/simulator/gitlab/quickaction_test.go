package gitlab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestQuickActionsInDescriptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, left string
		closed     bool
	}{
		"plain":                  {"avant\n/close\naprès", "avant\naprès", true},
		"alone":                  {"/close", "", true},
		"capitals, arguments":    {"a\n/Close maintenant", "a", true},
		"indented a little":      {"a\n   /close", "a", true},
		"carriage returns":       {"a\r\n/close\r\nb", "a\nb", true},
		"lone carriage return":   {"a\r/close", "a", true},
		"in an HTML comment":     {"<!--\n/close\n-->", "<!--\n-->", true},
		"in an HTML block":       {"<details>\n\n/close\n\n</details>", "<details>\n\n\n</details>", true},
		"after a quote":          {"> a\n/close", "> a", true},
		"fence never closed":     {"```\n/close", "```", true},
		"fence in a comment":     {"<!--\n```\n-->\n/close\n<!--\n```\n-->", "<!--\n```\n-->\n<!--\n```\n-->", true},
		"fence closed too early": {"```\na\n```\n/close\n```", "```\na\n```\n```", true},
		"backtick far away":      {"un ` seul\n\n/close\n\net ` là", "un ` seul\n\n\net ` là", true},

		"in a fence":          {"```\n/close\n```", "", false},
		"in a longer fence":   {"````text\n```\n/close\n````", "", false},
		"in a tilde fence":    {"~~~\n/close\n~~~", "", false},
		"in a code span":      {"a `b\n/close\nc` d", "", false},
		"in a quote":          {"> /close", "", false},
		"in a quote block":    {">>>\n/close\n>>>", "", false},
		"as indented code":    {"a\n\n    /close", "", false},
		"escaped":             {`\/close`, "", false},
		"in the line":         {"voir /close", "", false},
		"in a list":           {"- /close", "", false},
		"no such command":     {"/fermer\n/closed\n/close-it", "", false},
		"not a word boundary": {"/close, merci", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			i := b.issue(t, b.project(t, "suivi"), "Un", c.text)
			if !c.closed {
				require.Equal(t, c.text, i.Description)
				require.Empty(t, b.server.QuickActions())
				return
			}
			require.Equal(t, c.left, i.Description)
			require.Equal(t, "closed", b.server.Issues("programme/suivi")[0].State)
			actions := b.server.QuickActions()
			require.Len(t, actions, 1)
			require.Equal(t, "close", actions[0].Command)
			require.Equal(t, "passerelle", actions[0].By)
			require.True(t, actions[0].Executed)
		})
	}
}

func TestQuickActionsInNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	agent := b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember("programme", "agent", gitlab.Developer))
	p := b.project(t, "suivi")
	b.issue(t, p, "Un", "")
	require.NoError(t, b.server.SetLabels("programme/suivi", 1, "", "a", "b c"))
	require.NoError(t, b.server.SetLabels("programme/suivi", 1, ""))

	at := fmt.Sprintf("/projects/%d/issues/1/notes", p.ID)
	a := b.callAs(t, agent, http.MethodPost, at, obj{"body": "/label ~a ~\"b c\" ~inconnu\n/title Deux\n/assign @agent\n/due 2026-04-01\n/confidential\n/close"})
	require.Equal(t, 202, a.status, "commands alone make no note")
	i := b.server.Issues("programme/suivi")[0]
	require.Equal(t, []string{"a", "b c"}, i.Labels)
	require.Equal(t, "Deux", i.Title)
	require.Equal(t, []int{3}, i.AssigneeIDs)
	require.Equal(t, "2026-04-01", i.DueDate)
	require.True(t, i.Confidential)
	require.Equal(t, "closed", i.State)
	for _, n := range b.server.Notes("programme/suivi", 1) {
		require.True(t, n.System, n.Body)
	}

	a = b.callAs(t, agent, http.MethodPost, at, obj{"body": "Bon.\n/reopen\n/unlabel ~a\n/unassign\n/remove_due_date\n/shrug"})
	require.Equal(t, 201, a.status)
	require.Equal(t, "Bon.", a.json(t)["body"])
	i = b.server.Issues("programme/suivi")[0]
	require.Equal(t, "opened", i.State)
	require.Equal(t, []string{"b c"}, i.Labels)
	require.Empty(t, i.AssigneeIDs)
	require.Empty(t, i.DueDate)

	// With the rights of who posts them, and no more.
	guest := b.server.AddUser("guest", false)
	require.NoError(t, b.server.AddProjectMember("programme", "guest", gitlab.Guest))
	require.NoError(t, b.server.EditDescription("programme/suivi", 1, "agent", "rien"))
	b.call(t, http.MethodPut, fmt.Sprintf("/projects/%d/issues/1", p.ID), obj{"confidential": false})
	a = b.callAs(t, guest, http.MethodPost, at, obj{"body": "/close\n/label ~a"})
	require.Equal(t, 202, a.status)
	i = b.server.Issues("programme/suivi")[0]
	require.Equal(t, "opened", i.State)
	require.Equal(t, []string{"b c"}, i.Labels)
	actions := b.server.QuickActions()
	require.False(t, actions[len(actions)-1].Executed)

	// Edits run them too.
	require.NoError(t, b.server.EditDescription("programme/suivi", 1, "agent", "rien\n/close"))
	require.Equal(t, "closed", b.server.Issues("programme/suivi")[0].State)
	require.Equal(t, "rien", b.server.Issues("programme/suivi")[0].Description)
}

func TestMentions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"bonjour @marie, @all.":           {"marie", "all"},
		"(@programme/equipe)":             {"programme/equipe"},
		"a &#64;all b":                    {"all"},
		"marie@example.org":               nil,
		"`@all`":                          nil,
		"```\n@all\n```":                  nil,
		"a\n\n    @all":                   nil,
		"- a\n\n    @all":                 {"all"},
		`\@all`:                           nil,
		"<!-- @all -->":                   nil,
		"> @marie a dit":                  {"marie"},
		"@\u200ball":                      nil,
		"[x](https://x.fr/@marie)":        {"marie"},
		"<img src=x onerror=@marie> @all": {"marie", "all"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.server.AddUser("marie", false)
			b.issue(t, b.project(t, "suivi"), "Un", text)
			var names []string
			for _, m := range b.server.Mentions() {
				require.Equal(t, "passerelle", m.By)
				require.Equal(t, m.Name != "programme/equipe", m.Known)
				names = append(names, m.Name)
			}
			require.Equal(t, want, names)
		})
	}
}

// Whatever the text, nothing panics.
func TestQuickActionsOfAnyText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project(t, "suivi")
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{
			"```", "~~~", "`", "/close", "/label ~x", "\n", "\n\n", "<!--", "-->", "    ", ">>>", "> ", "a", "@all", "\\", "é", "\r",
		})).Draw(t, "parts")
		if _, err := b.server.OpenIssue("programme/suivi", "", "Un", strings.Join(parts, "")); err != nil {
			t.Fatal(err)
		}
	})
}
