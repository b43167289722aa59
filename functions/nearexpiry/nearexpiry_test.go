package nearexpiry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// known is a rekey with one target, whose vault holds version "v2".
type known struct {
	secret  vault.Secret
	kind    rotation.Kind // of the target
	fails   error
	asked   []rotation.ID
	targets error
}

func newKnown() *known {
	return &known{kind: rotation.Secret, secret: vault.Secret{Version: "v2", Tags: map[string]string{
		"appId": "app", "kind": "secret", "generation": "7", "target": "kv", "installation": "test",
	}}}
}

func (k *known) Get(_ context.Context, where, name string) (vault.Secret, error) {
	if k.fails == nil && (where != "shop" || name != "Orders") {
		return vault.Secret{}, &rotation.Fault{Class: rotation.NotFound, Err: errors.New("vault: no such secret")}
	}
	return k.secret, k.fails
}

func (k *known) PublicCertificate(ctx context.Context, where, name string) (vault.Certificate, error) {
	s, err := k.Get(ctx, where, name)
	return vault.Certificate{Version: s.Version, Tags: s.Tags}, err
}

// keepCertificate makes the version and its target those of a certificate.
func (k *known) keepCertificate() {
	k.secret.Tags["kind"], k.kind = "certificate", rotation.Certificate
}

func (k *known) Target(context.Context, string, string) (rotation.TargetRow, string, error) {
	return rotation.TargetRow{Integration: "keyvault", Kind: k.kind, Settings: json.RawMessage(
		`{"vault":"/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/shop","name":"orders"}`)}, "", k.targets
}

func (k *known) NearExpiry(_ context.Context, id rotation.ID) (engine.NearExpiryOutcome, error) {
	k.asked = append(k.asked, id)
	return engine.NearExpiryChecks, nil
}

func event(kind, data string) customhandler.Event {
	return customhandler.Event{ID: "1", Type: "Microsoft.KeyVault." + kind, Data: json.RawMessage(data)}
}

const ours = `{"Id":"https://shop.vault.azure.net/secrets/Orders/v2","VaultName":"shop","ObjectType":"Secret","ObjectName":"Orders","Version":"v2","NBF":"1","EXP":null}`

func TestEvents(t *testing.T) {
	unreachable := errors.New("vault: the connection was cut")
	for name, c := range map[string]struct {
		event  customhandler.Event
		change func(*known)
		says   string
		asks   bool
		fails  error
	}{
		"about our current version are handed on": {event: event("SecretNearExpiry", ours), says: "what is due is looked at", asks: true},
		"of the end itself too":                   {event: event("SecretExpired", ours), says: "what is due is looked at", asks: true},
		"with the sample's stray space in a key": {
			event: event("SecretNearExpiry", `{"VaultName":"shop","ObjectName ":"Orders","Version":"v2"}`), says: "what is due is looked at", asks: true},
		"about our certificate are handed on":     {event: event("CertificateNearExpiry", ours), change: (*known).keepCertificate, says: "what is due is looked at", asks: true},
		"about a certificate kept as a secret":    {event: event("SecretNearExpiry", ours), change: (*known).keepCertificate, says: "what is due is looked at", asks: true},
		"about a target of another kind":          {event: event("SecretNearExpiry", ours), change: func(k *known) { k.kind = rotation.Certificate }, says: "dropped, the target is another object"},
		"of another type are dropped":             {event: event("SecretNewVersionCreated", ours), says: "dropped, not a near-expiry event"},
		"about certificates with a secret's tags": {event: event("CertificateNearExpiry", ours), says: "dropped, not managed by this rekey"},
		"without data are dropped":                {event: event("SecretNearExpiry", ``), says: "dropped, unreadable: data: must be an object: unexpected end of JSON input"},
		"without a version are dropped":           {event: event("SecretNearExpiry", `{"VaultName":"shop","ObjectName":"Orders"}`), says: "dropped, unreadable: data: VaultName, ObjectName and Version must be given"},
		"about staged copies are dropped":         {event: event("SecretNearExpiry", `{"VaultName":"Staging","ObjectName":"x","Version":"v"}`), says: "dropped, a staged copy"},
		"about secrets we cannot read":            {event: event("SecretNearExpiry", `{"VaultName":"other","ObjectName":"x","Version":"v"}`), says: "dropped, not readable: vault: no such secret"},
		"about an older version are dropped":      {event: event("SecretNearExpiry", ours), change: func(k *known) { k.secret.Version = "v3" }, says: "dropped, not the current version"},
		"about a secret without tags":             {event: event("SecretNearExpiry", ours), change: func(k *known) { k.secret.Tags = nil }, says: "dropped, not managed by this rekey"},
		"about another installation's secret":     {event: event("SecretNearExpiry", ours), change: func(k *known) { k.secret.Tags["installation"] = "other" }, says: "dropped, not managed by this rekey"},
		"about a target that is gone":             {event: event("SecretNearExpiry", ours), change: func(k *known) { k.targets = fmt.Errorf("x: %w", engine.ErrUnknownTarget) }, says: "dropped, no such target"},
		"fail while the vault is out of reach":    {event: event("SecretNearExpiry", ours), change: func(k *known) { k.fails = unreachable }, fails: unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKnown()
			if c.change != nil {
				c.change(k)
			}
			var log bytes.Buffer
			config := Config{Engine: k, Vaults: k, StagingVault: "staging", Installation: "test", Log: slog.New(slog.NewTextHandler(&log, nil))}
			err := config.handle(t.Context(), c.event)
			if c.fails != nil {
				require.ErrorIs(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, log.String(), "near expiry: "+c.says)
			if c.asks {
				assert.Equal(t, []rotation.ID{{AppID: "app", Kind: k.kind, Generation: 7}}, k.asked)
			} else {
				assert.Empty(t, k.asked)
			}
		})
	}
}

// A version's tags can be written by anybody who may write to the vault: a copy
// of ours elsewhere must not wake anything.
func TestTagsAreNotEnough(t *testing.T) {
	k := newKnown()
	assert.True(t, pointsAt(mustTarget(k), object{Vault: "Shop", Name: "Orders"}))
	assert.False(t, pointsAt(mustTarget(k), object{Vault: "shop", Name: "Billing"}))
	assert.False(t, pointsAt(mustTarget(k), object{Vault: "other", Name: "Orders"}))
	assert.False(t, pointsAt(rotation.TargetRow{Integration: "vercel", Settings: json.RawMessage(`{"vault":"shop","name":"orders"}`)}, object{Vault: "shop", Name: "Orders"}))
}

func mustTarget(k *known) rotation.TargetRow {
	target, _, _ := k.Target(context.Background(), "", "")
	return target
}

func FuzzData(f *testing.F) {
	f.Add([]byte(ours))
	f.Add([]byte(`{"VaultName":1}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseData(data)
		if err == nil && (o.Vault == "" || o.Name == "" || o.Version == "") {
			t.Errorf("accepted %q without saying what it is about", data)
		}
	})
}

// FuzzEvents hands any event of either schema, with any data, to the whole function: it
// is handed on where it names our current version and dropped elsewhere, and never
// delivered again because of what it says.
func FuzzEvents(f *testing.F) {
	f.Add(`{"id":"1","topic":"t","subject":"Orders","eventType":"Microsoft.KeyVault.SecretNearExpiry","eventTime":"2026-01-02T03:00:00Z","data":`+ours+`}`, "7", "app")
	f.Add(`{"specversion":"1.0","id":"1","source":"s","type":"Microsoft.KeyVault.CertificateExpired","data":`+ours+`}`, "-1", "")
	f.Add(`{"id":"1","eventType":"Microsoft.KeyVault.SecretNearExpiry","data":{"VaultName":"../x","ObjectName":"a/b","Version":"v2"}}`, "1e9", "x")
	f.Fuzz(func(t *testing.T, text, generation, app string) {
		event, err := customhandler.ParseEvent([]byte(text))
		if err != nil {
			return
		}
		k := newKnown()
		k.secret.Tags["generation"], k.secret.Tags["appId"] = generation, app
		config := Config{Engine: k, Vaults: k, StagingVault: "staging", Installation: "test", Log: slog.New(slog.DiscardHandler)}
		require.NoError(t, config.handle(t.Context(), event))
		for _, id := range k.asked {
			n, err := strconv.Atoi(generation)
			assert.NoError(t, err)
			assert.Equal(t, n, id.Generation)
			assert.Equal(t, app, id.AppID)
		}
	})
}
