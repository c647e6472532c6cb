package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"
)

// problem is an error that is answered as a problem document (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail says what is wrong here, and what to do.
	Detail string `json:"detail,omitempty"`
	// Field is the field of the request that is wrong.
	Field string `json:"field,omitempty"`
	// Request is the id under which the logs speak of the request.
	Request string `json:"request,omitempty"`
}

// Error is the problem's detail.
func (p *problem) Error() string { return p.Detail }

func newProblem(status int, field, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Field: field}
}

// answerError answers every error of a handler. What went wrong inside is logged
// and not shown.
func answerError(logger *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		var (
			p    *problem
			http *echo.HTTPError
		)
		switch {
		case errors.As(err, &p):
		case errors.As(err, &http):
			p = newProblem(http.Code, "", "")
		case unavailable(err):
			p = newProblem(503, "", "the database does not answer; try again in a moment")
			c.Response().Header().Set("Retry-After", "5")
			logger.ErrorContext(c.Request().Context(), "the database does not answer", "request", requestID(c), "route", c.Path(), "error", err)
		default:
			p = newProblem(500, "", "something went wrong inside the hub; its log says what, under this request's id")
			logger.ErrorContext(c.Request().Context(), "a request failed", "request", requestID(c), "route", c.Path(), "error", err)
		}
		answer := *p
		answer.Request = requestID(c)
		body, err := json.Marshal(answer)
		if err != nil {
			body = []byte("{}")
		}
		if err := c.Blob(p.Status, "application/problem+json", body); err != nil {
			logger.DebugContext(c.Request().Context(), "an answer could not be sent", "request", requestID(c), "error", err)
		}
	}
}

// unavailable reports whether an error is that of a database that cannot be reached,
// or takes too long.
func unavailable(err error) bool {
	var (
		connect *pgconn.ConnectError
		network net.Error
		told    *pgconn.PgError
	)
	switch {
	case errors.As(err, &told):
		return strings.HasPrefix(told.Code, "57P") // it is shutting down, or starting up
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return errors.As(err, &connect) || errors.As(err, &network)
}

func requestID(c echo.Context) string {
	return c.Response().Header().Get(echo.HeaderXRequestID)
}
