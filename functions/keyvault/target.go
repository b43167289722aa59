// Package keyvault is the Azure function "keyvault": it delivers credentials to Key
// Vaults, each as the newest version, so that references without a version follow.
// A client secret becomes a version of a secret, alone or in a template of the
// user's. A certificate becomes a version of a certificate, or of a secret where the
// settings ask for PEM, with its private key, or for CER, without it.
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
// model: roles at the vault, or an access policy (role.go lists which). The
// application's service principal gets as much as the target's settings say, and
// nothing on the staging vault. Where rekey may not grant, it says which az command
// does. Only what rekey itself lacks stops a delivery.
//
// Where the facts are silent, these choices were made:
//
//   - The content type of a secret is text/plain, application/x-pem-file for a
//     certificate, and application/json where the template is JSON. In such a
//     template the credential is spelled as between the quotes of a string.
//   - Role assignments are named by a UUID of scope, principal and role, so that a
//     repetition, from wherever, is the same assignment.
//   - A grant for an application that cannot be made now (its service principal is
//     too new, Resource Manager is out of order) is pending: it is made the next
//     time that access is asked for, and no delivery waits for it.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/keyvault/secrets
//   - https://learn.microsoft.com/rest/api/keyvault/certificates
//   - https://learn.microsoft.com/azure/key-vault/general/rbac-guide
//   - https://learn.microsoft.com/azure/key-vault/general/assign-access-policy
package keyvault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// Vaults is Key Vault's data plane. Errors are rotation.Faults; a write under a
// soft-deleted name gives vault.ErrSoftDeleted.
type Vaults interface {
	Secrets
	Certificates
	Deleted
}

// Deleted is the data plane as far as it remembers what was deleted.
type Deleted interface {
	IsDeleted(ctx context.Context, vault, name string) (bool, error)
	IsDeletedCertificate(ctx context.Context, vault, name string) (bool, error)
}

// Secrets is the data plane as far as it holds secrets.
type Secrets interface {
	Set(ctx context.Context, vault, name string, s vault.Secret) (version string, err error)
	Get(ctx context.Context, vault, name string) (vault.Secret, error)
	Recover(ctx context.Context, vault, name string) error
}

// Certificates is the data plane as far as it holds certificates.
type Certificates interface {
	ImportCertificate(ctx context.Context, vault, name string, cert vault.Certificate) (version string, err error)
	PublicCertificate(ctx context.Context, vault, name string) (vault.Certificate, error)
	RecoverCertificate(ctx context.Context, vault, name string) error
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
	_ rotation.Checker  = (*Target)(nil)
	_ rotation.Lister   = (*Target)(nil)
	_ rotation.Planner  = (*Target)(nil)
)

// New returns the target.
func New(c Config) *Target {
	return &Target{config: c, manager: newResourceManager(c.Credential, c.ClientOptions)}
}

// Deploy writes the credential as the newest version of the target's secret or
// certificate.
func (t *Target) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	s, err := t.settings(d.Application, d.Target)
	if err != nil {
		return rotation.Outcome{}, err
	}
	o, text, err := t.object(s, d)
	if err != nil {
		return rotation.Outcome{}, silenced(err, d.Credential.Value)
	}
	version, err := deliver(ctx, s, o, d.Tries)
	if err != nil {
		return rotation.Outcome{}, silenced(silenced(err, text), d.Credential.Value)
	}
	return rotation.Outcome{Confirmed: true, Receipt: version}, nil
}

// deliver returns the version that holds the credential.
func deliver(ctx context.Context, s Settings, o object, tries int) (version string, err error) {
	// The engine repeats a try; a client that repeats a write by itself would
	// write a second version where only the answer was lost.
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	if tries > 1 {
		if version, err = written(ctx, o); version != "" || err != nil {
			return version, err
		}
	}
	version, err = write(ctx, s, o)
	if err == nil && version == "" {
		err = &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("keyvault: write %q in %q: the answer names no version", s.Name, s.vaultName())}
	}
	return version, err
}

func (t *Target) settings(app rotation.Application, row rotation.TargetRow) (Settings, error) {
	s, problems := t.parse(app, row.Kind, row.Settings)
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
func written(ctx context.Context, o object) (version string, err error) {
	version, err = o.written(ctx)
	if err != nil {
		switch rotation.ClassOf(err) {
		case rotation.NotFound, rotation.Denied:
			return "", nil
		}
	}
	return version, err
}

// write writes a version. A name that is soft-deleted is recovered first; where
// that takes longer than this call, the next try goes on.
func write(ctx context.Context, s Settings, o object) (version string, err error) {
	version, err = o.write(ctx)
	if !errors.Is(err, vault.ErrSoftDeleted) {
		return version, err
	}
	if err := o.recover(ctx); err != nil && rotation.ClassOf(err) != rotation.NotFound {
		return "", err // one that is not found was purged meanwhile: the name is free
	}
	version, err = o.write(ctx)
	if err != nil && rotation.ClassOf(err) == rotation.Conflict {
		return "", &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("keyvault: the soft-deleted %s %q is being recovered: %w", s.noun(), s.Name, err)}
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
