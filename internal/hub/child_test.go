package hub_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// childEnv has this program be a hub instead of tests, in a process of its own: one
// that can be killed without a word.
const childEnv = "PASSERELLE_TEST_HUB"

type childOptions struct {
	Config config.Config
	Timing jobs.Timing
}

func runChild() {
	var o childOptions
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &o); err != nil {
		panic(err)
	}
	running, err := hub.Start(context.Background(), hub.Options{
		Config: &o.Config, Logger: slog.New(slog.DiscardHandler), Version: "child", Timing: &o.Timing,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(base(running))
	panic(<-running.Failed())
}

// startChild starts a hub in another process and has DS send its webhooks there.
func (r *rig) startChild() *exec.Cmd {
	r.t.Helper()
	options, err := json.Marshal(childOptions{*r.config, r.timing})
	require.NoError(r.t, err)
	program, err := os.Executable()
	require.NoError(r.t, err)
	child := exec.CommandContext(r.ctx, program)
	child.Env = append(os.Environ(), childEnv+"="+string(options))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(r.t, err)
	require.NoError(r.t, child.Start())
	r.t.Cleanup(func() { _, _ = child.Process.Kill(), child.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(r.t, err)
	r.SendTo(line[:len(line)-1])
	return child
}

// changingCalls are all calls that bring something into being or change it, each with
// how often a dossier that is accepted, refused and accepted again is past it before it
// is of interest: its first acts, and what is settled in between.
func changingCalls() map[string][]func(*rig, int) {
	accept := func(r *rig, number int) { r.accept(number) }
	turnDown := func(r *rig, number int) { r.turnDown(number) }
	again := func(r *rig, number int) { r.act(r.DS.BackToInstruction(number)); r.act(r.DS.Accept(number, "")) }
	return map[string][]func(*rig, int){
		postIssue: {}, sendMessage: {}, postNote: {},
		postGroup: {accept}, postProject: {accept}, postCommit: {accept}, postInvitation: {accept}, putIssue: {accept},
		archive: {accept, turnDown}, putNote: {accept, turnDown},
		unarchive: {accept, turnDown, again},
	}
}

// kill -9 in the middle of a call: its lease, its job and its leadership run out, the
// call's effect comes or does not, and the next hub does what is left, once. With the
// effect and without its outcome is where a hub stands that dies between an answer and
// its commit.
func TestKillNine(t *testing.T) {
	t.Parallel()
	for call, acts := range changingCalls() {
		for kind, loss := range map[string]fault.Rule{
			"with effect":    {Kind: fault.Hang},
			"without effect": {Kind: fault.Slow, Delay: lossDelay},
		} {
			t.Run(call+" "+kind, func(t *testing.T) {
				t.Parallel()
				r := setup(t).lossy()
				r.timing.CallTimeout = 2 * lossDelay
				child := r.startChild()
				rule, struck := once(loss)
				if len(acts) == 0 {
					r.lose(call, rule)
				}
				number := r.file("Portail des agents")
				for i, act := range acts {
					r.settled()
					if i == len(acts)-1 {
						r.lose(call, rule)
					}
					act(r, number)
				}
				r.received("the call", struck)
				if loss.Kind == fault.Hang {
					faults := r.GitLab.Faults()
					if call == sendMessage {
						faults = r.DS.Faults()
					}
					require.NoError(t, faults.WaitFired(r.ctx, fault.Hang, 1))
				}
				r.delivered()
				require.NoError(t, child.Process.Kill())
				require.Error(t, child.Wait())
				require.NotZero(t, count(r, "select count(*) from river_job where state = 'running'"))
				require.NotZero(t, count(r, "select count(*) from leases"))

				r.expire()
				r.start()
				want := stock{Issues: 1, Notes: 1, Messages: 1}
				switch len(acts) {
				case 1:
					want = accepted(1)
				case 2:
					want = accepted(1)
					want.Archived, want.Closed, want.Messages = 1, 1, 3
				case 3:
					want = accepted(1)
					want.Messages = 4
				}
				r.sound(want)
			})
		}
	}
}
