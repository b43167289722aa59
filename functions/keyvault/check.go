package keyvault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// Check finds out whether the vault is there, lets rekey in or can be made to, and
// has the name free for what is to be written. It changes nothing.
func (t *Target) Check(ctx context.Context, app rotation.Application, row rotation.TargetRow) (notes []string, err error) {
	s, err := t.settings(app, row)
	if err != nil {
		return nil, err
	}
	v, unread := t.manager.find(ctx, s)
	denied := t.probe(ctx, s)
	if denied == nil || rotation.ClassOf(denied) == rotation.NotFound {
		if notes, err = cannotGrant(s, unread); err != nil {
			return nil, err
		}
		return notes, t.checkName(ctx, s)
	}
	switch {
	case unread != nil && rotation.ClassOf(denied) != rotation.Denied:
		return nil, unread // nobody answers under that name
	case errors.Is(denied, vault.ErrClosed), rotation.ClassOf(denied) != rotation.Denied:
		return nil, denied
	case isHidden(unread):
		return nil, t.readFirst(ctx, s, unread)
	case unread != nil:
		return nil, unread
	}
	return t.checkGrant(ctx, s, v)
}

// cannotGrant is for a vault that rekey may use, whether or not it can see it in
// Resource Manager.
func cannotGrant(s Settings, unread error) ([]string, error) {
	switch {
	case unread == nil, isHidden(unread) && s.Grant == GrantNone:
		return nil, nil
	case !isHidden(unread):
		return nil, unread
	}
	return []string{fmt.Sprintf("rekey may use vault %q and cannot see it in Resource Manager, so it grants the application nothing there", s.vaultName())}, nil
}

// isHidden reports whether rekey's identity may not see the vault in Resource Manager.
func isHidden(unread error) bool {
	return unread != nil && (rotation.ClassOf(unread) == rotation.Denied || errors.Is(unread, errUnseen))
}

// checkName makes sure that the name is not one of the other kind: a certificate
// takes a secret's name as well. Who may not read that finds out later.
func (t *Target) checkName(ctx context.Context, s Settings) error {
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	_, err := t.config.Vaults.PublicCertificate(ctx, s.vaultName(), s.Name)
	taken := "certificate"
	if s.asCertificate() {
		if err == nil || rotation.ClassOf(err) != rotation.NotFound {
			return nil
		}
		taken = "secret"
		_, err = t.config.Vaults.Get(ctx, s.vaultName(), s.Name)
	}
	if err != nil {
		return nil
	}
	return &rotation.Fault{
		Class:  rotation.Permanent,
		Err:    fmt.Errorf("keyvault: name %q in %q: belongs to a %s", s.Name, s.vaultName(), taken),
		Remedy: "choose another name, because a vault's secrets and certificates share their names",
	}
}

// readFirst is for a vault that rekey can neither see nor use.
func (t *Target) readFirst(ctx context.Context, s Settings, unread error) error {
	self, err := t.manager.self(ctx)
	if err != nil {
		return err
	}
	return withRemedy(unread, readCommand(s, self))
}

// checkGrant is for a vault that does not let rekey in yet. Where rekey may grant
// itself what it needs, that is only to be known.
func (t *Target) checkGrant(ctx context.Context, s Settings, v managedVault) ([]string, error) {
	self, err := t.manager.self(ctx)
	if err != nil {
		return nil, err
	}
	w := s.forSelf(self)
	if v.model == ModelRBAC && t.manager.assigned(ctx, v, w) {
		return []string{fmt.Sprintf("rekey has the role %s, which takes a while to take effect", w.role.name)}, nil
	}
	if t.manager.mayGrant(ctx, v, self) {
		return []string{"rekey grants itself " + w.words(v) + " before the first delivery"}, nil
	}
	refused := fmt.Errorf("keyvault: vault %q: rekey has no access to its %ss and may not grant it to itself", v.name, s.noun())
	return nil, withRemedy(refused, w.command(v))
}

// words name the grant by the vault's model.
func (w wanted) words(v managedVault) string {
	if v.model == ModelRBAC {
		return "the role " + w.role.name
	}
	if len(w.verbs.certificates) > 0 {
		return "an access policy with " + strings.Join(w.verbs.certificates, ", ") + " on certificates"
	}
	return "an access policy with " + strings.Join(w.verbs.secrets, ", ") + " on secrets"
}
