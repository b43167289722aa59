package doctor

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const targetsCheck = "targets"

// A Forewarner is an integration that can say beforehand what a delivery would do that
// a person may not expect.
type Forewarner interface {
	Forewarn(ctx context.Context, app rotation.Application, t rotation.TargetRow) (warning, remedy string, err error)
}

// targets asks each integration whether it could deliver.
func (d *Doctor) targets(ctx context.Context, app *Application) ([]rotation.Finding, error) {
	targets := app.Targets()
	found := make([][]rotation.Finding, len(targets))
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i, t := range targets {
		all.Go(func() error {
			found[i] = d.target(ctx, app.Application, t)
			return nil
		})
	}
	_ = all.Wait() // what went wrong is in the findings
	var findings []rotation.Finding
	for _, some := range found {
		findings = append(findings, some...)
	}
	return findings, nil
}

func (d *Doctor) target(ctx context.Context, app rotation.Application, t rotation.TargetRow) []rotation.Finding {
	checker, ok := d.Checkers[t.Integration]
	if !ok {
		return nil
	}
	if _, err := checker.Check(ctx, app, t); err != nil {
		return []rotation.Finding{d.judgeTarget(ctx, t, err)}
	}
	forewarner, ok := checker.(Forewarner)
	if !ok {
		return nil
	}
	warning, remedy, err := forewarner.Forewarn(ctx, app, t)
	if err != nil || warning == "" {
		return nil // whoever may not look is told by the check
	}
	return []rotation.Finding{{Subject: t.ID, Severity: rotation.SeverityWarning, Finding: warning, Remedy: remedy}}
}

// judgeTarget says what a refusal means: a delivery would be refused as well, unless
// it may pass.
func (d *Doctor) judgeTarget(ctx context.Context, t rotation.TargetRow, err error) rotation.Finding {
	fault, known := errors.AsType[*rotation.Fault](err)
	if !known || !lasts(fault.Class) || ctx.Err() != nil {
		unable := d.unable(ctx, targetsCheck, err)
		unable.Subject = t.ID
		return unable
	}
	f := rotation.Finding{Subject: t.ID, Severity: rotation.SeverityError, Remedy: fault.Remedy}
	f.Finding = fmt.Sprintf("the next delivery to the target %q would fail: %v", t.ID, fault.Err)
	if f.Remedy == "" {
		f.Remedy = "put right what it says, or delete the target"
	}
	return f
}
