package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/telemetry"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// exitDifferent is for a dry run that found something to do.
const exitDifferent = 3

type reconcileCommand struct {
	Dossier  int64 `arg:""                                                    help:"The dossier's number."                       optional:""`
	All      bool  `help:"Compare every dossier."`
	DryRun   bool  `help:"Change nothing, and end with 3 when there are differences."`
	Recreate bool  `help:"Have what somebody deleted in GitLab made anew."`
	JSON     bool  `help:"Print JSON."`
}

// Validate asks for one of the two.
func (r *reconcileCommand) Validate() error {
	if r.All == (r.Dossier != 0) || r.Dossier < 0 {
		return errors.New("say which dossier to compare by its number, or --all")
	}
	return nil
}

// difference is a row of the table.
type difference struct {
	Dossier  int64  `json:"dossier"`
	What     string `json:"what"`
	Resource string `json:"resource"`
	Ledger   string `json:"ledger"`
	GitLab   string `json:"gitlab"`
	Remedy   string `json:"remedy"`
	Done     bool   `json:"done"`
}

// Run compares now, in this process, with the live services.
func (r *reconcileCommand) Run(w *world) error {
	settings, err := config.FromEnvironment(w.environ)
	if err != nil {
		return err
	}
	return w.onMigrated(func(ctx context.Context, pool *pgxpool.Pool) error {
		reconciler, err := hub.NewReconciler(hub.Options{
			Config: settings, Logger: telemetry.NewLogger(w.stderr, settings.LogLevel, settings.LogFormat), Version: version,
		}, pool, w.actor())
		if err != nil {
			return err
		}
		found := []difference{}
		err = reconciler.Run(ctx, jobs.Scope{All: r.All, Dossier: r.Dossier, DryRun: r.DryRun, Recreate: r.Recreate}, func(f *jobs.Finding) {
			found = append(found, difference{f.Dossier, string(f.Kind), f.Resource.String(), f.Ledger, f.GitLab, string(f.Remedy), f.Done})
		})
		err = errors.Join(err, r.print(w, found, err == nil))
		if err == nil && r.DryRun && len(found) > 0 {
			return exitCode(exitDifferent)
		}
		return err
	})
}

// print prints what was found; that there is nothing is only said of a whole look.
func (r *reconcileCommand) print(w *world, found []difference, whole bool) error {
	if len(found) == 0 && !whole {
		return nil
	}
	if r.JSON {
		return w.json(map[string]any{"differences": found})
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(w.stdout, "the ledger and GitLab agree")
		return err
	}
	table := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DOSSIER\tWHAT\tRESOURCE\tLEDGER SAYS\tGITLAB SHOWS\tREMEDY")
	for i := range found {
		d := &found[i]
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", d.Dossier, d.What, d.Resource, d.Ledger, d.GitLab, d.remedy())
	}
	return table.Flush()
}

// remedy says what was done, or is to be done.
func (d *difference) remedy() string {
	words := map[onboarding.Remedy][2]string{
		onboarding.ToFollow:   {"to be followed", "followed"},
		onboarding.ToRecord:   {"to be noted as gone", "noted as gone"},
		onboarding.ToAdopt:    {"to be adopted", "adopted"},
		onboarding.ToClose:    {"to be closed", "closed"},
		onboarding.ToArchive:  {"to be archived", "archived"},
		onboarding.ToDelete:   {"to be deleted", "deleted"},
		onboarding.ToRedo:     {"to be written anew", "is being written anew"},
		onboarding.ToRecreate: {"to be made anew", "is being made anew"},
		onboarding.ToList:     {"for people to decide", "for people to decide"},
	}[onboarding.Remedy(d.Remedy)]
	if d.Done {
		return words[1]
	}
	return words[0]
}
