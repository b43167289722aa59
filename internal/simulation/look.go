package simulation

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// look compares what is outside with what was known, and tells the promises what
// has changed. by is the invocation whose call, of this name, has just taken effect.
func (w *world) look(by *invocation, name string) {
	word, _, _ := strings.Cut(name, " ")
	w.lookAt(func(p *place) bool { return p.word == word })
	if word != "graph" {
		return
	}
	for _, app := range w.directory.apps {
		if !app.goneUntil.IsZero() {
			continue // it is lost, and comes back as it was
		}
		for _, kind := range rotation.Kinds() {
			w.directory.compare(app, kind, by)
		}
	}
}

// lookAgain sees what has changed by itself while time passed.
func (w *world) lookAgain() {
	if w.outside == nil {
		return
	}
	synctest.Wait() // what the services do at this moment, they do first
	w.lookAt((*place).working)
}

func (p *place) working() bool { return len(p.jobs) > 0 }

// compare finds what came and what went.
func (d *directory) compare(app *registration, kind rotation.Kind, by *invocation) {
	found := d.w.outside.Tenant.Credentials(app.appID, kind)
	for _, f := range found {
		before := app.byKeyID(f.KeyID)
		if before != nil && before.exists() {
			continue
		}
		c := d.notice(app, kind, f)
		c.ours = before == nil || before.ours
		if before != nil {
			c.name, c.proven, c.adopted = before.name, before.proven, before.adopted
			d.w.promises.broughtBack(before)
		}
		d.w.tell("Entra ID has %s (%s)", c, c.DisplayName)
	}
	for _, c := range app.existing(kind, time.Now()) {
		if !slices.ContainsFunc(found, func(f Found) bool { return f.KeyID == c.KeyID }) {
			d.remove(c, by)
		}
	}
}

// notice takes note of a credential that is there.
func (d *directory) notice(app *registration, kind rotation.Kind, found Found) *credential {
	c := d.make(app, kind, found.DirectoryCredential)
	c.sum = found.Digest
	return c
}

func (w *world) lookAt(those func(*place) bool) {
	for _, p := range w.places {
		if p.word != "" && those(p) {
			p.compare(w, w.outside.Places.Held(p.word, json.RawMessage(p.name)))
		}
	}
}

// compare takes note of what a place holds, and of what it will.
func (p *place) compare(w *world, held Held) {
	value, live := w.bySum(held.Written), w.bySum(held.Running)
	came := []*credential{}
	for _, c := range []*credential{value, live} {
		if c != nil && c != p.value && c != p.live && !slices.Contains(came, c) {
			came = append(came, c)
		}
	}
	p.value, p.live, p.jobs = value, live, nil
	for _, sum := range held.Coming {
		p.jobs = append(p.jobs, &job{gives: cmp.Or(w.bySum(sum), &credential{})})
	}
	for _, c := range came {
		w.tell("%s holds %s", p.name, c)
		c.used, p.took[c] = true, time.Now()
		w.promises.given(p, c)
	}
}

// bySum finds a credential of any application by its digest.
func (w *world) bySum(sum string) *credential {
	if sum == "" {
		return nil
	}
	for _, app := range w.directory.apps {
		for _, c := range slices.Backward(app.credentials) {
			if c.sum == sum {
				return c
			}
		}
	}
	return nil
}
