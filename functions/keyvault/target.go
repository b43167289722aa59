// Package keyvault is the Azure function "keyvault": it delivers client secrets to
// Key Vaults, each as the newest version of a secret, so that references without
// a version follow.
//
// It promises that
//
//   - a delivery writes one version, whatever answers get lost: a repeated try
//     looks first whether the version is there;
//   - the version says when it begins and ends (nbf and exp are the credential's
//     own) and whose it is: its tags name installation, appId, kind, generation,
//     keyId and target. Near-expiry events are checked against them;
//   - a soft-deleted name is recovered, versions included, and then written;
//   - what the steady state costs is one call to the vault for each delivery.
//
// Before the first delivery, access is granted by the vault's own authorization
// model: Key Vault Secrets Officer at the vault, or an access policy with get,
// list, set and, for rekey itself, recover. The application's service principal
// gets as much as the target's settings say, and nothing on the staging vault.
// Where rekey may not grant, it says which az command does. Only what rekey itself
// lacks stops a delivery.
//
// Where the facts are silent, these choices were made:
//
//   - The content type is text/plain: the value is the client secret and nothing
//     else, and all the rest is in the tags.
//   - Role assignments are named by a UUID of scope, principal and role, so that a
//     repetition, from wherever, is the same assignment.
//   - A grant for an application that cannot be made now (its service principal is
//     too new, Resource Manager is out of order) is pending: it is made the next
//     time that access is asked for, and no delivery waits for it.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/keyvault/secrets
//   - https://learn.microsoft.com/azure/key-vault/general/rbac-guide
//   - https://learn.microsoft.com/azure/key-vault/general/assign-access-policy
package keyvault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// Vaults is Key Vault's data plane. Errors are rotation.Faults; Set on a
// soft-deleted name gives vault.ErrSoftDeleted.
type Vaults interface {
	Set(ctx context.Context, vault, name string, s vault.Secret) (version string, err error)
	Get(ctx context.Context, vault, name string) (vault.Secret, error)
	Recover(ctx context.Context, vault, name string) error
}

// Principals knows the service principals of applications. Errors are
// rotation.Faults: NotFound means that the application has none.
type Principals interface {
	ServicePrincipal(ctx context.Context, appID string) (objectID string, err error)
}

// Config is what the target needs.
type Config struct {
	Vaults     Vaults
	Principals Principals
	// Credential is rekey's own, for Resource Manager.
	Credential azcore.TokenCredential
	// ClientOptions are those of the clients of Resource Manager. Without retry
	// options of their own they try again soon or not at all.
	ClientOptions azcore.ClientOptions
	StagingVault  string
	Installation  string
	Log           *slog.Logger
}

// Target delivers to Key Vaults. It may be used from any goroutine.
type Target struct {
	config  Config
	manager *resourceManager
}

var (
	_ rotation.Target   = (*Target)(nil)
	_ rotation.Preparer = (*Target)(nil)
)

// New returns the target.
func New(c Config) *Target {
	return &Target{config: c, manager: newResourceManager(c.Credential, c.ClientOptions)}
}

const contentType = "text/plain"

// Deploy writes the credential as the newest version of the target's secret.
func (t *Target) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	s, err := t.settings(d.Application, d.Target)
	if err != nil {
		return rotation.Outcome{}, err
	}
	version, err := t.deliver(ctx, s, d)
	if err != nil {
		return rotation.Outcome{}, silenced(err, d.Credential.Value)
	}
	return rotation.Outcome{Confirmed: true, Receipt: version}, nil
}

// deliver returns the version that holds the credential.
func (t *Target) deliver(ctx context.Context, s Settings, d rotation.Delivery) (version string, err error) {
	// The engine repeats a try; a client that repeats a write by itself would
	// write a second version where only the answer was lost.
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	if d.Tries > 1 {
		if version, err = t.written(ctx, s, d); version != "" || err != nil {
			return version, err
		}
	}
	version, err = t.write(ctx, s, d)
	if err == nil && version == "" {
		err = &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("keyvault: set %q in %q: the answer names no version", s.Name, s.vaultName())}
	}
	return version, err
}

func (t *Target) settings(app rotation.Application, row rotation.TargetRow) (Settings, error) {
	s, problems := t.parse(app, row.Settings)
	if len(problems) > 0 {
		var errs []error
		for _, p := range problems {
			errs = append(errs, p)
		}
		return s, rotation.Permanently("keyvault: settings of target %q: %w", row.ID, errors.Join(errs...))
	}
	return s, nil
}

// written returns the latest version if it is this delivery's. Who may write and
// not read is let through: a second version of the same credential does no harm.
func (t *Target) written(ctx context.Context, s Settings, d rotation.Delivery) (version string, err error) {
	latest, err := t.config.Vaults.Get(ctx, s.vaultName(), s.Name)
	if err != nil {
		switch rotation.ClassOf(err) {
		case rotation.NotFound, rotation.Denied:
			return "", nil
		}
		return "", err
	}
	if latest.Value != d.Credential.Value || !maps.Equal(latest.Tags, t.tags(d)) {
		return "", nil
	}
	return latest.Version, nil
}

// write sets the secret. A name that is soft-deleted is recovered first; where
// that takes longer than this call, the next try goes on.
func (t *Target) write(ctx context.Context, s Settings, d rotation.Delivery) (version string, err error) {
	content := vault.Secret{
		Value: d.Credential.Value, ContentType: contentType, Tags: t.tags(d),
		NotBefore: d.Credential.Start, Expires: d.Credential.End,
	}
	version, err = t.config.Vaults.Set(ctx, s.vaultName(), s.Name, content)
	if !errors.Is(err, vault.ErrSoftDeleted) {
		return version, err
	}
	if err := t.config.Vaults.Recover(ctx, s.vaultName(), s.Name); err != nil {
		return "", err
	}
	version, err = t.config.Vaults.Set(ctx, s.vaultName(), s.Name, content)
	if err != nil && rotation.ClassOf(err) == rotation.Conflict {
		return "", &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("keyvault: the soft-deleted secret %q is being recovered: %w", s.Name, err)}
	}
	return version, err
}

// tags say whose the version is.
func (t *Target) tags(d rotation.Delivery) map[string]string {
	id := d.Credential.Rotation
	return map[string]string{
		"installation": t.config.Installation,
		"appId":        id.AppID,
		"kind":         string(id.Kind),
		"generation":   strconv.Itoa(id.Generation),
		"keyId":        d.Credential.KeyID,
		"target":       d.Target.ID,
	}
}
