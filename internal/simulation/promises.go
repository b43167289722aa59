package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// promises are checked whenever something happens that could break one. They know
// the truth, and of the rows only what the people of this world could see.
type promises struct {
	w      *world
	broken string // the first that was broken
	// unpublished are the rotations in flight, by application and kind.
	unpublished map[string][]string
	states      map[string]string // of every rotation and deployment, by its row
	revocations []revocation
	owed        map[string]debt   // by what happened
	told        map[string]bool   // what lifecycle events told of
	latest      map[string]string // of each kind, the generation that was published last
}

// revocation is an emergency that was published.
type revocation struct {
	id  rotation.ID
	at  time.Time
	now bool // it also revokes at once
}

// sentinel begins every secret value, so that any text can be searched for it.
const sentinel = "~SENTINEL-"

// enoughTokens are those that prove a credential, by the policy of this world.
const enoughTokens = 3

// breaks records what was broken; the world ends.
func (p *promises) breaks(number int, format string, args ...any) {
	text := fmt.Sprintf("promise %d is broken: ", number) + fmt.Sprintf(format, args...)
	p.w.tell("%s", text)
	if p.broken == "" {
		p.broken = text
	}
}

// Promise 1.

// ended is told that a credential is gone or has reached its end: nobody may need it.
func (p *promises) ended(c *credential) {
	if c.by == byPerson || c.by == byRace || !c.gone.IsZero() && c.gone.Before(time.Now()) {
		return
	}
	for _, place := range p.w.places {
		if place.holds(c) && p.w.pointedAt(place, c.kind) && !p.excused(c, place) {
			p.breaks(1, "%s still holds %s, which %s; it lived from %s to %s, its replacement was asked for at %s, and the reserve is %s",
				place.name, c, c.fate(), p.w.clock(c.born), p.w.clock(c.End), p.w.clock(p.w.lastAsked(c.app.appID, c.kind, c.born)), p.w.policyOf(c.app.appID, c.kind).Reserve())
		}
	}
}

func (c *credential) fate() string {
	if c.by == byRekey {
		return "rekey removed"
	}
	return "reached its end"
}

// excused reports whether a credential may be gone although a place holds it.
func (p *promises) excused(c *credential, place *place) bool {
	if p.revoked(c) {
		return true
	}
	expired := !time.Now().Before(c.End)
	return expired && (!c.ours && c.adopted.IsZero() || p.askedInTime(c) || p.w.heldBack)
}

// revoked reports whether an emergency has ended the credential's overlap.
func (p *promises) revoked(c *credential) bool {
	for _, r := range p.revocations {
		after := r.at.Add(rotation.DefaultWaits().EmergencyCut - p.w.mostSkew() - decided)
		if r.now {
			after = r.at
		}
		if r.id.AppID == c.app.appID && r.id.Kind == c.kind && c.born.Before(r.at) && !time.Now().Before(after) {
			return true
		}
	}
	return false
}

// decided is how long before it is written an emergency's time may be taken.
const decided = time.Minute

// noOverlap reports whether an emergency has replaced a credential: it goes as soon
// as nobody holds it.
func (p *promises) noOverlap(c *credential) bool {
	return slices.ContainsFunc(p.revocations, func(r revocation) bool {
		return r.id.AppID == c.app.appID && r.id.Kind == c.kind && c.born.Before(r.at)
	})
}

// askedInTime reports whether a replacement was asked for early enough before the
// credential's end, give or take what an outage may cost.
func (p *promises) askedInTime(c *credential) bool {
	policy := p.w.policyOf(c.app.appID, c.kind)
	latest := c.End.Add(-policy.Reserve() + longestOutage + p.w.mostSkew())
	asked := p.w.lastAsked(c.app.appID, c.kind, c.born)
	return !asked.IsZero() && !asked.After(latest)
}

// given is told that a place came to hold a credential.
func (p *promises) given(place *place, c *credential) {
	if !p.w.pointedAt(place, c.kind) || c.works() || c.by == byPerson || c.by == byRace || p.excused(c, place) {
		return
	}
	p.breaks(1, "%s comes to hold %s, which %s", place.name, c, c.fate())
}

// delivered is told that an integration is about to write a credential.
func (p *promises) delivered(d delivering, c *credential) {
	switch {
	case c == nil:
		p.breaks(1, "%s is given a credential that never was in Entra ID", d.place.name)
	case !c.proven:
		p.breaks(1, "%s is given %s, for which Entra ID has not issued %d tokens in a row", d.place.name, c, enoughTokens)
	case d.w.outside == nil && c.value != "" && c.value != d.Credential.Value.Reveal(), d.w.outside != nil && !c.is(d.Credential):
		p.breaks(1, "%s is given the value of another credential than %s", d.place.name, c)
	}
}

// Promises 2 and 4.

// removed is told that rekey removes a credential, just before it is gone.
func (p *promises) removed(c *credential, inv *invocation) {
	if !c.ours && c.adopted.IsZero() {
		if !inv.read.missed(c) {
			p.breaks(4, "rekey removes %s, which is not its own", c)
		}
		c.by = byRace
		return
	}
	if !c.used && c.adopted.IsZero() || !time.Now().Before(c.End) || p.revoked(c) {
		return
	}
	p.retired(c, inv)
}

// retired judges an ordinary removal by the retiring rule, as it is in truth.
func (p *promises) retired(c *credential, inv *invocation) {
	view := p.w.view(c.app.appID, c.kind)
	current := c.app.byKeyID(view.Head.Kind(c.kind).Current)
	switch {
	case view.App.AppID == "": // somebody has just ended its management, and released every target
		return
	case current == c:
		p.breaks(2, "rekey removes %s, which is the current credential", c)
	case current == nil || !current.at(time.Now().Add(-mostBehind)) && !current.exists():
		p.breaks(2, "rekey removes %s while its replacement is not in Entra ID", c)
	case !current.used:
		p.breaks(2, "rekey removes %s although no target holds its replacement %s", c, current)
	case time.Since(p.w.inUseSince(current, view)) < view.Policy().Overlap-p.w.mostSkew() && !p.w.overlapChanged && !p.noOverlap(c):
		p.breaks(2, "rekey removes %s %s after its replacement %s came into use; the overlap is %s",
			c, time.Since(p.w.inUseSince(current, view)), current, view.Policy().Overlap)
	}
	for _, place := range p.w.places {
		if place.holds(c) && p.w.pointedAt(place, c.kind) && place.since.Before(inv.began) {
			p.breaks(2, "rekey removes %s, which %s still holds", c, place.name)
		}
	}
}

// broughtBack is told that a certificate which was removed is there again. What a
// person removed meanwhile, Graph gives no way to know; and what is still in the
// ledger is not known to be removed, and will be removed again.
func (p *promises) broughtBack(c *credential) {
	view := p.w.view(c.app.appID, c.kind)
	if c.by == byRekey && view.App.AppID != "" && view.Head.Kind(c.kind).ByKeyID(c.KeyID) == nil {
		p.breaks(4, "rekey brings %s back, which it had removed", c)
	}
}

// readings are what an invocation read of an application's certificates last.
type readings struct {
	at     time.Time
	keyIDs []string
}

// missed reports whether a credential is so new that the read did not show it: Graph
// has no way to write on condition.
func (r readings) missed(c *credential) bool {
	return !slices.Contains(r.keyIDs, c.KeyID) && c.born.After(r.at.Add(-mostBehind))
}

func (r *readings) take(app engine.DirectoryApplication) {
	r.at, r.keyIDs = time.Now(), nil
	for _, c := range app.Credentials {
		r.keyIDs = append(r.keyIDs, c.KeyID)
	}
}

// replaced is told which certificates rekey sends: every foreign one of its last
// read must be among them.
func (p *promises) replaced(inv *invocation, keys []engine.DirectoryCredential) {
	if inv == nil {
		return
	}
	for _, id := range inv.read.keyIDs {
		c := p.w.find(id)
		sent := slices.ContainsFunc(keys, func(k engine.DirectoryCredential) bool { return k.KeyID == id })
		if c != nil && !c.ours && c.adopted.IsZero() && !sent {
			p.breaks(4, "rekey read %s, which is not its own, and does not send it", c)
		}
	}
}

// raced is told that two writes to one application were on their way at once.
func (p *promises) raced(app *registration, one, other *invocation) {
	if p.w.mostSkew() < p.w.callTimeout() && other != nil && one != nil {
		p.breaks(2, "%s and %s write to %s at once", one.id, other.id, app.display)
	}
}

// Promise 5.

// written is told of changes that were made to rows.
func (p *promises) written(by *invocation, changes []engine.Change) {
	for _, change := range changes {
		if change.Table == engine.TableSchedule {
			p.w.firstDue = time.Time{}
		}
		if change.Op == engine.Delete {
			continue
		}
		p.leftAlone(by, change)
		for name, value := range change.Properties {
			if text, ok := value.(string); ok {
				p.silent("property "+name, text)
			}
		}
		if isRotation(change.Key) {
			p.moved(change)
		}
	}
}

// leftAlone checks that the older version writes no row of the newer schema.
func (p *promises) leftAlone(by *invocation, change engine.Change) {
	if by == nil || !isRotation(change.Key) {
		return
	}
	if by.process.version.takesOver {
		p.w.newer[change.Key] = true
	} else if p.w.newer[change.Key] {
		p.breaks(5, "%s writes %s, which is of a newer schema", by.id, change.Row)
	}
}

// moved follows a rotation or a deployment from state to state.
func (p *promises) moved(change engine.Change) {
	state, ok := change.Properties["state"].(string)
	if !ok {
		return
	}
	row := change.Partition + "/" + change.Row
	before := p.states[row]
	p.states[row] = state
	if before != state {
		p.w.tell("%s: %s -> %s", change.Row, before, state)
	}
	kind, generation, target := parts(change.Row)
	p.owe(change.Partition, kind, generation, target, state, before)
	if target != "" {
		p.w.coverage.deployment(before, state)
		return
	}
	p.w.coverage.rotation(before, state)
	if before != "" && before != state && !rotation.State(before).CanBecome(rotation.State(state)) {
		p.breaks(5, "%s goes from %s to %s", change.Row, before, state)
	}
	p.countUnpublished(change.Partition+"/"+kind, generation, rotation.State(state))
	p.notice(change, kind, generation, state, before)
}

func parts(row string) (kind, generation, target string) {
	split := strings.SplitN(row, ".", 3)
	if len(split) == 3 {
		target = split[2]
	}
	return split[0], split[1], target
}

func (p *promises) countUnpublished(of, generation string, state rotation.State) {
	open := slices.DeleteFunc(p.unpublished[of], func(g string) bool { return g == generation })
	if state.Unpublished() {
		open = append(open, generation)
	}
	p.unpublished[of] = open
	if len(open) > 1 {
		p.breaks(5, "%s has %d unpublished rotations", of, len(open))
	}
}

// notice remembers requests and emergencies, which other promises depend on.
func (p *promises) notice(change engine.Change, kind, generation, state, before string) {
	if before == "" {
		p.w.asked = append(p.w.asked, asked{change.Partition, rotation.Kind(kind), time.Now()})
	}
	if state == string(rotation.Published) && before != state && change.Properties["emergency"] == true {
		var n int
		_, _ = fmt.Sscan(strings.TrimLeft(generation, "0"), &n)
		id := rotation.ID{AppID: change.Partition, Kind: rotation.Kind(kind), Generation: n}
		p.revocations = append(p.revocations, revocation{id, time.Now(), change.Properties["revokeNow"] == true})
	}
}

// Promise 6.

// silent searches a text for secret values.
func (p *promises) silent(what string, text any) {
	var words string
	switch text := text.(type) {
	case string:
		words = text
	case error:
		words = text.Error()
	default:
		return
	}
	if strings.Contains(words, sentinel) || p.w.says(words) || strings.Contains(words, "PRIVATE KEY") {
		p.breaks(6, "%s holds a secret", what)
	}
}

// Promise 9.

// debt is what a lifecycle event has to tell of, at least once.
type debt struct {
	kind, target string // the kind is an application's
	generation   string
	since        time.Time
}

// owe remembers what has to be told. The end of a delivery that a newer rotation
// overtakes at the same time need not be.
func (p *promises) owe(appID, kind, generation, target, state, before string) {
	tells := map[string]rotation.EventType{string(rotation.Published): rotation.EventRotated, string(rotation.Failed): rotation.EventFailed}
	if target != "" {
		tells = map[string]rotation.EventType{
			string(rotation.DeploymentConfirmed): rotation.EventDeployed, string(rotation.DeploymentFailed): rotation.EventFailed,
		}
	}
	event, of := tells[state], appID+"."+kind
	if event == "" || before == state || target != "" && generation < p.latest[of] {
		return
	}
	if event == rotation.EventRotated {
		p.latest[of] = generation
		maps.DeleteFunc(p.owed, func(_ string, d debt) bool {
			return d.target != "" && d.kind == of && d.generation < generation && time.Since(d.since) < longInvocation
		})
	}
	p.owed[happening(event, of+"."+strings.TrimLeft(generation, "0"), target)] = debt{of, target, generation, time.Now()}
}

// longInvocation is how long after it has read the rows an invocation may write.
const longInvocation = 10 * time.Minute

// tell is given what a lifecycle event says.
func (p *promises) tell(event rotation.Event) {
	p.told[happening(event.Type, event.Rotation, event.Target)] = true
}

// everythingTold looks for what nobody was told of.
func (p *promises) everythingTold() {
	for _, what := range slices.Sorted(maps.Keys(p.owed)) {
		if !p.told[what] {
			p.breaks(9, "no lifecycle event tells of %s", what)
		}
	}
}

func happening(event rotation.EventType, of, target string) string {
	return fmt.Sprintf("%s of %s %s", event, of, target)
}
