package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// admin is the API for administrators, behind bearer tokens.
type admin struct {
	desk   *jobs.Desk
	tokens []config.AdminToken
}

const bearerKey = "admin bearer"

// adminTimeout bounds what one request of an administrator may take.
const adminTimeout = 5 * time.Second

// require lets through who bears a token of that role.
func (a *admin) require(role config.Role) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			token := a.bearer(c.Request())
			if token == nil {
				c.Response().Header().Set("WWW-Authenticate", `Bearer realm="passerelle"`)
				return newProblem(http.StatusUnauthorized, "Authorization", "send Authorization: Bearer and a token of PASSERELLE_ADMIN_TOKENS")
			}
			if !token.Role.Allows(role) {
				return newProblem(http.StatusForbidden, "Authorization",
					"the token "+token.Name+" has the role "+string(token.Role)+"; this needs "+string(role))
			}
			c.Set(bearerKey, token)
			// Webhooks share the connections: an administrator does not keep them.
			ctx, cancel := context.WithTimeout(c.Request().Context(), adminTimeout)
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

// bearer returns the token that the request bears, nil when it bears none of ours.
func (a *admin) bearer(r *http.Request) *config.AdminToken {
	scheme, secret, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var found *config.AdminToken
	for i := range a.tokens {
		if subtle.ConstantTimeCompare(sum[:], a.tokens[i].SHA256[:]) == 1 {
			found = &a.tokens[i]
		}
	}
	return found
}

func (a *admin) listJobs(c echo.Context) error {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		// What cannot be read would not filter.
		return newProblem(http.StatusBadRequest, "", "the part of the address after the question mark cannot be read: escape what is no letter or digit")
	}
	filter := jobs.Filter{States: query["state"], Kinds: query["kind"], After: query.Get("after"), Limit: 50}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch name {
		case "state", "kind", "after", "limit", "dossier":
		default:
			return newProblem(http.StatusBadRequest, name, "is no filter; write state, kind, dossier, limit or after")
		}
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil {
			return newProblem(http.StatusBadRequest, "limit", "write a number from 1 to 100")
		}
		filter.Limit = limit
	}
	if text := query.Get("dossier"); text != "" {
		dossier, err := strconv.ParseInt(text, 10, 64)
		if err != nil || dossier < 1 {
			return newProblem(http.StatusBadRequest, "dossier", "write the number of a dossier")
		}
		filter.Dossier = dossier
	}
	page, next, err := a.desk.List(c.Request().Context(), filter)
	if err != nil {
		return deskProblem(err)
	}
	return c.JSON(http.StatusOK, jobs.Page{Jobs: page, Next: next})
}

func (a *admin) showJob(c echo.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	job, err := a.desk.Show(c.Request().Context(), id)
	if err != nil {
		return deskProblem(err)
	}
	return c.JSON(http.StatusOK, job)
}

func (a *admin) replayJob(c echo.Context) error {
	id, err := jobID(c)
	if err != nil {
		return err
	}
	var request struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &request, `{"reason": "the token was renewed"}`); err != nil {
		return err
	}
	job, err := a.desk.Replay(c.Request().Context(), id, actor(c), strings.TrimSpace(request.Reason))
	if err != nil {
		return deskProblem(err)
	}
	return c.JSON(http.StatusAccepted, job)
}

func jobID(c echo.Context) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id < 1 {
		return 0, newProblem(http.StatusNotFound, "id", "write the number of a job")
	}
	return id, nil
}

// deskProblem picks the status that an error of the desk is answered with.
func deskProblem(err error) error {
	var (
		bad      *jobs.BadFilter
		conflict *jobs.Conflict
	)
	switch {
	case errors.As(err, &bad):
		return newProblem(http.StatusBadRequest, bad.Field, bad.Reason)
	case errors.As(err, &conflict):
		return newProblem(http.StatusConflict, "", conflict.Reason)
	case errors.Is(err, jobs.ErrNoJob):
		return newProblem(http.StatusNotFound, "id", jobs.ErrNoJob.Error())
	default:
		return err
	}
}
