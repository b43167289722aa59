package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Subscriptions are those of Event Grid. Errors are Faults.
type Subscriptions interface {
	// To returns the subscriptions to a vault's events: those at the vault itself and
	// those under a system topic of it.
	To(ctx context.Context, vaultID string) ([]Subscription, error)
}

// Subscription sends events of a vault somewhere.
type Subscription struct {
	Name       string
	Function   string   // the Azure function that it leads to, or empty
	EventTypes []string // none: all
	Created    time.Time
}

// nearExpiryFunction is the function that hears of near-expiry events.
const nearExpiryFunction = "nearexpiry"

// keptAsCertificate is the format in which keyvault keeps a certificate as such; in all
// others it is the text of a secret.
const keptAsCertificate = "pfx"

// nearExpiryTypes are the events that it needs of a kind.
// https://learn.microsoft.com/azure/event-grid/event-schema-key-vault
func nearExpiryTypes(certificate bool) string {
	if certificate {
		return "Microsoft.KeyVault.CertificateNearExpiry"
	}
	return "Microsoft.KeyVault.SecretNearExpiry"
}

func (d *Doctor) nearExpiry(ctx context.Context, app *Application) (found []rotation.Finding, err error) {
	for _, view := range app.Kinds {
		for _, t := range view.Targets {
			vault, certificate, ok := vaultOf(t)
			if !ok || !t.Enabled {
				continue
			}
			all, err := d.subscribed(ctx, vault)
			if err != nil {
				unable := d.unable(ctx, "nearexpiry", err)
				unable.Subject = t.ID
				found = append(found, unable)
				continue
			}
			found = append(found, judgeSubscriptions(t.ID, vault, nearExpiryTypes(certificate), all, written(view, t.ID))...)
		}
	}
	return found, nil
}

func (d *Doctor) subscribed(ctx context.Context, vault string) ([]Subscription, error) {
	id, err := d.Vaults.Find(ctx, vault)
	if err != nil {
		return nil, err
	}
	return d.Subscriptions.To(ctx, id)
}

// vaultOf reads where a target of a Key Vault lies, and whether it is kept as a certificate.
func vaultOf(t rotation.TargetRow) (vault string, certificate, ok bool) {
	var settings struct{ Vault, Format string }
	if t.Integration != "keyvault" || json.Unmarshal(t.Settings, &settings) != nil || settings.Vault == "" {
		return "", false, false
	}
	return settings.Vault, settings.Format == keptAsCertificate, true
}

// written is when the target's present version was there at the latest, or zero.
func written(view engine.View, target string) time.Time {
	if d, ok := view.Deployment(target); ok {
		return d.ConfirmedAt
	}
	return time.Time{}
}

// judgeSubscriptions looks for one that brings a target's near-expiry events to rekey.
// Key Vault sends them for those versions alone that were made after it.
func judgeSubscriptions(target, vault, eventType string, all []Subscription, written time.Time) []rotation.Finding {
	name := vault[strings.LastIndexByte(vault, '/')+1:]
	f := rotation.Finding{Subject: target, Severity: rotation.SeverityWarning}
	var first time.Time
	for _, s := range all {
		if leads(s, eventType) && (first.IsZero() || s.Created.Before(first)) {
			first = s.Created
			if first.IsZero() {
				return nil // it does not say since when it is there
			}
		}
	}
	switch {
	case first.IsZero():
		f.Finding = fmt.Sprintf("no Event Grid subscription brings %s of vault %q to rekey: the timer alone looks after the target", eventType, name)
		f.Remedy = fmt.Sprintf("az eventgrid event-subscription create --name rekey --source-resource-id <the id of vault %s> --endpoint-type azurefunction --endpoint <the function app's id>/functions/%s --included-event-types %s",
			name, nearExpiryFunction, eventType)
	case !written.IsZero() && first.After(written):
		f.Finding = fmt.Sprintf("the Event Grid subscription to vault %q is younger, of %s, than the version of %s: no event comes for that version", name, stamp(first), stamp(written))
		f.Remedy = "nothing needs to be done: the timer looks after it, and the next version has events; a rotation now brings that sooner"
	default:
		return nil
	}
	return []rotation.Finding{f}
}

func leads(s Subscription, eventType string) bool {
	return strings.EqualFold(s.Function, nearExpiryFunction) && (len(s.EventTypes) == 0 ||
		slices.ContainsFunc(s.EventTypes, func(t string) bool { return strings.EqualFold(t, eventType) }))
}
