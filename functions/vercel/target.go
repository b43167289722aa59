package vercel

import (
	"context"
	"net/http"
	"time"

	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Groups knows which team an application delivers to, and what opens it. Errors
// are rotation.Faults where it is known what is missing.
type Groups interface {
	GroupFor(ctx context.Context, appID string) (rotation.Group, error)
	GroupToken(ctx context.Context, g rotation.Group) (secret.Value, error)
}

// Config is what the target needs.
type Config struct {
	Groups    Groups
	Transport http.RoundTripper
	Now       func() time.Time // nil is the wall clock
	Waits     Waits
}

// Target delivers to environment variables. It may be used from any goroutine.
type Target struct {
	groups Groups
	http   *http.Client
	now    func() time.Time
	waits  Waits
}

var (
	_ rotation.Target  = (*Target)(nil)
	_ rotation.Checker = (*Target)(nil)
	_ rotation.Lister  = (*Target)(nil)
	_ rotation.Stopper = (*Target)(nil)
	_ rotation.Planner = (*Target)(nil)
)

// New returns the target.
func New(c Config) *Target {
	t := &Target{groups: c.Groups, http: outbound.To(c.Transport, host), now: c.Now}
	if t.now == nil {
		t.now = time.Now
	}
	t.waits.Build = c.Waits.Build.or(5*time.Second, time.Minute)
	t.waits.People = c.Waits.People.or(time.Minute, 15*time.Minute)
	return t
}

// Deploy gives the variable the credential, and then sees to it that the chosen
// environments run with it. While people are waited for, which may take weeks, an
// error that heals by itself is not what the delivery is given up for.
func (t *Target) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	settings, err := settingsOf(d.Target)
	if err != nil {
		return rotation.Outcome{}, err
	}
	outcome, err := t.deploy(ctx, settings, d)
	if err != nil && d.Handle != "" && len(settings.Redeploy) == 0 && passes(err) {
		return t.wait(parseHandle(d.Handle), []news{{waiting: "nobody could be asked: " + err.Error(), people: true}}, d.Tries), nil
	}
	return outcome, err
}

func (t *Target) deploy(ctx context.Context, settings Settings, d rotation.Delivery) (rotation.Outcome, error) {
	value, err := settings.value(d)
	if err != nil {
		return rotation.Outcome{}, err
	}
	client, err := t.enter(ctx, d.Application.AppID, d.Credential.Value, value)
	if err != nil {
		return rotation.Outcome{}, err
	}
	p, err := settings.arrive(ctx, client)
	if err != nil {
		return rotation.Outcome{}, err
	}
	h, err := p.written(ctx, d, value)
	if err != nil {
		return rotation.Outcome{}, err
	}
	waiting, err := p.release(ctx, &h, d.Name)
	switch {
	case err != nil:
		return rotation.Outcome{}, err
	case len(waiting) > 0:
		return t.wait(h, waiting, d.Tries), nil
	}
	return rotation.Outcome{Confirmed: true, Receipt: p.receipt(h)}, nil
}

// passes reports whether an error heals by itself.
func passes(err error) bool {
	switch rotation.ClassOf(err) {
	case rotation.Transient, rotation.Throttled, rotation.Conflict:
		return true
	case rotation.NotFound, rotation.Denied, rotation.Permanent:
	}
	return false
}

// written makes sure that the variable has the value, unless an earlier try did.
func (p place) written(ctx context.Context, d rotation.Delivery, value secret.Value) (h handle, err error) {
	h = parseHandle(d.Handle)
	if h.Edited == 0 && d.Tries > 1 {
		if h, err = p.earlier(ctx, d.Name); err != nil {
			return h, err
		}
	}
	if h.Edited == 0 {
		h.Edited, err = p.write(ctx, value)
	}
	return h, err
}

// Stop lets an older delivery be. What it began ends by itself, and the newer one
// waits for that: nothing older than its own edit may be under way when it redeploys
// or is confirmed.
func (t *Target) Stop(context.Context, rotation.Delivery) error { return nil }

// enter returns a client for the team of the application's group.
func (t *Target) enter(ctx context.Context, appID string, hidden ...secret.Value) (*client, error) {
	group, err := t.groups.GroupFor(ctx, appID)
	if err != nil {
		return nil, err
	}
	token, err := t.groups.GroupToken(ctx, group)
	if err != nil {
		return nil, err
	}
	return t.client(group.Team, token, hidden...), nil
}

func (t *Target) client(team string, token secret.Value, hidden ...secret.Value) *client {
	return &client{http: t.http, now: t.now, team: team, token: token, hidden: hidden}
}

// CheckTeam asks Vercel whether a token opens a team, and returns the team's name.
func (t *Target) CheckTeam(ctx context.Context, team string, token secret.Value) (name string, err error) {
	found, err := t.client(team, token).getTeam(ctx)
	if err != nil {
		return "", err
	}
	if found.Name == "" {
		return found.Slug, nil
	}
	return found.Name, nil
}
