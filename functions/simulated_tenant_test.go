package functions_test

import (
	"context"
	"encoding/hex"
	"slices"
	"time"

	simulated "github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/simulation"
	"github.com/rekey-dev/rekey/internal/vault"
)

// tenant is the simulated directory as people change it, and as it is in truth.
type tenant struct {
	*azure
	began time.Time
	lost  map[string]simulated.Application
}

var _ simulation.Tenant = (*tenant)(nil)

// Register implements simulation.Tenant.
func (t *tenant) Register(appID, objectID, name string) {
	if was, ok := t.lost[appID]; ok {
		delete(t.lost, appID)
		t.Directory.PutApplication(was)
		return
	}
	t.Directory.AddApplication(simulated.Application{AppID: appID, ObjectID: objectID, DisplayName: name, Owners: []string{t.self.ObjectID}})
	t.Directory.AddServicePrincipal(simulated.ServicePrincipal{AppID: appID, DisplayName: name})
}

// Lose implements simulation.Tenant.
func (t *tenant) Lose(appID string) {
	if app, found := t.Directory.ApplicationByAppID(appID, 0); found {
		t.lost[appID] = app
		t.Directory.DeleteApplication(app.ObjectID)
	}
}

// change lets a person change an application.
func (t *tenant) change(appID string, how func(*simulated.Application)) {
	if app, isLost := t.lost[appID]; isLost {
		how(&app)
		t.lost[appID] = app
		return
	}
	app, found := t.Directory.ApplicationByAppID(appID, 0)
	if !found {
		return
	}
	app = app.Clone()
	how(&app)
	if time.Now().Equal(t.began) {
		t.Directory.AddApplication(app) // every replica has always known it so
		return
	}
	t.Directory.PutApplication(app)
}

// Add implements simulation.Hands.
func (t *tenant) Add(appID string, kind rotation.Kind, end time.Time) (keyID string) {
	now := time.Now()
	t.change(appID, func(app *simulated.Application) {
		if kind == rotation.Secret {
			password, _ := simulated.NewPassword("made by hand", now, end)
			app.Passwords, keyID = append(app.Passwords, password), password.KeyID
			return
		}
		signing, err := sharedKey()
		if err != nil {
			panic(err) // there is no randomness
		}
		pair, err := certificate.SelfSign(signing, certificate.Request{Name: "made by hand", Bits: 2048, Start: now, End: end})
		if err != nil {
			panic(err)
		}
		key := simulated.NewKey(pair.Certificate)
		app.Keys, keyID = append(app.Keys, key), key.KeyID
	})
	return keyID
}

// Remove implements simulation.Hands.
func (t *tenant) Remove(appID, keyID string) {
	t.change(appID, func(app *simulated.Application) {
		app.Passwords = slices.DeleteFunc(app.Passwords, func(p simulated.Password) bool { return p.KeyID == keyID })
		app.Keys = slices.DeleteFunc(app.Keys, func(k simulated.Key) bool { return k.KeyID == keyID })
	})
}

// Credentials implements simulation.Hands.
func (t *tenant) Credentials(appID string, kind rotation.Kind) (all []simulation.Found) {
	app, isLost := t.lost[appID]
	if !isLost {
		app, _ = t.Directory.ApplicationByAppID(appID, 0)
	}
	if kind == rotation.Secret {
		for _, p := range app.Passwords {
			all = append(all, simulation.Found{Digest: hex.EncodeToString(p.SecretSHA256[:]),
				DirectoryCredential: engine.DirectoryCredential{KeyID: p.KeyID, DisplayName: p.DisplayName, Start: p.Start, End: p.End}})
		}
		return all
	}
	for _, k := range app.Keys {
		all = append(all, simulation.Found{Digest: digest(k.Certificate.Raw),
			DirectoryCredential: engine.DirectoryCredential{KeyID: k.KeyID, DisplayName: k.DisplayName, Start: k.Start, End: k.End}})
	}
	return all
}

// copies are what the staging vault holds.
type copies struct{ *azure }

var _ simulation.Copies = copies{}

// Names implements simulation.Copies.
func (c copies) Names(kind rotation.Kind) (names []string) {
	held := c.Vaults.State().Vaults[stagingVault]
	objects := held.Secrets
	if kind == rotation.Certificate {
		objects = held.Certificates
	}
	for name, object := range objects {
		if object.Deleted == nil {
			names = append(names, name)
		}
	}
	return names
}

// Delete implements simulation.Copies.
func (c copies) Delete(kind rotation.Kind, name string) {
	client := vault.New(c.identity, c.transport)
	remove := client.Delete
	if kind == rotation.Certificate {
		remove = client.DeleteCertificate
	}
	err := remove(context.Background(), stagingVault, name)
	if err != nil && rotation.ClassOf(err) != rotation.Conflict { // it is just being recovered
		panic(err) // nothing else goes wrong for people
	}
}
