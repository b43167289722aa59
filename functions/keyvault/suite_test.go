package keyvault_test

import (
	"strings"
	"testing"

	"github.com/rekey-dev/rekey/functions/targettest"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestTheSuiteOfAllTargets(t *testing.T) {
	for name, vault := range map[string]func(*world){
		"where roles decide": func(w *world) {
			w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer)
		},
		"where access policies decide": func(w *world) {
			w.policyVault("safe", simulated.AccessPolicy{
				ObjectID: w.self.ObjectID, Permissions: simulated.Permissions{Secrets: []string{"get", "list", "set", "recover"}},
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Place {
				w := start(t)
				vault(w)
				return targettest.Place{
					Target: w.target, App: w.app, Row: w.row(t, `{"vault":"safe","name":"db"}`), Cloud: w.front, Clock: w.clock, Log: w.log,
					Calls: []targettest.Call{{Host: "safe.vault.azure.net", Method: "PUT", Path: "/secrets/db"}},
					Held:  func() []string { return w.held("safe", "db") },
				}
			})
		})
	}
}

func TestTheSuiteForCertificates(t *testing.T) {
	officer := func(w *world) {
		w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultCertificatesOfficer)
	}
	for name, c := range map[string]struct {
		vault          func(*world)
		settings, call string
		certificates   bool
		digest         func(rotation.Delivery) string
	}{
		"as certificates, where roles decide": {officer, `{"vault":"safe","name":"web"}`, "POST /certificates/web/import", true, ofCertificate},
		"as certificates, where access policies decide": {func(w *world) {
			w.policyVault("safe", simulated.AccessPolicy{
				ObjectID: w.self.ObjectID, Permissions: simulated.Permissions{Certificates: []string{"get", "list", "import", "recover"}},
			})
		}, `{"vault":"safe","name":"web"}`, "POST /certificates/web/import", true, ofCertificate},
		"as PEM": {func(w *world) { w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer) },
			`{"vault":"safe","name":"web","format":"pem"}`, "PUT /secrets/web", false, nil},
		"as CER": {func(w *world) { w.allow(w.rbacVault("safe"), w.self.ObjectID, resourcemanager.KeyVaultSecretsOfficer) },
			`{"vault":"safe","name":"web","format":"cer"}`, "PUT /secrets/web", false, ofCER},
	} {
		t.Run(name, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) targettest.Place {
				w := start(t)
				c.vault(w)
				held := func() []string { return w.held("safe", "web") }
				if c.certificates {
					held = func() []string { return digests(w.imported("safe", "web")) }
				}
				method, path, _ := strings.Cut(c.call, " ")
				return targettest.Place{
					Target: w.target, App: w.app, Row: w.certificateRow(t, c.settings), Cloud: w.front, Clock: w.clock, Log: w.log,
					Calls: []targettest.Call{{Host: "safe.vault.azure.net", Method: method, Path: path}},
					Held:  held, Digest: c.digest,
				}
			})
		})
	}
}

func ofCertificate(d rotation.Delivery) string {
	pair, err := certificate.Parse(d.Credential.Value)
	if err != nil {
		return err.Error()
	}
	return sha(string(pair.Certificate.Raw))
}

func ofCER(d rotation.Delivery) string {
	pair, err := certificate.Parse(d.Credential.Value)
	if err != nil {
		return err.Error()
	}
	return sha(pair.CER())
}

// held are the digests of a secret's versions, oldest first.
func (w *world) held(vault, name string) []string {
	return digests(w.written(vault, name))
}

func digests(versions []simulated.VersionState) (all []string) {
	for _, v := range versions {
		all = append(all, v.SHA256)
	}
	return all
}
