package keyvault_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// granting is no more than the grant that comes before a first delivery.
type granting struct{ *keyvault.Target }

func (g granting) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	err := g.Prepare(ctx, d.Application, d.Target)
	return rotation.Outcome{Confirmed: err == nil}, err
}

func (w *world) over(transport http.RoundTripper) *keyvault.Target {
	return keyvault.New(keyvault.Config{
		Vaults: vault.New(w.own, cloudtest.Through(transport)), Principals: principals{w.directory}, Credential: w.own,
		ClientOptions: azcore.ClientOptions{Transport: outbound.Straight(transport), Retry: policy.RetryOptions{MaxRetries: -1}},
		StagingVault:  "staging", Installation: "test", Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
}

func (w *world) place(row rotation.TargetRow) targettest.Place {
	return targettest.Place{Target: w.target, App: w.app, Row: row, Cloud: w.front, Clock: w.clock, Log: w.log,
		Calls: []targettest.Call{{Host: "safe.vault.azure.net"}, {Host: "management.azure.com"}}}
}

// FuzzAnswers writes a secret.
func FuzzAnswers(f *testing.F) {
	w := start(f)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	w.fuzz(f, w.row(f, `{"vault":"safe","name":"db"}`))
}

// FuzzCertificateAnswers imports a certificate.
func FuzzCertificateAnswers(f *testing.F) {
	w := start(f)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
	w.fuzz(f, w.certificateRow(f, `{"vault":"safe","name":"web"}`))
}

func (w *world) fuzz(f *testing.F, row rotation.TargetRow) {
	f.Helper()
	targettest.Fuzz(f, w.place(row), func(transport http.RoundTripper) rotation.Target { return w.over(transport) })
}

// FuzzRoleAnswers looks a vault up by its name and grants by roles.
func FuzzRoleAnswers(f *testing.F) {
	w := start(f)
	w.rbacVault("safe")
	w.fuzzGrant(f, w.row(f, `{"vault":"safe","name":"db"}`))
}

// FuzzPolicyAnswers grants by access policies.
func FuzzPolicyAnswers(f *testing.F) {
	w := start(f)
	w.fuzzGrant(f, w.row(f, `{"vault":"`+w.policyVault("safe")+`","name":"db"}`))
}

func (w *world) fuzzGrant(f *testing.F, row rotation.TargetRow) {
	f.Helper()
	place := w.place(row)
	place.Unsent = true
	targettest.Fuzz(f, place, func(transport http.RoundTripper) rotation.Target { return granting{w.over(transport)} })
}

// FuzzQuestions checks a target, and offers vaults.
func FuzzQuestions(f *testing.F) {
	w := start(f)
	w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
	targettest.FuzzQuestions(f, w.place(w.row(f, `{"vault":"safe","name":"db"}`)),
		func(transport http.RoundTripper) rotation.Target { return w.over(transport) }, targettest.Choose{Setting: "vault"})
}
