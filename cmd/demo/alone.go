package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	dspages "github.com/cloud-pi-native/passerelle/internal/simulator/demarches/pages"
	gitlabpages "github.com/cloud-pi-native/passerelle/internal/simulator/gitlab/pages"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// performAlone runs one simulator by itself, for clients of somebody else's.
func (d *demo) performAlone(ctx context.Context, o options, out io.Writer) (code int, err error) {
	var kept *drawer
	keys := &keptKeys{Keys: stage.NewKeys()}
	settings := stage.Options{Only: o.only, WebhookURL: o.webhook}
	if o.data != "" {
		if kept, err = openDrawer(o.data); err != nil {
			return exitFailed, err
		}
		if keys, err = kept.keys(); err != nil {
			return exitFailed, err
		}
		state := &keptState{}
		if found, err := kept.read(aloneFile(o.only), state); err != nil {
			return exitFailed, err
		} else if found {
			settings.State = state.State
		}
	}
	settings.Keys = keys.Keys
	if settings.Listen, settings.Port, err = splitAddress(o.listen); err != nil {
		return exitFailed, err
	}
	s, err := stage.New(ctx, settings)
	if err != nil {
		return exitFailed, explainListen(err, o.listen)
	}
	defer func() {
		if kept != nil {
			state, saving := s.State()
			if saving == nil {
				saving = kept.write(aloneFile(o.only), &keptState{State: state})
			}
			err = errors.Join(err, saving)
		}
		if err = errors.Join(err, s.Close()); err != nil {
			code = exitFailed
		}
	}()
	if o.only == stage.GitLab {
		if err := hire(s.GitLab); err != nil {
			return exitFailed, err
		}
		own := http.NewServeMux()
		s.Mount(nil, front(own, s.GitLab, gitlabpages.New(s.GitLab, &page.Site{})))
		introduceGitLab(out, s, keys)
	} else {
		s.Mount(front(http.NewServeMux(), s.DS, dspages.New(s.DS, &page.Site{})), nil)
		introduceDS(out, s, keys, o.webhook)
	}
	if d.aloneAt != nil {
		d.aloneAt(s)
	}
	<-ctx.Done()
	return 0, nil
}

// aloneFile keeps what a simulator alone holds, apart from that of a whole demo.
func aloneFile(only stage.Service) string { return string(only) + "-alone.json" }

// splitAddress takes HOST:PORT, or HOST for any port; nothing for this machine alone.
func splitAddress(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return strings.Trim(listen, "[]"), 0, nil //nolint:nilerr // there is no port
	}
	if port, err = strconv.Atoi(text); err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("-listen %s: %q is no port: write HOST:PORT, such as 127.0.0.1:8092", listen, text)
	}
	return host, port, nil
}

func introduceGitLab(w io.Writer, s *stage.Stage, keys *keptKeys) {
	fmt.Fprintf(w, `GitLab (simulated)
  pages    %[1]s/
  API      %[1]s/api/v4
  token    %[2]s  (user %[3]s; header PRIVATE-TOKEN, or Authorization: Bearer)

try it
  curl -H 'PRIVATE-TOKEN: %[2]s' %[1]s/api/v4/projects
point a hub at it
  PASSERELLE_GITLAB_URL=%[1]s
  PASSERELLE_GITLAB_TOKEN=%[2]s
  PASSERELLE_GITLAB_ROOT_GROUP=%[4]s
  PASSERELLE_GITLAB_TRACKING_PROJECT=%[5]s
  and a webhook of %[5]s through the API, for the comments, labels and states of its
  issues, to HUB/webhooks/gitlab; its secret token is the hub's PASSERELLE_GITLAB_WEBHOOK_TOKEN

it runs until Ctrl-C
`, s.GitLabURL, keys.GitLab, stage.User, stage.RootGroup, stage.TrackingProject)
}

func introduceDS(w io.Writer, s *stage.Stage, keys *keptKeys, webhook string) {
	if webhook == "" {
		webhook = "nowhere: give -webhook URL"
	}
	fmt.Fprintf(w, `Démarches Simplifiées (simulated)
  pages    %[1]s/              file a request
           %[1]s/procedures    decide, as an agent
  API      %[1]s/api/v2/graphql
  token    %[2]s  (header Authorization: Bearer)
  forms    %[6]d (prequalification), %[4]d (console access)
  webhooks go to %[5]s

try it
  curl -H 'Authorization: Bearer %[2]s' -H 'Content-Type: application/json' %[1]s/api/v2/graphql \
    -d '{"query":"query { demarche(number: %[4]d) { title dossiers { nodes { number state } } } }"}'
point a hub at it
  PASSERELLE_DS_URL=%[1]s
  PASSERELLE_DS_TOKEN=%[2]s
  PASSERELLE_DS_INSTRUCTEUR=%[3]s
  and -webhook HUB/webhooks/demarches/SECRET here, where SECRET is its PASSERELLE_DS_WEBHOOK_SECRET

it runs until Ctrl-C
`, s.DSURL, keys.DS, demarches.DefaultAgent, stage.Form, webhook, stage.Prequalification)
}
