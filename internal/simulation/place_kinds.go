package simulation

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// writeVersion is a vault: one call, and the value is in use.
func writeVersion(ctx context.Context, d delivering) (rotation.Outcome, error) {
	err := d.do(ctx, "set", func() error {
		if time.Since(d.place.granted) < d.w.weather.grantTakes {
			return denied("keyvault: the role has not taken effect")
		}
		d.take(d.credential())
		return nil
	})
	return rotation.Outcome{Confirmed: err == nil}, err
}

func denied(text string) error {
	return &rotation.Fault{Class: rotation.Denied, Err: errorText(text)}
}

type errorText string

func (e errorText) Error() string { return string(e) }

// granter is an integration that grants itself what it needs.
type granter struct{ deliverer }

var _ rotation.Preparer = granter{}

// Prepare implements rotation.Preparer.
func (g granter) Prepare(ctx context.Context, _ rotation.Application, t rotation.TargetRow) error {
	d := delivering{w: g.w, word: g.word, place: g.w.place(placeOf(t))}
	return d.do(ctx, "grant", func() error {
		if d.place.granted.IsZero() {
			d.place.granted = time.Now()
		}
		return nil
	})
}

// editConnection is a service connection: an edit, and then a proof, which Entra ID
// may not be ready for.
func editConnection(ctx context.Context, d delivering) (rotation.Outcome, error) {
	if d.Handle == "" {
		if err := d.do(ctx, "put", func() error { d.take(d.credential()); return nil }); err != nil {
			return rotation.Outcome{}, err
		}
	}
	proven := false
	err := d.do(ctx, "prove", func() error {
		proven = d.place.value == nil || time.Since(d.place.value.born) >= pick(d.w.chance, d.place.value.known[:])
		return nil
	})
	if err != nil || proven {
		return rotation.Outcome{Confirmed: err == nil}, err
	}
	return rotation.Outcome{Handle: "proof", After: 5 * time.Second, Waiting: "for Entra ID"}, nil
}

// replaceConnection is an API connection: it is replaced as a whole, and its status read.
func replaceConnection(ctx context.Context, d delivering) (rotation.Outcome, error) {
	if err := d.do(ctx, "put", func() error { d.take(d.credential()); return nil }); err != nil {
		return rotation.Outcome{}, err
	}
	err := d.do(ctx, "status", func() error { return nil })
	return rotation.Outcome{Confirmed: err == nil}, err
}

// editAndRedeploy is a variable and the deployment that takes it up. What runs is
// the deployment that became ready last, with the value that it began with.
func editAndRedeploy(ctx context.Context, d delivering) (rotation.Outcome, error) {
	if d.Handle != "" {
		return d.awaitDeployment(ctx)
	}
	if err := d.do(ctx, "edit", func() error { d.take(d.credential()); return nil }); err != nil {
		return rotation.Outcome{}, err
	}
	err := d.do(ctx, "redeploy", func() error {
		if value := d.place.value; d.place.job(d.Name) == nil {
			d.begin(d.Name, value, d.w.between(20*time.Second, 5*time.Minute), func() { d.put(&d.place.live, value) })
		}
		return nil
	})
	return rotation.Outcome{Handle: d.Name, After: 30 * time.Second, Waiting: "for the redeployment"}, err
}

func (d delivering) awaitDeployment(ctx context.Context) (rotation.Outcome, error) {
	ended := false
	err := d.do(ctx, "look", func() error {
		j := d.place.job(d.Handle)
		ended = j == nil || j.ended
		return nil
	})
	if err != nil || ended {
		return rotation.Outcome{Confirmed: err == nil}, err
	}
	return rotation.Outcome{Handle: d.Handle, After: 30 * time.Second, Waiting: "for the redeployment"}, nil
}

// runTask is a script that writes the value when it ends.
func runTask(ctx context.Context, d delivering) (rotation.Outcome, error) {
	ended := false
	err := d.do(ctx, "run", func() error {
		j := d.place.job(d.Name)
		if c := d.credential(); j == nil && c != nil {
			j = d.begin(d.Name, c, d.w.between(time.Minute, 20*time.Minute), func() { d.take(c) })
		}
		ended = j == nil || j.ended
		return nil
	})
	if err != nil || ended {
		return rotation.Outcome{Confirmed: err == nil}, err
	}
	return rotation.Outcome{Handle: d.Name, After: time.Minute, Waiting: "for the script"}, nil
}

// stopper is an integration that can stop what it began.
type stopper struct{ deliverer }

var _ rotation.Stopper = stopper{}

// Stop implements rotation.Stopper.
func (s stopper) Stop(ctx context.Context, older rotation.Delivery) error {
	d := s.to(older)
	return d.do(ctx, "stop", func() error {
		if j := d.place.job(d.Name); j != nil {
			j.ended = true
		}
		return nil
	})
}
