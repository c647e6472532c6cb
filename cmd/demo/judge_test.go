package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// TestJudge has people do what the samples do not: all is right afterwards, and an answer
// or a closed issue is no lapse.
func TestJudge(t *testing.T) {
	t.Parallel()
	const first, second = firstNumber, firstNumber + 1
	var followed map[int]bool
	r := runDemo(t, demo{}, func(s *scene) {
		file := func(form int, answers demarches.Answers) {
			_, err := s.DS.File(form, demarches.Application{Email: "maya.roy@newcomer.example", Answers: answers})
			require.NoError(t, err)
		}
		issue := func(number int) (iid int) {
			require.NoError(t, s.GitLab.WaitFor(t.Context(), func(v gitlab.View) bool {
				owner := owners{}
				owner.add(s.critic.marks, number)
				at := slices.IndexFunc(v.Issues(stage.TrackingProject), func(i gitlab.Issue) bool {
					_, known := owner.of(i.Description)
					return known
				})
				if at >= 0 {
					iid = v.Issues(stage.TrackingProject)[at].IID
				}
				return at >= 0
			}))
			return iid
		}
		comment := func(iid int, text string) {
			require.NoError(t, s.GitLab.Comment(stage.TrackingProject, iid, stage.ServiceAgent, text))
		}
		file(stage.Prequalification, demarches.PrequalificationAnswers("Carnet de bord"))
		comment(issue(first), "/passerelle go")
		require.NoError(t, s.DS.WaitFor(t.Context(), func(v demarches.View) bool {
			dossier, _ := v.Dossier(first)
			return dossier.State == demarches.Accepte
		}))
		s.idle(t.Context(), first)
		file(stage.Form, demarches.ConsoleAccessAnswers("Carnet de bord"))
		comment(issue(second), "/passerelle rattacher 99")
		comment(issue(second), "/passerelle rattacher 1001\n/passerelle bloquer budget")
		require.NoError(t, s.GitLab.WaitFor(t.Context(), func(v gitlab.View) bool {
			return s.critic.followed(v)[first] && slices.ContainsFunc(v.Issues(stage.TrackingProject), func(i gitlab.Issue) bool { return i.State == "closed" })
		}))
	}, "-once", "-dossiers", "1")
	require.Equal(t, 0, r.code, r.stderr)
	r.scene.GitLab.Read(func(v gitlab.View) { followed = r.scene.critic.followed(v) })
	require.Equal(t, map[int]bool{first: true}, followed)
	require.Empty(t, r.scene.critic.judge(first).Wrong)
	require.Empty(t, r.scene.critic.judge(second).Wrong)
}
