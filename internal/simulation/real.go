package simulation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// make makes the outside, if it is to be a real one.
func (w *world) make(real Real) *Outside {
	if real == nil {
		return nil
	}
	l := Latency{
		Replication: pick(w.chance, []time.Duration{0, 2 * time.Second, 6 * time.Second}),
		ReadLag:     pick(w.chance, []time.Duration{0, 0, time.Second, mostBehind/2 - time.Second}),
		Grants:      w.weather.grantTakes, Builds: w.between(20*time.Second, 5*time.Minute), Jobs: w.between(10*time.Second, 10*time.Minute),
	}
	made, err := real(l)
	w.must(err)
	if w.weather.focus != "" {
		w.weather.focus = pick(w.chance, made.Calls)
	}
	return &made
}

// connect gives an engine its ports, with a witness in front of those that change
// or use credentials.
func (w *world) connect(e *engine.Engine) map[string]rotation.Target {
	targets, err := w.outside.Connect(e)
	w.must(err)
	watched := watched{w, e.Directory, e.Keys}
	e.Directory, e.Keys, e.Verifier = watched, watched, verifying{w, e.Verifier}
	for word, target := range targets {
		targets[word] = w.witnessed(word, target)
	}
	return targets
}

func (w *world) register(app *registration) {
	if w.outside != nil {
		w.outside.Tenant.Register(app.appID, app.objectID, app.display)
	}
}

// lose makes Graph answer 404 for the application for a while.
func (w *world) lose(app *registration, span time.Duration) {
	app.goneUntil = time.Now().Add(span)
	if w.outside == nil {
		return
	}
	w.outside.Tenant.Lose(app.appID)
	w.later(span, func() {
		if !time.Now().Before(app.goneUntil) {
			w.bringBack(app)
		}
	})
}

// bringBack restores the application, if it is lost.
func (w *world) bringBack(app *registration) {
	if w.outside != nil && !app.goneUntil.IsZero() {
		w.register(app)
	}
	app.goneUntil = time.Time{}
}

// makeByHand adds a credential of somebody else's.
func (w *world) makeByHand(app *registration, kind rotation.Kind, shown engine.DirectoryCredential) *credential {
	if w.outside == nil {
		return w.directory.make(app, kind, shown)
	}
	keyID := w.outside.Tenant.Add(app.appID, kind, shown.End)
	for _, found := range w.outside.Tenant.Credentials(app.appID, kind) {
		if found.KeyID == keyID {
			return w.directory.notice(app, kind, found)
		}
	}
	return w.directory.make(app, kind, shown) // while the application is lost
}

// takeAway removes a credential as a person does.
func (w *world) takeAway(app *registration, c *credential) {
	c.gone, c.by = time.Now(), byPerson
	if w.outside != nil {
		w.outside.Tenant.Remove(app.appID, c.KeyID)
	}
}

func (w *world) wordsOf(kind rotation.Kind) []string {
	if w.outside == nil {
		return integrationWords()
	}
	return w.outside.Places.Words(kind)
}

// realPlace makes a place where a real integration delivers to.
func (w *world) realPlace(app *registration, word string, kind rotation.Kind) json.RawMessage {
	settings := w.outside.Places.Make(word, kind, app.appID, w.made)
	w.place(string(settings)).word = word
	return settings
}

// copies are the staged ones, in their order.
func (w *world) copies() (names []copyName) {
	if w.outside == nil {
		return w.vault.names()
	}
	for _, kind := range rotation.Kinds() {
		all := w.outside.Copies.Names(kind)
		slices.Sort(all)
		for _, name := range all {
			names = append(names, copyName{kind, name})
		}
	}
	return names
}

func (w *world) hasCopy(name copyName) bool {
	if w.outside == nil {
		_, ok := w.vault.copies[name]
		return ok
	}
	return slices.Contains(w.copies(), name)
}

func (w *world) deleteCopyOf(name copyName) {
	if w.outside == nil {
		delete(w.vault.copies, name)
		return
	}
	w.outside.Copies.Delete(name.kind, name.name)
}

// is reports whether a credential that is delivered is this one.
func (c *credential) is(given rotation.Credential) bool {
	if c.kind == rotation.Certificate {
		return true // its key id was given by rekey, and Entra ID proved that they belong together
	}
	sum := sha256.Sum256([]byte(given.Value.Reveal()))
	return hex.EncodeToString(sum[:]) == c.sum
}

// says reports whether a text holds the value of a secret that Entra ID made.
func (w *world) says(words string) bool {
	return slices.ContainsFunc(w.values, func(value string) bool { return strings.Contains(words, value) })
}
