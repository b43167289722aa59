package keyvault_test

import (
	"testing"

	"github.com/rekey-dev/rekey/functions/targettest"
	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
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

// held are the digests of a secret's versions, oldest first.
func (w *world) held(vault, name string) (digests []string) {
	for _, v := range w.written(vault, name) {
		digests = append(digests, v.SHA256)
	}
	return digests
}
