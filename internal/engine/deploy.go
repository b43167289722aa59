package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// delivery is one invocation that brings one target to one rotation.
type delivery struct {
	*Engine
	*loaded
	holder     string
	row        *rotation.WakeUp
	impl       rotation.Target
	target     rotation.TargetRow
	holding    rotation.Holding
	deployment rotation.Deployment
}

// Deploy moves one deployment on: it writes down that the target may hold the
// credential, makes sure that it is still the current one, hands it over, and
// records what came of it. Like Advance it may be called any number of times,
// and an error means that the store or the bus is out of reach.
func (e *Engine) Deploy(ctx context.Context, invocation string, impl rotation.Target, message rotation.Rotated) error {
	d := &delivery{Engine: e, holder: invocation, row: ownDeploymentRow(message), impl: impl}
	found, err := d.open(ctx, message)
	switch {
	case errors.Is(err, ErrUnknownApplication) || err == nil && !found:
		e.Log.InfoContext(ctx, "dropped a delivery: it is not known here", "rotation", message.Rotation.String(), "target", message.Target)
		return e.dropWakeUp(ctx, d.row, nil)
	case err != nil:
		return e.unlessLeftAlone(ctx, message.Rotation.AppID, err)
	}
	until, err := d.repeated(ctx, message)
	if err != nil {
		return e.unlessLeftAlone(ctx, message.Rotation.AppID, err)
	}
	return d.rest(ctx, until)
}

// repeated runs until no race is lost: somebody may change the target meanwhile,
// and the target's lease would stay taken until it runs out.
func (d *delivery) repeated(ctx context.Context, message rotation.Rotated) (until time.Time, err error) {
	for range mostConflicts {
		if until, err = d.run(ctx); !errors.Is(err, ErrConflict) {
			return until, err
		}
		if _, err = d.open(ctx, message); err != nil {
			return zero, err
		}
	}
	return d.Now().Add(d.waits().VerifyEvery), nil
}

func ownDeploymentRow(message rotation.Rotated) *rotation.WakeUp {
	if message.Row == nil {
		return nil
	}
	_, appID, what, err := parseWakeUp(message.Row.Row)
	if err != nil || appID != message.Rotation.AppID || what != deploymentWhat(message.Rotation, message.Target) {
		return nil
	}
	return message.Row
}

// open loads what the message names. A message without a row names nothing that
// we know.
func (d *delivery) open(ctx context.Context, message rotation.Rotated) (found bool, err error) {
	if d.loaded, err = d.load(ctx, message.Rotation.AppID, message.Rotation.Kind); err != nil {
		return false, err
	}
	d.deployment, found = d.Deployment(message.Target)
	if !found || d.deployment.Rotation != message.Rotation {
		d.deployment, found, err = d.readDeployment(ctx, message.Rotation, message.Target)
	}
	d.pick()
	return found, err
}

// pick finds the target and what it may hold among what was loaded.
func (d *delivery) pick() {
	d.target, d.holding = rotation.TargetRow{}, d.Holding(d.deployment.Target)
	i := slices.IndexFunc(d.Targets, func(t rotation.TargetRow) bool { return t.ID == d.deployment.Target })
	if i >= 0 {
		d.target = d.Targets[i]
	}
}

func (d *delivery) readDeployment(ctx context.Context, id rotation.ID, target string) (rotation.Deployment, bool, error) {
	row, err := d.Store.Get(ctx, partitionKey(id.AppID, deploymentRow(id, target)))
	if errors.Is(err, ErrNoRow) {
		return rotation.Deployment{}, false, nil
	}
	if err != nil {
		return rotation.Deployment{}, false, err
	}
	d.etags[row.Row] = row.ETag
	record, err := decodeAs[rotation.Deployment](row)
	if err == nil {
		err = checkOwner(row, id.AppID, record.Rotation.AppID)
	}
	return record, true, err
}

func (d *delivery) waits() rotation.Waits { return d.App.Policy(d.Kind).Waits }

func (d *delivery) isCurrent() bool {
	return d.Head.Kind(d.Kind).CurrentGeneration() == d.deployment.Rotation.Generation
}

// run does what can be done now. The zero time means that the deployment ended.
func (d *delivery) run(ctx context.Context) (time.Time, error) {
	now := d.Now()
	switch {
	case d.deployment.State.Ended() || !d.deployment.State.Known() || !d.Known():
		return zero, nil // what this version does not know is for rotate to look at again
	case d.target.ID == "":
		return zero, d.end(ctx, rotation.DeploymentSkipped, "deleted")
	case !d.target.Enabled && d.deployment.State == rotation.DeploymentPending:
		return zero, d.end(ctx, rotation.DeploymentSkipped, "disabled")
	case now.Before(d.deployment.NextAt):
		return d.deployment.NextAt, nil
	case d.holding.Lease.HeldAt(now) && d.holding.Lease.Holder != d.holder:
		return d.holding.Lease.Free, nil
	case d.deployment.Delivery < d.holding.Delivery:
		return zero, nil // the target changed: rotate makes a new delivery of it
	}
	if opens := d.Opens(d.target); opens.After(now) && d.deployment.Handle == "" && d.isCurrent() {
		return d.awaitWindow(ctx, opens)
	}
	d.deployment.Waiting = ""
	wasCurrent := d.isCurrent()
	if err := d.begin(ctx); err != nil {
		return zero, err
	}
	if until, err := d.settleOlder(ctx); err != nil || !until.IsZero() {
		return until, err
	}
	if d.isCurrent() {
		if err := d.stopEarlier(ctx); err != nil {
			return d.retry(ctx, fmt.Errorf("waiting for an earlier delivery to end: %w", err))
		}
		return d.handOver(ctx)
	}
	if wasCurrent && d.deployment.Attempts == 1 {
		d.holding.Remove(d.deployment.Rotation.Generation) // nothing was written yet
	}
	return d.settle(ctx, d.deployment)
}

// begin writes down, before anything is written to the target, that it may hold
// this generation from now on, takes the target's lease, and reads the head again.
func (d *delivery) begin(ctx context.Context) error {
	d.holding.Lease = d.lease(d.holder)
	if d.isCurrent() {
		d.holding.Add(d.deployment.Rotation.Generation)
		d.deployment.State = rotation.DeploymentRunning
		d.deployment.Attempts++
		if d.deployment.Begun == 0 {
			d.deployment.Begun = d.deployment.Delivery
		}
		d.deployment.UpdatedAt = d.Now()
	}
	b := d.batch().holding(d.holding)
	if d.isCurrent() {
		b.deployment(d.deployment)
	}
	if err := d.commit(ctx, b); err != nil {
		return err
	}
	if err := d.loadLive(ctx, d.loaded); err != nil {
		return err
	}
	d.pick()
	if d.holding.Lease.Holder != d.holder {
		return fmt.Errorf("target %q: %w", d.deployment.Target, ErrConflict)
	}
	return nil
}

// settleOlder ends what older generations began at this target, so that none of
// their writes can land after this one's.
func (d *delivery) settleOlder(ctx context.Context) (time.Time, error) {
	for _, generation := range d.olderGenerations() {
		id := d.deployment.Rotation
		id.Generation = generation
		older, found, err := d.readDeployment(ctx, id, d.deployment.Target)
		if err != nil {
			return zero, err
		}
		endedWell := older.State == rotation.DeploymentConfirmed && d.holding.Unknown // before the target was deleted
		if !found || endedWell || older.State.Ended() && older.Begun == 0 {
			continue
		}
		if !older.State.Known() {
			return d.retry(ctx, fmt.Errorf("generation %d is %q here, which this version does not know", generation, older.State))
		}
		if until, err := d.settle(ctx, older); err != nil || !until.IsZero() {
			return until, err
		}
	}
	return zero, nil
}

// farthestBack is how many generations a target may have missed whose work still goes on.
const farthestBack = 10

// olderGenerations are those that may still be at work at this target. One that was
// deleted and is there again has forgotten which, so the last ones are looked at.
func (d *delivery) olderGenerations() (older []int) {
	current := d.deployment.Rotation.Generation
	for _, generation := range d.holding.Generations {
		if generation < current && generation != d.holding.Confirmed {
			older = append(older, generation)
		}
	}
	for generation := max(1, current-farthestBack); d.holding.Unknown && generation < current; generation++ {
		if generation != d.holding.Confirmed && !slices.Contains(older, generation) {
			older = append(older, generation)
		}
	}
	return older
}

// settle ends one superseded deployment under the target's lease: what it left
// running is stopped, or asked about until it ended by itself.
func (d *delivery) settle(ctx context.Context, older rotation.Deployment) (time.Time, error) {
	if older.Handle != "" || d.mayHaveBegun(older) {
		after, err := d.stop(ctx, older)
		if err != nil {
			return d.retry(ctx, fmt.Errorf("waiting for generation %d to end: %w", older.Rotation.Generation, err))
		}
		if after > 0 {
			return d.waitFor(ctx, older.Handle, after, older)
		}
	}
	reason := "superseded"
	if older.State == rotation.DeploymentFailed {
		reason = short("superseded, after it had failed: " + older.Reason)
	}
	older.State, older.Reason, older.UpdatedAt, older.Handle, older.Begun = rotation.DeploymentSkipped, reason, d.Now(), "", 0
	b := d.batch().deployment(older)
	if older.Rotation == d.deployment.Rotation {
		d.holding.Lease = rotation.Lease{}
		b.holding(d.holding)
	}
	return zero, d.commit(ctx, b)
}

// mayHaveBegun reports whether a try that left no handle, because it crashed or its
// answer was lost, may have begun something that the target can stop.
func (d *delivery) mayHaveBegun(older rotation.Deployment) bool {
	_, ok := d.impl.(rotation.Stopper)
	return ok && older.Begun > 0
}

// stopEarlier stops what earlier deliveries of the same rotation began, which nobody
// asks about any more: it could end after a newer rotation's.
func (d *delivery) stopEarlier(ctx context.Context) error {
	x := &d.deployment
	stopper, ok := d.impl.(rotation.Stopper)
	if !ok || x.Begun == x.Delivery {
		x.Begun = x.Delivery
		return nil
	}
	call, cancel := d.withinLease(ctx)
	defer cancel()
	if err := d.stopAll(call, stopper, *x, x.Delivery-1); err != nil {
		return err
	}
	x.Begun = x.Delivery
	return nil
}

// stopAll stops a rotation's deliveries up to a number.
func (d *delivery) stopAll(ctx context.Context, stopper rotation.Stopper, x rotation.Deployment, last int) error {
	for n := max(1, x.Begun); n <= last; n++ {
		one := x
		if n < x.Delivery {
			one.Delivery, one.Handle, one.Steps = n, "", nil // those are the last delivery's
		}
		if err := stopper.Stop(ctx, d.asDelivery(one, rotation.Credential{Rotation: x.Rotation})); err != nil {
			return err
		}
	}
	return nil
}

// stop stops an older deployment's work, or says when to ask about it again.
func (d *delivery) stop(ctx context.Context, older rotation.Deployment) (time.Duration, error) {
	call, cancel := d.withinLease(ctx)
	defer cancel()
	if stopper, ok := d.impl.(rotation.Stopper); ok {
		return 0, d.stopAll(call, stopper, older, older.Delivery)
	}
	outcome, err := d.impl.Deploy(call, d.asDelivery(older, rotation.Credential{Rotation: older.Rotation}))
	if err != nil && rotation.ClassOf(err) != rotation.Permanent {
		return 0, err
	}
	return outcome.After, nil
}

// withinLease lets no call outlive the target's lease.
func (d *delivery) withinLease(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d.holding.Lease.Until.Sub(d.Now()))
}

func (d *delivery) asDelivery(x rotation.Deployment, c rotation.Credential) rotation.Delivery {
	return rotation.Delivery{
		Application: d.App, TenantID: d.Tenant, Target: d.target, Credential: c, Handle: x.Handle, Steps: x.Steps, Tries: x.Attempts,
		Name: deliveryName(x),
	}
}

func deliveryName(x rotation.Deployment) string {
	return fmt.Sprintf("rekey-%s-%s-%d", rotationRow(x.Rotation), x.Target, x.Delivery)
}

// rest ends an invocation: a deployment that ended wakes rotate, one that waits
// has its wake-up; then the served one goes.
func (d *delivery) rest(ctx context.Context, until time.Time) error {
	id, target := d.deployment.Rotation, d.deployment.Target
	if until.IsZero() {
		advance := rotation.Advance{AppID: id.AppID, Kind: id.Kind}
		if err := d.sendAdvance(ctx, advance, zero); err != nil {
			return err
		}
		return d.dropWakeUp(ctx, d.row, nil)
	}
	next, fresh, err := d.wakeAt(ctx, until, id.AppID, deploymentWhat(id, target))
	if err != nil {
		return err
	}
	if fresh && until.Sub(d.Now()) <= shortWait {
		if err := d.Bus.Send(ctx, d.rotatedMessage(d.deployment, &next, until)); err != nil {
			return err
		}
	}
	return d.dropWakeUp(ctx, d.row, &next)
}
