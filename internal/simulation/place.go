package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// place is one place outside. What it holds is the truth that the rows have to be
// careful about.
type place struct {
	name    string
	word    string      // of its integration, where that is a real one
	value   *credential // what is written there
	live    *credential // what runs there, where that differs
	jobs    []*job      // begun there, in order
	granted time.Time   // when access was granted
	broken  bool        // it refuses everything until somebody repairs it
	since   time.Time   // since when a target's row points at it
	took    map[*credential]time.Time
}

// job is work that goes on by itself and changes the place when it ends.
type job struct {
	name  string
	gives *credential
	ended bool // or stopped
}

// holds reports whether the place has a credential, or will without anybody's doing.
func (p *place) holds(c *credential) bool {
	return p.value == c || p.live == c || slices.ContainsFunc(p.jobs, func(j *job) bool { return !j.ended && j.gives == c })
}

// idle reports whether nothing that was begun there still runs.
func (p *place) idle() bool {
	return !slices.ContainsFunc(p.jobs, func(j *job) bool { return !j.ended })
}

func (p *place) job(name string) *job {
	i := slices.IndexFunc(p.jobs, func(j *job) bool { return j.name == name })
	if i < 0 {
		return nil
	}
	return p.jobs[i]
}

// settings are those of every simulated integration.
type settings struct {
	Place string `json:"place"`
}

func placeOf(t rotation.TargetRow) string {
	var s settings
	_ = json.Unmarshal(t.Settings, &s)
	return cmp.Or(s.Place, string(t.Settings))
}

// inUseSince returns when the last of the places that are confirmed came to hold a
// credential. One that took it and could never say so is not waited for.
func (w *world) inUseSince(c *credential, view engine.View) (last time.Time) {
	for _, t := range view.Targets {
		d, _ := view.Deployment(t.ID)
		if p := w.place(placeOf(t)); d.State == rotation.DeploymentConfirmed && p.holds(c) {
			last = latest(last, p.took[c])
		}
	}
	return last
}

// place returns a place by its name; one that nobody has seen is made.
func (w *world) place(name string) *place {
	i := slices.IndexFunc(w.places, func(p *place) bool { return p.name == name })
	if i >= 0 {
		return w.places[i]
	}
	p := &place{name: name, took: map[*credential]time.Time{}}
	w.places = append(w.places, p)
	return p
}

// delivering is one delivery to one place, as an integration goes about it.
type delivering struct {
	w     *world
	word  string
	place *place
	rotation.Delivery
}

// do makes one call to the place.
func (d delivering) do(ctx context.Context, call string, act func() error) error {
	_, err := effect(ctx, d.w, d.word+" "+call, done(func() error {
		if d.place.broken {
			return rotation.Permanently("%s: place %q is broken; repair it", d.word, d.place.name)
		}
		return act()
	}))
	return err
}

// credential is what is delivered; nil where only the end of older work is asked for.
func (d delivering) credential() *credential {
	if d.Credential.KeyID == "" {
		return nil
	}
	c := d.w.directory.app(d.Application.AppID).byKeyID(d.Credential.KeyID)
	d.w.promises.delivered(d, c)
	return c
}

// take makes the place hold a credential.
func (d delivering) take(c *credential) { d.put(&d.place.value, c) }

// put puts a credential where the place uses it, if it is not there already.
func (d delivering) put(where **credential, c *credential) {
	if *where == c {
		return
	}
	*where = c
	d.w.tell("%s holds %s", d.place.name, c)
	c.used, d.place.took[c] = true, time.Now()
	d.w.promises.given(d.place, c)
}

// begin starts a job that ends by itself after a while.
func (d delivering) begin(name string, c *credential, takes time.Duration, atEnd func()) *job {
	j := &job{name: name, gives: c}
	d.place.jobs = append(d.place.jobs, j)
	d.w.later(takes, func() {
		if !j.ended {
			j.ended = true
			atEnd()
		}
	})
	return j
}

// deliverer is an integration: how it delivers to a place.
type deliverer struct {
	w    *world
	word string
	how  func(ctx context.Context, d delivering) (rotation.Outcome, error)
}

// Deploy implements rotation.Target.
func (i deliverer) Deploy(ctx context.Context, d rotation.Delivery) (rotation.Outcome, error) {
	return i.how(ctx, i.to(d))
}

func (i deliverer) to(d rotation.Delivery) delivering {
	return delivering{i.w, i.word, i.w.place(placeOf(d.Target)), d}
}

// targets are the integrations, each in the shape of a real one.
func (w *world) integrations() map[string]rotation.Target {
	return map[string]rotation.Target{
		"keyvault":      granter{deliverer{w, "keyvault", writeVersion}},
		"devops":        deliverer{w, "devops", editConnection},
		"vercel":        deliverer{w, "vercel", editAndRedeploy},
		"apiconnection": deliverer{w, "apiconnection", replaceConnection},
		"automation":    stopper{deliverer{w, "automation", runTask}},
	}
}

// integrationWords lists them in an order of their own.
func integrationWords() []string {
	return []string{"keyvault", "devops", "vercel", "apiconnection", "automation"}
}
