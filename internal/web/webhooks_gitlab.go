package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/jobs"
)

const (
	// maxGitLabHook bounds a webhook of GitLab's, in bytes: it bears the whole text of
	// an issue, of up to a million characters, and of a comment.
	maxGitLabHook = 8 << 20
	sourceGitLab  = "gitlab"
)

// outcomeForeign is what becomes of a delivery about an issue that tracks no dossier.
const outcomeForeign = "foreign"

// trackingWebhooks takes GitLab's deliveries in. They are hints, too: of a delivery
// nothing but the issue's number is kept.
type trackingWebhooks struct {
	Options

	token [sha256.Size]byte
}

// gitlab takes a webhook of the tracking project's. GitLab switches off a hook that is
// refused again and again: what is of no use here is accepted and passed over.
func (w *trackingWebhooks) gitlab(c echo.Context) error {
	given := sha256.Sum256([]byte(c.Request().Header.Get("X-Gitlab-Token")))
	if w.GitLabWebhookToken == "" || subtle.ConstantTimeCompare(given[:], w.token[:]) != 1 {
		w.count("wrong_secret")
		return echo.ErrNotFound
	}
	hook, err := readGitLabHook(c)
	if err != nil {
		w.count("bad_request")
		return err
	}
	if hook.Issue == 0 || !strings.EqualFold(hook.Project, w.TrackingProject) {
		w.count("ignored")
		return c.NoContent(http.StatusNoContent)
	}
	if w.IsSelf != nil && w.IsSelf(hook.User) {
		w.count("own") // what the hub wrote tells it nothing
		return c.NoContent(http.StatusNoContent)
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), w.StoreTimeout)
	defer cancel()
	ours, err := w.store(ctx, hook.Issue)
	if err != nil {
		w.count("unavailable")
		w.Logger.ErrorContext(ctx, "a webhook could not be stored: polling will find what it told of",
			"issue", hook.Issue, "request", requestID(c), "error", err)
		c.Response().Header().Set("Retry-After", "5")
		return newProblem(http.StatusServiceUnavailable, "", "the delivery could not be stored; send it again later")
	}
	if ours {
		w.count("stored")
	} else {
		w.count(outcomeForeign)
	}
	return c.NoContent(http.StatusNoContent)
}

// store commits the delivery and its job together, and tells whether the issue tracks
// one of our dossiers. There is no job for one that does not.
func (w *trackingWebhooks) store(ctx context.Context, issue int64) (ours bool, err error) {
	err = pgx.BeginFunc(ctx, w.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		delivery, err := q.InsertTrackingDelivery(ctx, strconv.FormatInt(issue, 10))
		if err != nil {
			return err
		}
		if ours = delivery.Dossier != 0; !ours {
			return q.SettleDelivery(ctx, ledger.SettleDeliveryParams{ID: delivery.ID, Outcome: new(outcomeForeign)})
		}
		_, err = w.River.InsertTx(ctx, tx, jobs.SyncTrackingIssue{Issue: issue, Delivery: delivery.ID}, nil)
		return err
	})
	return ours, err
}

func (w *trackingWebhooks) count(outcome string) {
	w.Metrics.Deliveries.WithLabelValues(sourceGitLab, outcome).Inc()
}

// readGitLabHook reads a webhook's body. Its errors are problem documents.
func readGitLabHook(c echo.Context) (gitlab.Hook, error) {
	body, err := readBody(c, "GitLab is JSON", echo.MIMEApplicationJSON, maxGitLabHook)
	if err != nil {
		return gitlab.Hook{}, err
	}
	hook, err := gitlab.DecodeHook(body)
	if bad, ok := errors.AsType[*gitlab.HookError](err); ok {
		return gitlab.Hook{}, newProblem(http.StatusBadRequest, bad.Field, bad.Reason)
	}
	return hook, err
}
