package web

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
)

type health struct{ pool *pgxpool.Pool }

// alive says that the process answers.
func (h *health) alive(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// ready says that webhooks can be stored.
func (h *health) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), DefaultStoreTimeout)
	defer cancel()
	if err := h.pool.Ping(ctx); err != nil {
		return newProblem(http.StatusServiceUnavailable, "", "the database does not answer; webhooks are refused until it does")
	}
	return c.String(http.StatusOK, "ready\n")
}
