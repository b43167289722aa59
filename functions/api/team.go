package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// A TeamChecker is an Integration that can say whether an access token opens a
// team, and what the team's name is. It changes nothing, and its errors are Faults.
type TeamChecker interface {
	CheckTeam(ctx context.Context, team string, token secret.Value) (name string, err error)
}

// wordOfGroups is the integration that delivers through groups.
const wordOfGroups = "vercel"

// teamName checks that the access token opens the team, if either is new, and
// returns the team's name.
func (a *api) teamName(ctx context.Context, old, g rotation.Group, token secret.Value) (string, error) {
	checker, ok := a.Integrations[wordOfGroups].(TeamChecker)
	moved := old.Team != g.Team
	if !ok || token.IsZero() && (old.Token == "" || !moved) {
		if moved {
			return "", nil // there is no token that could ask
		}
		return old.TeamName, nil
	}
	field := "body.accessToken"
	if token.IsZero() {
		field = "body.team"
		var err error
		if token, err = a.Engine.GroupToken(ctx, old); err != nil {
			return "", a.vaultRefused(ctx, "", err)
		}
	}
	name, err := checker.CheckTeam(ctx, g.Team, token)
	if err != nil {
		return "", a.notOpened(ctx, field, err)
	}
	return name, nil
}

// notOpened says that Vercel does not let a token into a team, or cannot be asked.
func (a *api) notOpened(ctx context.Context, field string, err error) error {
	a.Log.WarnContext(ctx, "a team could not be opened", "error", err)
	switch rotation.ClassOf(err) {
	case rotation.Transient, rotation.Throttled, rotation.Conflict:
		return later(max(rotation.AfterOf(err), 10*time.Second), "Vercel could not be asked about the team: "+err.Error())
	case rotation.Denied, rotation.NotFound, rotation.Permanent:
	}
	return invalid(rotation.Problem{Field: field, Detail: "must open the team: " + err.Error()})
}

// vaultRefused says what an error means for a request about a group. Its faults
// are those of the vault that keeps the tokens.
func (a *api) vaultRefused(ctx context.Context, ifMatch string, err error) error {
	fault, ok := errors.AsType[*rotation.Fault](err)
	if !ok {
		return a.refused(ctx, ifMatch, err)
	}
	a.Log.WarnContext(ctx, "the staging vault refused", "error", err)
	detail := "the staging vault: " + fault.Error()
	switch fault.Class {
	case rotation.Transient, rotation.Throttled, rotation.Conflict:
		return later(max(fault.After, 10*time.Second), detail)
	case rotation.Denied, rotation.NotFound, rotation.Permanent:
	}
	return problem(http.StatusBadGateway, detail)
}
