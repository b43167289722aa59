// Package nearexpiry is the Azure function "nearexpiry", fed by Event Grid with
// the near-expiry events of Key Vaults: it asks for a rotation of what nears its
// end, or has it looked at.
//
// Key Vault sends the event 30 days before the end, and within minutes for
// whatever lives shorter than that, so an event is a hint and the policy says
// what it is worth. Event Grid delivers it at least once, to many subscribers,
// about objects of which most are not ours: what rekey does not manage is
// answered, logged and dropped, and only a store, a bus or a vault that is out of
// reach makes Event Grid deliver again.
package nearexpiry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// Vaults reads the latest version of a secret or of a certificate, whose private
// key is not needed here. Errors are rotation.Faults.
type Vaults interface {
	Get(ctx context.Context, vault, name string) (vault.Secret, error)
	PublicCertificate(ctx context.Context, vault, name string) (vault.Certificate, error)
}

// Engine is what the function asks of the engine.
type Engine interface {
	Target(ctx context.Context, appID, id string) (rotation.TargetRow, string, error)
	NearExpiry(ctx context.Context, id rotation.ID) (engine.NearExpiryOutcome, error)
}

// Config is what the function needs.
type Config struct {
	Engine       Engine
	Vaults       Vaults
	StagingVault string // its events are about copies of ours
	Installation string
	Log          *slog.Logger
}

// New returns the function.
func New(c Config) customhandler.Function {
	return customhandler.OnEvent(c.handle)
}

func (c Config) handle(ctx context.Context, event customhandler.Event) error {
	outcome, err := c.look(ctx, event)
	if err != nil {
		return fmt.Errorf("nearexpiry: event %q: %w", event.ID, err)
	}
	c.Log.InfoContext(ctx, "near expiry: "+outcome, "type", event.Type, "subject", event.Subject)
	return nil
}

// look finds out what the event is about and hands it to the engine. It returns
// in words what came of it.
func (c Config) look(ctx context.Context, event customhandler.Event) (string, error) {
	kind, known := kinds[event.Type]
	if !known {
		return "dropped, not a near-expiry event", nil
	}
	o, err := parseData(event.Data)
	if err != nil {
		return "dropped, unreadable: " + err.Error(), nil
	}
	if strings.EqualFold(o.Vault, c.StagingVault) {
		return "dropped, a staged copy", nil
	}
	version, tags, err := c.latest(ctx, kind, o)
	if err != nil {
		return unmanaged(err)
	}
	if version != o.Version {
		return "dropped, not the current version", nil
	}
	id, target, ours := c.parseTags(tags)
	if !ours || kind == rotation.Certificate && id.Kind != kind {
		return "dropped, not managed by this rekey", nil
	}
	return c.ask(ctx, id, target, o)
}

// latest reads the object of an event. A secret may hold a certificate as text.
func (c Config) latest(ctx context.Context, kind rotation.Kind, o object) (version string, tags map[string]string, err error) {
	if kind == rotation.Certificate {
		found, err := c.Vaults.PublicCertificate(ctx, o.Vault, o.Name)
		return found.Version, found.Tags, err
	}
	found, err := c.Vaults.Get(ctx, o.Vault, o.Name)
	return found.Version, found.Tags, err
}

// unmanaged drops events about what we may not or cannot read: it is not ours.
func unmanaged(err error) (string, error) {
	switch rotation.ClassOf(err) {
	case rotation.Denied, rotation.NotFound, rotation.Permanent:
		return "dropped, not readable: " + err.Error(), nil
	}
	return "", err
}

// parseTags reads what the keyvault function writes on each version.
func (c Config) parseTags(tags map[string]string) (id rotation.ID, target string, ours bool) {
	generation, err := strconv.Atoi(tags["generation"])
	kind, kindErr := rotation.ParseKind(tags["kind"])
	ours = err == nil && kindErr == nil && tags["installation"] == c.Installation && tags["appId"] != "" && tags["target"] != ""
	return rotation.ID{AppID: tags["appId"], Kind: kind, Generation: generation}, tags["target"], ours
}

// ask checks the tags against what we know: anybody who may write to the vault
// can write tags.
func (c Config) ask(ctx context.Context, id rotation.ID, targetID string, o object) (string, error) {
	target, _, err := c.Engine.Target(ctx, id.AppID, targetID)
	if isUnknown(err) {
		return "dropped, no such target", nil
	}
	if err != nil {
		return "", err
	}
	if target.Kind != id.Kind || !pointsAt(target, o) {
		return "dropped, the target is another object", nil
	}
	outcome, err := c.Engine.NearExpiry(ctx, id)
	return string(outcome), err
}

// pointsAt compares a target's settings with the event's object.
func pointsAt(target rotation.TargetRow, o object) bool {
	var settings struct{ Vault, Name string }
	if err := json.Unmarshal(target.Settings, &settings); err != nil {
		return false
	}
	name := settings.Vault[strings.LastIndexByte(settings.Vault, '/')+1:]
	return target.Integration == "keyvault" && strings.EqualFold(name, o.Vault) && strings.EqualFold(settings.Name, o.Name)
}
