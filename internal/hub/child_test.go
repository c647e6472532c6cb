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

// kill -9 in the middle of a call: its lease, its job and its leadership run out, the
// call's effect comes or does not, and the next hub does what is left, once.
func TestKillNine(t *testing.T) {
	t.Parallel()
	for _, call := range []string{postGroup, postProject, postIssue, sendMessage} {
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
				if call == postIssue || call == sendMessage {
					r.lose(call, rule)
				}
				number := r.file("Portail des agents")
				if call == postGroup || call == postProject {
					r.settled()
					r.lose(call, rule)
					r.accept(number)
				}
				r.received("the call", struck)
				if loss.Kind == fault.Hang {
					faults := r.GitLab.Faults()
					if call == sendMessage {
						faults = r.DS.Faults()
					}
					require.NoError(t, faults.WaitFired(r.ctx, fault.Hang, 1))
				}
				require.NoError(t, child.Process.Kill())
				require.Error(t, child.Wait())
				require.NotZero(t, count(r, "select count(*) from river_job where state = 'running'"))
				require.NotZero(t, count(r, "select count(*) from leases"))

				r.expire()
				r.start()
				if call == postIssue || call == sendMessage {
					r.settled()
					r.accept(number)
				}
				r.sound(accepted(1))
			})
		}
	}
}
