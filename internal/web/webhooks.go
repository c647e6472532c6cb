package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/jobs"
)

const (
	// maxHook bounds a webhook's body, in bytes; DS sends a hundred.
	maxHook = 16 << 10
	// DefaultStoreTimeout bounds the storing of a delivery. DS waits ten seconds;
	// whoever is refused earlier can try elsewhere.
	DefaultStoreTimeout = 1500 * time.Millisecond
)

// webhooks takes deliveries in. A delivery is a hint: it is stored with the job
// that looks at its dossier, and nothing it says is believed.
type webhooks struct {
	Options

	secret [sha256.Size]byte
}

// demarches takes a webhook of DS. It answers 2xx after the commit, never before.
func (w *webhooks) demarches(c echo.Context) error {
	given := sha256.Sum256([]byte(c.Param("secret")))
	if subtle.ConstantTimeCompare(given[:], w.secret[:]) != 1 {
		w.count("wrong_secret")
		return echo.ErrNotFound
	}
	hook, err := readHook(c)
	if err != nil {
		w.count("bad_request")
		return err
	}
	if w.Journey.Demarche(hook.Demarche) == nil {
		w.count("unknown_demarche")
		w.Logger.WarnContext(c.Request().Context(), "a webhook of a form that is not configured: add it to the journey file, or remove its webhook in DS",
			"demarche", hook.Demarche, "request", requestID(c))
		return newProblem(http.StatusUnprocessableEntity, "procedure_id",
			fmt.Sprintf("form %d is not configured here; add it to the journey file, or remove its webhook in DS", hook.Demarche))
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), w.StoreTimeout)
	defer cancel()
	if err := w.store(ctx, hook); err != nil {
		w.count("unavailable")
		w.Logger.ErrorContext(ctx, "a webhook could not be stored: polling will find what it told of",
			"dossier", hook.Dossier, "request", requestID(c), "error", err)
		c.Response().Header().Set("Retry-After", "5")
		return newProblem(http.StatusServiceUnavailable, "", "the delivery could not be stored; send it again later")
	}
	w.count("stored")
	return c.NoContent(http.StatusNoContent)
}

// store commits the delivery and its job together.
func (w *webhooks) store(ctx context.Context, hook demarches.Hook) error {
	return pgx.BeginFunc(ctx, w.Pool, func(tx pgx.Tx) error {
		delivery := ledger.InsertDeliveryParams{
			Source: ledger.ActorDS, Demarche: hook.Demarche, Dossier: hook.Dossier,
		}
		if hook.State != "" {
			delivery.State = (*string)(&hook.State)
		}
		if !hook.UpdatedAt.IsZero() {
			delivery.HintedAt = &hook.UpdatedAt
		}
		if hook.Remark != "" {
			delivery.Remark = &hook.Remark
		}
		id, err := ledger.New(tx).InsertDelivery(ctx, delivery)
		if err != nil {
			return err
		}
		_, err = w.River.InsertTx(ctx, tx, jobs.SyncDossier{Dossier: hook.Dossier, Delivery: id}, nil)
		return err
	})
}

func (w *webhooks) count(outcome string) {
	w.Metrics.Deliveries.WithLabelValues(ledger.ActorDS, outcome).Inc()
}

// readHook reads a webhook's body. Its errors are problem documents.
func readHook(c echo.Context) (demarches.Hook, error) {
	body, err := readBody(c, "DS is form-encoded", echo.MIMEApplicationForm, maxHook)
	if err != nil {
		return demarches.Hook{}, err
	}
	hook, err := demarches.DecodeHook(body)
	if bad, ok := errors.AsType[*demarches.HookError](err); ok {
		return demarches.Hook{}, newProblem(http.StatusBadRequest, bad.Field, bad.Reason)
	}
	return hook, err
}

// readBody reads the body of a webhook of that content type, of at most so many bytes. of
// says whose it is. Its errors are problem documents.
func readBody(c echo.Context, of, contentType string, most int64) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if err != nil || kind != contentType {
		return nil, newProblem(http.StatusUnsupportedMediaType, "Content-Type", "a webhook of "+of+": send "+contentType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, newProblem(http.StatusRequestEntityTooLarge, "body", fmt.Sprintf("a webhook has at most %d bytes", most))
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, "body", "the body could not be read to its end")
	}
	return body, nil
}
