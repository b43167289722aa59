package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// handOver gives the credential to the target and records what came of it.
func (d *delivery) handOver(ctx context.Context) (time.Time, error) {
	if d.holding.Prepared < d.deployment.Delivery {
		if err := d.prepare(ctx); err != nil {
			return d.failedTry(ctx, err)
		}
	}
	credential, err := d.staged(ctx)
	if err != nil {
		return d.failedTry(ctx, err)
	}
	call, cancel := d.withinLease(ctx)
	outcome, err := d.impl.Deploy(call, d.asDelivery(d.deployment, credential))
	cancel()
	if err == nil {
		err = storable(outcome)
	}
	d.deployment.Waiting = short(outcome.Waiting)
	if outcome.Steps != nil {
		d.deployment.Steps = shortened(outcome.Steps)
	}
	switch {
	case err != nil && rotation.ClassOf(err) == rotation.Denied:
		return d.denied(ctx, err)
	case err != nil:
		return d.failedTry(ctx, err)
	case !outcome.Confirmed:
		return d.waitFor(ctx, outcome.Handle, outcome.After, d.deployment)
	}
	return zero, d.confirm(ctx, outcome)
}

// storable refuses a handle that no row can hold: what a service calls its work may
// have any length, and an outcome that is not written down is made again and again.
func storable(o rotation.Outcome) error {
	if len(o.Handle) > longestText {
		return rotation.Permanently("what the target is to be asked about next has %d bytes; at most %d can be kept", len(o.Handle), longestText)
	}
	return nil
}

// longestSteps is less than one property can hold, in bytes of JSON.
const longestSteps = 30_000

// shortened keeps the reports of all steps together below what a row can hold.
func shortened(steps []rotation.StepReport) []rotation.StepReport {
	steps = slices.Clone(steps)
	for most := longestText; ; most /= 2 {
		for i := range steps {
			s := &steps[i]
			s.Name, s.Detail, s.Output = cut(s.Name, most), cut(s.Detail, most), cut(s.Output, most)
		}
		if text, _ := json.Marshal(steps); len(text) <= longestSteps || most == 0 { // texts have no error
			return steps
		}
	}
}

// prepare lets the target grant what deployment needs.
func (d *delivery) prepare(ctx context.Context) error {
	if preparer, ok := d.impl.(rotation.Preparer); ok {
		call, cancel := d.withinLease(ctx)
		defer cancel()
		if err := preparer.Prepare(call, d.App, d.target); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	d.holding.Prepared, d.holding.PreparedAt = d.deployment.Delivery, d.Now()
	return nil
}

// denied tries to grant what was refused, unless our last grant may still have to
// take effect. Where we grant nothing, a refusal is what it says.
func (d *delivery) denied(ctx context.Context, refusal error) (time.Time, error) {
	if _, grants := d.impl.(rotation.Preparer); !grants {
		return d.failedTry(ctx, refusal)
	}
	settled := d.holding.PreparedAt.Add(d.waits().GrantSettles)
	if !d.Now().Before(settled) {
		if err := d.prepare(ctx); err != nil {
			return d.failedTry(ctx, errors.Join(refusal, err))
		}
		settled = d.holding.PreparedAt.Add(d.waits().GrantSettles)
	}
	if d.Now().Before(settled) {
		return d.failedTry(ctx, &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("a grant may take up to 30 minutes to take effect: %w", refusal)})
	}
	return d.failedTry(ctx, refusal)
}

// staged reads the credential's secret part.
func (d *delivery) staged(ctx context.Context) (rotation.Credential, error) {
	entry, ok := d.Head.Kind(d.Kind).CurrentEntry()
	if !ok || entry.Staged == "" {
		return rotation.Credential{}, unstaged(errors.New("none was made"))
	}
	call, cancel := d.bounded(ctx)
	defer cancel()
	credential, err := d.Stage.Get(call, d.Kind, entry.Staged)
	credential.Rotation = d.deployment.Rotation // a rollback's was staged by an earlier one
	if err != nil && rotation.ClassOf(err) == rotation.NotFound {
		err = unstaged(err)
	}
	return credential, err
}

func unstaged(err error) error {
	return &rotation.Fault{
		Class: rotation.Permanent, Err: fmt.Errorf("the credential has no staged copy: %w", err),
		Remedy: "ask for a new rotation",
	}
}

// confirm records that the target uses the credential and holds no other.
func (d *delivery) confirm(ctx context.Context, outcome rotation.Outcome) error {
	now := d.Now()
	x := &d.deployment
	x.State, x.Reason, x.LastError, x.Handle, x.Waiting = rotation.DeploymentConfirmed, "", "", "", ""
	x.Begun = 0
	x.Receipt, x.ConfirmedAt, x.UpdatedAt, x.NextAt = short(outcome.Receipt), now, now, zero
	d.holding.Confirm(x.Rotation.Generation, x.Delivery)
	d.holding.Lease = rotation.Lease{}
	line := d.line("deployed", "in use at the target")
	if outcome.Receipt != "" {
		line.Detail += ", as " + outcome.Receipt
	}
	d.tellEnd(ctx)
	return d.commit(ctx, d.batch().holding(d.holding).deployment(*x).logged(line))
}

// waitFor records unfinished work, to be asked about again. Where it is an older
// generation's, this deployment waits for it.
func (d *delivery) waitFor(ctx context.Context, handle string, after time.Duration, whose rotation.Deployment) (time.Time, error) {
	now := d.Now()
	d.deployment.NextAt, d.deployment.UpdatedAt = now.Add(max(after, time.Second)), now
	d.deployment.FailingSince = zero
	if whose.Rotation == d.deployment.Rotation {
		d.deployment.Handle = handle
	}
	d.holding.Lease = rotation.Lease{}
	return d.deployment.NextAt, d.commit(ctx, d.batch().holding(d.holding).deployment(d.deployment))
}

// awaitWindow holds a deployment back that has not begun.
func (d *delivery) awaitWindow(ctx context.Context, opens time.Time) (time.Time, error) {
	x, words := &d.deployment, "waiting for the window until "+opens.UTC().Format(time.RFC3339)
	if x.Waiting == words {
		return opens, nil
	}
	x.Waiting, x.UpdatedAt = words, d.Now()
	return opens, d.commit(ctx, d.batch().deployment(*x).logged(d.line("waiting", words)))
}

// failedTry records an error: what will be refused again fails the deployment,
// everything else is tried again until its age ends it.
func (d *delivery) failedTry(ctx context.Context, err error) (time.Time, error) {
	switch rotation.ClassOf(err) {
	case rotation.Permanent, rotation.Denied, rotation.NotFound:
		return zero, d.fail(ctx, err.Error())
	case rotation.Transient, rotation.Throttled, rotation.Conflict:
	}
	d.Snapshot.Now = d.Now()
	if d.deployment.FailingSince.IsZero() {
		d.deployment.FailingSince = d.Snapshot.Now
	}
	if age := d.Failing(d.target, d.deployment); age >= d.waits().GiveUp {
		return zero, d.fail(ctx, fmt.Sprintf("given up after %s: %v", age.Round(time.Second), err))
	}
	return d.retry(ctx, err)
}

// retry puts the deployment back to pending for a while.
func (d *delivery) retry(ctx context.Context, err error) (time.Time, error) {
	now := d.Now()
	after := d.backoff(d.waits().RetryAfter, d.deployment.Attempts-1)
	if rotation.ClassOf(err) == rotation.Throttled {
		after = max(rotation.AfterOf(err), time.Second)
	}
	x := &d.deployment
	if x.Handle == "" {
		x.State = rotation.DeploymentPending
	}
	x.LastError, x.UpdatedAt, x.NextAt = short(err.Error()), now, now.Add(after)
	d.holding.Lease = rotation.Lease{}
	b := d.batch().holding(d.holding).deployment(*x).logged(d.line("retry", err.Error()))
	return x.NextAt, d.commit(ctx, b)
}

func (d *delivery) fail(ctx context.Context, reason string) error {
	reason = short(reason)
	d.deployment.LastError = reason
	d.holding.Lease = rotation.Lease{}
	return d.endWith(ctx, rotation.DeploymentFailed, reason, d.batch().holding(d.holding))
}

func (d *delivery) end(ctx context.Context, state rotation.DeploymentState, reason string) error {
	return d.endWith(ctx, state, reason, d.batch())
}

func (d *delivery) endWith(ctx context.Context, state rotation.DeploymentState, reason string, b *batch) error {
	x := &d.deployment
	x.State, x.Reason, x.Handle, x.NextAt, x.UpdatedAt, x.Waiting = state, reason, "", zero, d.Now(), ""
	line := d.line(string(state), reason)
	line.Failure = state == rotation.DeploymentFailed
	d.tellEnd(ctx)
	return d.commit(ctx, b.deployment(*x).logged(line))
}

func (d *delivery) line(what, detail string) rotation.LogEntry {
	return rotation.LogEntry{
		At: d.Now(), Kind: d.Kind, Rotation: d.deployment.Rotation.String(), Target: d.deployment.Target,
		What: what, Detail: detail, Actor: d.deployment.Integration, Correlation: d.deployment.Correlation,
	}
}
