package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/jobs"
)

func (a *admin) listHolds(c echo.Context) error {
	holds, err := a.desk.Holds(c.Request().Context())
	if err != nil {
		return deskProblem(err)
	}
	return c.JSON(http.StatusOK, jobs.HoldsPage{Holds: holds})
}

func (a *admin) hold(c echo.Context) error {
	var request struct {
		Reason string    `json:"reason"`
		Until  time.Time `json:"until"`
	}
	if err := readJSON(c, &request, `{"reason": "GitLab is being upgraded", "until": "2026-12-01T06:00:00Z"}`); err != nil {
		return err
	}
	err := a.desk.Hold(c.Request().Context(), c.Param("queue"), actor(c), strings.TrimSpace(request.Reason), request.Until)
	if err != nil {
		return deskProblem(err)
	}
	return a.listHolds(c)
}

func (a *admin) lift(c echo.Context) error {
	var request struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &request, `{"reason": "the upgrade is over"}`); err != nil {
		return err
	}
	lifted, err := a.desk.Lift(c.Request().Context(), c.Param("queue"), actor(c), strings.TrimSpace(request.Reason))
	if err != nil {
		return deskProblem(err)
	}
	return c.JSON(http.StatusOK, map[string]int{"lifted": lifted})
}

// readJSON reads a request's body; example shows who got it wrong what to send.
func readJSON(c echo.Context, into any, example string) error {
	decoder := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, maxHook))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return newProblem(http.StatusBadRequest, "body", "send a JSON object such as "+example)
	}
	return nil
}

// actor is who the ledger says did it.
func actor(c echo.Context) string {
	bearer, _ := c.Get(bearerKey).(*config.AdminToken)
	return "admin:" + bearer.Name
}
