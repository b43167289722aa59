package vercel

import (
	"context"
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// write gives the variable the value and returns when that was, by Vercel's clock.
func (p place) write(ctx context.Context, value secret.Value) (edited int64, err error) {
	entries, err := p.client.listVariables(ctx, p.Project)
	if err != nil {
		return 0, err
	}
	plan, err := makePlan(entries, p.Variable, p.chosen(), p.Sensitive)
	if err != nil {
		return 0, err
	}
	return p.carryOut(ctx, plan, value)
}

func (p place) carryOut(ctx context.Context, plan plan, value secret.Value) (edited int64, err error) {
	for _, e := range plan.set {
		v, err := p.client.editVariable(ctx, p.Project, e.of, change{Value: new(value.Reveal()), Type: e.retyped})
		if err != nil {
			return 0, err
		}
		edited = max(edited, v.UpdatedAt)
	}
	for _, n := range plan.narrow {
		if err := p.narrow(ctx, n.of, n.rest); err != nil {
			return 0, err
		}
	}
	for _, e := range plan.create {
		v, err := p.create(ctx, e, value)
		if err != nil {
			return 0, p.putBack(ctx, plan, err)
		}
		edited = max(edited, v.UpdatedAt)
	}
	return edited, nil
}

// narrow leaves an entry with fewer environments. Its value is not named, so it stays.
func (p place) narrow(ctx context.Context, v variable, rest []string) error {
	targets, custom := split(rest)
	set := change{Target: &targets}
	if len(v.Custom) > 0 {
		set.Custom = &custom
		if custom == nil {
			set.Custom = &[]string{}
		}
	}
	_, err := p.client.editVariable(ctx, p.Project, v, set)
	if err != nil {
		return fmt.Errorf("take the chosen environments out of the entry that also covers others: %w", err)
	}
	return nil
}

func (p place) create(ctx context.Context, e entry, value secret.Value) (variable, error) {
	targets, custom := split(e.environments)
	return p.client.createVariable(ctx, p.Project, creation{
		Key: p.Variable, Value: value.Reveal(), Type: e.kind, Target: targets, Custom: custom, Comment: "Kept up to date by rekey",
	})
}

// putBack undoes the narrowing where the new entry was refused: the chosen
// environments would have no value at all. Where it is unknown whether there is a
// new entry, the next try sees.
func (p place) putBack(ctx context.Context, plan plan, refusal error) error {
	if !rotation.HadNoEffect(refusal) {
		return refusal
	}
	for _, n := range plan.narrow {
		if err := p.narrow(ctx, n.of, n.of.everywhere()); err != nil {
			return &rotation.Fault{
				Class: rotation.Transient,
				Err:   fmt.Errorf("%w; and env %q could not be put back in %q: %w", refusal, p.Variable, n.of.everywhere(), err),
			}
		}
	}
	return refusal
}
