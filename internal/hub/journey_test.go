package hub_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

func TestAcceptedDossier(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()

	number := r.file("Portail des agents")
	r.until("an issue is opened", func(v gitlab.View) bool { return len(v.Issues(stage.TrackingProject)) == 1 })
	r.accept(number)
	r.eventually("the message with the addresses", func() bool { return len(r.messages(number)) == 2 })
	r.settled()

	t.Log(r.kinds(number))
	t.Log(r.GitLab.Issues(stage.TrackingProject)[0].Labels)
	for _, m := range r.messages(number) {
		t.Log(m.Body)
	}
	require.Len(t, r.GitLab.Projects(), 2)
}
