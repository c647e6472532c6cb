package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

const usage = `Usage: demo [flags]

Runs Passerelle beside simulators of Démarches Simplifiées and GitLab, on a private
PostgreSQL; files sample dossiers, decides them as agents do, and shows what becomes of
each. Runs until Ctrl-C, and leaves nothing behind.

  -once         exit when every sample is settled: 0 if each ended as it should, else 1
  -dossiers N   how many sample dossiers, 1 to 1000 (default 8)
  -json         print one JSON document on stdout; progress goes to stderr
  -data DIR     keep the database in DIR, for another start
  -timeout T    how long the samples may take to settle, such as 90s (default 2m)
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
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	dataGiven := false
	flags.Visit(func(f *flag.Flag) { dataGiven = dataGiven || f.Name == "data" })
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("%q is no flag, and there is nothing else to give", flags.Arg(0))
	case o.dossiers < 1 || o.dossiers > maxDossiers:
		return options{}, fmt.Errorf("-dossiers %d: write a number from 1 to %d", o.dossiers, maxDossiers)
	case dataGiven && o.data == "":
		return options{}, errors.New("-data needs the path of a folder; leave it out to keep nothing")
	case o.timeout <= 0:
		return options{}, fmt.Errorf("-timeout %s: write a duration such as 90s", o.timeout)
	}
	return o, nil
}
