package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

const usage = `Usage: demo [flags]

Runs Passerelle beside simulators of Démarches Simplifiées and GitLab, on a private
PostgreSQL; files sample dossiers, decides them as agents do, and shows what becomes of
each. Then it is yours, in a browser, until Ctrl-C; it leaves nothing behind.

  -once         exit when every sample is settled: 0 if each ended as it should, else 1
  -dossiers N   how many sample dossiers, 1 to 1000 (default 8)
  -json         print one JSON document on stdout; progress goes to stderr
  -data DIR     keep everything in DIR; another start continues where this one stopped
  -timeout T    how long the samples, or an act of the tour, may take to settle, such
                as 90s (default 2m)
  -listen HOST  where the pages are served (default 127.0.0.1, this machine alone)
  -trouble LIST what goes wrong from the start, separated by commas, each written
                [ds:|gitlab:]KIND[:COUNT|:PERCENT%], for both services if none is named:
                slow      each answer comes 1.5 s later
                refuse    503, as when the service is down
                lose      the call has its effect, its answer never comes
                throttle  429, too many requests
                webhooks  DS's webhooks do not arrive
                for COUNT calls, a share of them, or until mended at /trouble

  -tour                instead of the samples, play one team's journey slowly, from the
                first form to production, and tell what happens where
  -pace T       how long the tour rests between two acts (default 2s)
  -lang fr|en   the language in which the tour is told (default fr)

  -only ds|gitlab      one simulator alone, with its pages, for clients of your own
  -listen HOST:PORT    where (default 127.0.0.1 and a port that is free)
  -webhook URL         where the simulated DS then sends its webhooks
  -data DIR            keep its state and its token in DIR
`

// maxDossiers bounds how much one run files.
const maxDossiers = 1000

// options are the command line.
type options struct {
	once     bool
	dossiers int
	json     bool
	data     string
	timeout  time.Duration
	listen   string
	troubles []stage.Trouble
	only     stage.Service
	webhook  string
	tour     bool
	pace     time.Duration
	lang     string
}

func parseOptions(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller says what is wrong, once
	flags.BoolVar(&o.once, "once", false, "")
	flags.IntVar(&o.dossiers, "dossiers", len(varieties()), "")
	flags.BoolVar(&o.json, "json", false, "")
	flags.StringVar(&o.data, "data", "", "")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Minute, "")
	flags.BoolVar(&o.tour, "tour", false, "")
	flags.DurationVar(&o.pace, "pace", 2*time.Second, "")
	flags.StringVar(&o.lang, "lang", page.French, "")
	flags.StringVar(&o.listen, "listen", "", "")
	flags.StringVar(&o.webhook, "webhook", "", "")
	flags.StringVar((*string)(&o.only), "only", "", "")
	flags.Func("trouble", "", func(text string) (err error) {
		o.troubles, err = stage.ParseTroubles(text)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("%q is no flag, and there is nothing else to give", flags.Arg(0))
	case o.dossiers < 1 || o.dossiers > maxDossiers:
		return options{}, fmt.Errorf("-dossiers %d: write a number from 1 to %d", o.dossiers, maxDossiers)
	case given["data"] && o.data == "":
		return options{}, errors.New("-data needs the path of a folder; leave it out to keep nothing")
	case o.timeout <= 0:
		return options{}, fmt.Errorf("-timeout %s: write a duration such as 90s", o.timeout)
	case given["only"]:
		return o, o.checkAlone(given)
	case given["webhook"]:
		return options{}, errors.New("-webhook goes with -only ds: without -only, webhooks go to the demo's own hub")
	case given["listen"] && strings.Contains(strings.Trim(o.listen, "[]"), ":") && net.ParseIP(strings.Trim(o.listen, "[]")) == nil, given["listen"] && o.listen == "":
		return options{}, fmt.Errorf("-listen %q: write a host or an address, such as 0.0.0.0; a port goes with -only alone", o.listen)
	}
	if err := o.checkTour(given); err != nil {
		return options{}, err
	}
	if o.once {
		return o, o.checkEnd()
	}
	return o, nil
}

func (o *options) checkTour(given map[string]bool) error {
	if !o.tour {
		for _, name := range []string{"pace", "lang"} {
			if given[name] {
				return fmt.Errorf("-%s goes with -tour", name)
			}
		}
		return nil
	}
	for _, name := range []string{"dossiers", "json", "data"} {
		if given[name] {
			return fmt.Errorf("-%s does not go with -tour, which plays one team's journey from its beginning", name)
		}
	}
	if o.pace < 0 {
		return fmt.Errorf("-pace %s: write a duration such as 2s, or 0", o.pace)
	}
	if o.lang != page.French && o.lang != page.English {
		return fmt.Errorf("-lang %q: write fr or en", o.lang)
	}
	return nil
}

// checkEnd refuses trouble that would keep the samples from ever being settled.
func (o *options) checkEnd() error {
	for _, trouble := range o.troubles {
		if trouble.Times == 0 && (trouble.Chance == 0 || trouble.Chance == 1) && trouble.Harm != stage.Slow && trouble.Harm != stage.Webhooks {
			return fmt.Errorf("-trouble %[1]s never ends with -once: write for how many calls, such as %[1]s:5, or which share of them, such as %[1]s:30%%", trouble.Harm)
		}
	}
	return nil
}

func (o *options) checkAlone(given map[string]bool) error {
	if o.only != stage.DS && o.only != stage.GitLab {
		return fmt.Errorf("-only %q: write ds or gitlab", o.only)
	}
	for _, name := range []string{"once", "dossiers", "json", "timeout", "trouble", "tour", "pace", "lang"} {
		if given[name] {
			return fmt.Errorf("-%s does not go with -only, which runs a simulator without the hub", name)
		}
	}
	if !given["webhook"] {
		return nil
	}
	if o.only != stage.DS {
		return errors.New("-webhook goes with -only ds; in GitLab, add webhooks to a project through its API")
	}
	if target, err := url.Parse(o.webhook); err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return fmt.Errorf("-webhook %q: write a whole address, such as http://127.0.0.1:8080/webhooks/demarches/SECRET", o.webhook)
	}
	return nil
}
