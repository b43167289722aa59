package keyvault

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Access is who may use a target's vault, after rekey granted what it could.
type Access struct {
	// Authorization is empty where rekey cannot read the vault.
	Authorization Model       `json:"authorization,omitempty"`
	Grants        []GrantedTo `json:"grants"`
}

// GrantedTo is what one principal has on the vault.
type GrantedTo struct {
	Principal   string   `json:"principal"` // object id; empty where there is none yet
	Kind        Kind     `json:"kind"`
	Role        string   `json:"role,omitempty"`
	Permissions []string `json:"permissions,omitempty"` // for secrets
	// CertificatePermissions are those for certificates.
	CertificatePermissions []string   `json:"certificatePermissions,omitempty"`
	State                  GrantState `json:"state"`
	// Command is what a person can run where rekey could not grant.
	Command string `json:"command,omitempty"`

	// missing is why delivery cannot work, or nil.
	missing error
}

// Kind is whose principal it is.
type Kind string

// The kinds of principals: rekey's own identity, and the application's account.
const (
	KindSystem      Kind = "system"
	KindApplication Kind = "application"
)

// GrantState is what became of a grant.
type GrantState string

// The states of a grant. A granted one may take 30 minutes to take effect.
const (
	StateExisting GrantState = "existing"
	StateGranted  GrantState = "granted"
	StateRefused  GrantState = "refused"
	StatePending  GrantState = "pending"
)

// Prepare grants what delivery needs. Its only errors are those without which no
// delivery works: what rekey's own identity lacks.
func (t *Target) Prepare(ctx context.Context, app rotation.Application, row rotation.TargetRow) error {
	access, err := t.access(ctx, app, row)
	if err != nil {
		return err
	}
	return access.Grants[0].missing
}

// Access grants as Prepare does and reports it. A grant that rekey may not make
// is no error: the report has the command that makes it.
func (t *Target) Access(ctx context.Context, app rotation.Application, row rotation.TargetRow) (any, error) {
	access, err := t.access(ctx, app, row)
	if err != nil {
		return nil, err
	}
	return access, nil
}

// access makes every grant. The first is rekey's own.
func (t *Target) access(ctx context.Context, app rotation.Application, row rotation.TargetRow) (Access, error) {
	s, err := t.settings(app, row)
	if err != nil {
		return Access{}, err
	}
	self, err := t.manager.self(ctx)
	if err != nil {
		return Access{}, err
	}
	v, err := t.manager.find(ctx, s)
	if err != nil {
		return t.unseen(ctx, s, self, err)
	}
	own, err := t.grantSelf(ctx, s, v, self)
	if err != nil {
		return Access{}, err
	}
	access := Access{Authorization: v.model, Grants: []GrantedTo{own}}
	if t.grantsApplication(s) {
		access.Grants = append(access.Grants, t.grantApplication(ctx, app, s, v)...)
	}
	return access, nil
}

// grantsApplication asks for the staging vault again: it may have become that
// after the target was saved.
func (t *Target) grantsApplication(s Settings) bool { return s.Grant != GrantNone && !t.isStaging(s) }

// grantSelf grants rekey what it needs. Where it may not, what it has already may
// do: an inherited role, for instance.
func (t *Target) grantSelf(ctx context.Context, s Settings, v managedVault, self string) (GrantedTo, error) {
	w := s.forSelf(self)
	g := w.report(v)
	state, err := t.manager.grant(ctx, v, w)
	if err != nil && rotation.ClassOf(err) != rotation.Denied {
		return g, err
	}
	if g.State = state; err == nil {
		return g, nil
	}
	usable, probeErr := t.usable(ctx, s)
	if probeErr != nil {
		return g, probeErr
	}
	if usable && v.model == ModelRBAC {
		g.State = StateExisting
		return g, nil
	}
	g.State, g.Command = StateRefused, w.command(v)
	if !usable { // else only a part is missing: to recover a name, for instance
		g.missing = withRemedy(err, g.Command)
	}
	return g, nil
}

func withRemedy(err error, remedy string) error {
	return &rotation.Fault{Class: rotation.Denied, Err: err, Remedy: remedy}
}

// usable asks the vault itself whether it lets rekey in.
func (t *Target) usable(ctx context.Context, s Settings) (bool, error) {
	err := t.probe(ctx, s)
	switch {
	case err == nil || rotation.ClassOf(err) == rotation.NotFound:
		return true, nil
	case rotation.ClassOf(err) == rotation.Denied:
		return false, nil
	}
	return false, err
}

// probe reads the target's secret or certificate, if there is one.
func (t *Target) probe(ctx context.Context, s Settings) (err error) {
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
	if s.asCertificate() {
		_, err = t.config.Vaults.PublicCertificate(ctx, s.vaultName(), s.Name)
	} else {
		_, err = t.config.Vaults.Get(ctx, s.vaultName(), s.Name)
	}
	return err
}

// grantApplication grants the application's service principal its part. Whatever
// comes of it is told and stops nothing.
func (t *Target) grantApplication(ctx context.Context, app rotation.Application, s Settings, v managedVault) (all []GrantedTo) {
	principal, err := t.config.Principals.ServicePrincipal(ctx, app.AppID)
	for _, w := range s.forApplication(principal, v.model) {
		g := w.report(v)
		switch {
		case err != nil:
			g.State = StatePending
			if rotation.ClassOf(err) == rotation.NotFound {
				g.Command = "az ad sp create --id " + app.AppID
			}
			t.tell(ctx, app, v, g, err)
		default:
			t.grantOne(ctx, app, v, w, &g)
		}
		all = append(all, g)
	}
	return all
}

func (t *Target) grantOne(ctx context.Context, app rotation.Application, v managedVault, w wanted, g *GrantedTo) {
	var err error
	if g.State, err = t.manager.grant(ctx, v, w); err != nil {
		g.State, g.Command = stateAfter(err), w.command(v)
		t.tell(ctx, app, v, *g, err)
	}
}

// stateAfter tells what may yet be granted from what was refused.
func stateAfter(err error) GrantState {
	switch rotation.ClassOf(err) {
	case rotation.Transient, rotation.Throttled, rotation.Conflict:
		return StatePending
	}
	return StateRefused
}

func (t *Target) tell(ctx context.Context, app rotation.Application, v managedVault, g GrantedTo, err error) {
	t.config.Log.WarnContext(ctx, "the application has no access to the vault yet",
		"app", app.AppID, "vault", v.name, "state", g.State, "command", g.Command, "error", err)
}

// unseen is for a vault that rekey cannot find or read: somebody may have let it
// in all the same. If not, being able to read the vault comes first.
func (t *Target) unseen(ctx context.Context, s Settings, self string, unread error) (Access, error) {
	if !isHidden(unread) {
		return Access{}, unread
	}
	own := GrantedTo{Principal: self, Kind: KindSystem, State: StateExisting}
	usable, err := t.usable(ctx, s)
	switch {
	case err != nil:
		return Access{}, unread // there seems to be no such vault
	case !usable:
		own.State, own.Command = StateRefused, readCommand(s, self)
		own.missing = withRemedy(unread, own.Command)
	}
	access := Access{Grants: []GrantedTo{own}}
	if t.grantsApplication(s) {
		access.Grants = append(access.Grants, GrantedTo{Kind: KindApplication, State: StateRefused, Command: readCommand(s, self)})
	}
	return access, nil
}

// readCommand lets rekey see the vault. Its id is looked up where it is not known.
func readCommand(s Settings, self string) string {
	id := s.Vault
	if id == s.vaultName() {
		id = fmt.Sprintf("$(az keyvault show --name %s --query id --output tsv)", s.Vault)
	}
	return assignCommand("Reader", self, id)
}
