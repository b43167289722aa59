package simulation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// credential is one credential that ever was in Entra ID, and the truth about it.
type credential struct {
	engine.DirectoryCredential
	app   *registration
	kind  rotation.Kind
	name  string // short, for the history
	value string // sentinel
	sum   string // where outside is real: the digest of what a place holds of it
	ours  bool   // rekey made it
	born  time.Time
	gone  time.Time // zero while it exists
	by    string    // who removed it
	known [replicas]time.Duration

	proven  bool      // enough tokens in a row were issued to one invocation
	adopted time.Time // when it was handed over to rekey
	used    bool      // some place came to hold it
}

// Who removes credentials. Of two writes at once, Graph loses one.
const (
	byRekey  = "rekey"
	byPerson = "a person"
	byRace   = "a race"
)

func (c *credential) String() string { return c.name }

func (c *credential) exists() bool { return c.gone.IsZero() }

// works reports whether somebody who holds the credential can still use it.
func (c *credential) works() bool { return c.exists() && time.Now().Before(c.End) }

// at reports whether the credential was there at a time.
func (c *credential) at(t time.Time) bool {
	return !c.born.After(t) && (c.gone.IsZero() || c.gone.After(t))
}

// replicas is how many copies of Entra ID answer, each some time behind.
const replicas = 3

// registration is one application in Entra ID.
type registration struct {
	appID, objectID, display string
	credentials              []*credential
	writes                   []span // of rekey, on their way
	goneUntil                time.Time
}

type span struct {
	from, to time.Time
	by       *invocation
}

func (r *registration) existing(kind rotation.Kind, at time.Time) (all []*credential) {
	for _, c := range r.credentials {
		if c.kind == kind && c.at(at) {
			all = append(all, c)
		}
	}
	return all
}

func (r *registration) byKeyID(keyID string) *credential {
	for _, c := range slices.Backward(r.credentials) {
		if c.KeyID == keyID {
			return c
		}
	}
	return nil
}

// directory is Microsoft Graph and Entra ID's token endpoint.
type directory struct {
	w    *world
	apps []*registration
}

var (
	_ engine.Directory = (*directory)(nil)
	_ engine.Keys      = (*directory)(nil)
	_ engine.Verifier  = (*directory)(nil)
)

func (d *directory) app(appID string) *registration {
	i := slices.IndexFunc(d.apps, func(r *registration) bool { return r.appID == appID || r.objectID == appID })
	return d.apps[i]
}

// mostBehind is how far a read of Graph may lag.
const mostBehind = 20 * time.Second

// Application implements engine.Directory. Now and then a replica answers that is behind.
func (d *directory) Application(ctx context.Context, appID string, kind rotation.Kind) (engine.DirectoryApplication, error) {
	return effect(ctx, d.w, "graph read", func() (engine.DirectoryApplication, error) {
		app, asOf := d.app(appID), time.Now()
		if time.Now().Before(app.goneUntil) {
			return engine.DirectoryApplication{}, &rotation.Fault{Class: rotation.NotFound, Err: fmt.Errorf("graph: no application %q", appID)}
		}
		if d.w.oneIn(d.w.weather.old) {
			asOf = asOf.Add(-d.w.between(0, mostBehind))
			d.w.coverage.met("graph read", Old)
		}
		found := engine.DirectoryApplication{ObjectID: app.objectID, AppID: app.appID, Name: app.display}
		for _, c := range app.existing(kind, asOf) {
			shown := c.DirectoryCredential
			shown.Value = secret.Value{}
			found.Credentials = append(found.Credentials, shown)
		}
		if inv := invocationOf(ctx); inv != nil {
			inv.read.take(found)
		}
		return found, nil
	})
}

// AddPassword implements engine.Directory.
func (d *directory) AddPassword(ctx context.Context, objectID, name string, end time.Time) (engine.DirectoryCredential, error) {
	inv, app, sent := invocationOf(ctx), d.app(objectID), time.Now()
	return effect(ctx, d.w, "graph addPassword", func() (engine.DirectoryCredential, error) {
		raced := d.write(app, inv, sent)
		c := d.make(app, rotation.Secret, engine.DirectoryCredential{DisplayName: name, End: end})
		c.ours = true
		if raced && d.w.oneIn(2) { // Graph answers success all the same
			c.gone, c.by = c.born, byRace
		}
		d.w.tell("Entra ID has %s (%s)", c, name)
		return c.DirectoryCredential, nil
	})
}

// write is told of one write to an application, and reports whether another was on
// its way at the same time. It is for the lease to keep that from happening.
func (d *directory) write(app *registration, inv *invocation, sent time.Time) (raced bool) {
	now := time.Now()
	for _, other := range app.writes {
		if other.by != inv && other.to.After(sent) && other.from.Before(now) {
			raced = true
			d.w.promises.raced(app, inv, other.by)
		}
	}
	app.writes = append(app.writes, span{sent, now, inv})
	app.writes = app.writes[max(0, len(app.writes)-8):]
	return raced
}

// make brings a credential into being, with a value that no text may have.
func (d *directory) make(app *registration, kind rotation.Kind, shown engine.DirectoryCredential) *credential {
	d.w.made++
	now := time.Now()
	shown.KeyID = cmp.Or(shown.KeyID, fmt.Sprintf("00000000-0000-4000-8000-%012d", d.w.made))
	if shown.Start.IsZero() {
		shown.Start = now
	}
	c := &credential{DirectoryCredential: shown, app: app, kind: kind, born: now, name: fmt.Sprintf("%s-%d", kind, d.w.made)}
	if kind == rotation.Secret {
		c.value = fmt.Sprintf("%s%d~", sentinel, d.w.made)
		c.Value = secret.New(c.value)
	}
	for i := range c.known {
		c.known[i] = d.w.weather.replication()
	}
	app.credentials = append(app.credentials, c)
	d.w.later(time.Until(c.End), func() { d.w.promises.ended(c) })
	return c
}

// RemovePassword implements engine.Directory.
func (d *directory) RemovePassword(ctx context.Context, objectID, keyID string) error {
	inv, app, sent := invocationOf(ctx), d.app(objectID), time.Now()
	_, err := effect(ctx, d.w, "graph removePassword", done(func() error {
		d.write(app, inv, sent)
		c := app.byKeyID(keyID)
		unknownYet := c != nil && time.Since(c.born) < mostBehind && d.w.oneIn(d.w.weather.old)
		if c == nil || !c.exists() || unknownYet {
			return &rotation.Fault{Class: rotation.NotFound, Err: fmt.Errorf("graph: no password %q", keyID)}
		}
		d.remove(c, inv)
		return nil
	}))
	return err
}

// remove is rekey's removal of a credential: whatever way it took.
func (d *directory) remove(c *credential, inv *invocation) {
	d.w.tell("Entra ID loses %s", c)
	c.by = byRekey
	d.w.promises.removed(c, inv)
	c.gone = time.Now()
	d.w.promises.ended(c)
}

// ReplaceKeys implements engine.Keys.
func (d *directory) ReplaceKeys(ctx context.Context, objectID string, keys []engine.DirectoryCredential) error {
	inv, app, sent := invocationOf(ctx), d.app(objectID), time.Now()
	_, err := effect(ctx, d.w, "graph replaceKeys", done(func() error {
		d.write(app, inv, sent)
		d.w.promises.replaced(inv, keys)
		for _, key := range keys {
			if c := app.byKeyID(key.KeyID); c == nil || !c.exists() {
				d.addKey(app, key)
			}
		}
		for _, c := range app.existing(rotation.Certificate, time.Now()) {
			if !slices.ContainsFunc(keys, func(k engine.DirectoryCredential) bool { return k.KeyID == c.KeyID }) {
				d.remove(c, inv)
			}
		}
		return nil
	}))
	return err
}

// addKey adds a certificate, or brings one back that was gone.
func (d *directory) addKey(app *registration, key engine.DirectoryCredential) {
	before := app.byKeyID(key.KeyID)
	c := d.make(app, rotation.Certificate, key)
	c.ours = before == nil || before.ours
	if before != nil {
		c.name, c.proven, c.adopted = before.name, before.proven, before.adopted
		d.w.promises.broughtBack(before)
	}
	d.w.tell("Entra ID has %s (%s)", c, key.DisplayName)
}

// Verify implements engine.Verifier: some replica answers.
func (d *directory) Verify(ctx context.Context, appID string, made rotation.Credential) (rotation.Verdict, error) {
	c := d.app(appID).byKeyID(made.KeyID)
	verdict, err := effect(ctx, d.w, "entra token", func() (rotation.Verdict, error) { return d.token(c, made), nil })
	inv := invocationOf(ctx)
	if inv.tokens++; err != nil || verdict.Kind != rotation.Accepted {
		inv.tokens = 0
	}
	if inv.tokens >= enoughTokens {
		c.proven = true
	}
	return verdict, err
}

func (d *directory) token(c *credential, made rotation.Credential) rotation.Verdict {
	switch {
	case c == nil || !c.works() || c.value != "" && c.value != made.Value.Reveal():
		return rotation.Verdict{Kind: rotation.NotYet, Reason: "unknown credential"}
	case time.Since(c.born) < pick(d.w.chance, c.known[:]):
		return rotation.Verdict{Kind: rotation.NotYet, Reason: "this replica does not know it yet"}
	}
	return rotation.Verdict{Kind: rotation.Accepted}
}
