package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// record brings what is kept to what was found now, tells what is new, and returns
// the results with since when each finding is there.
func (d *Doctor) record(ctx context.Context, before []engine.KeptFinding, results []Result) ([]Result, error) {
	var errs []error
	for i := range results {
		for j := range results[i].Findings {
			f := &results[i].Findings[j]
			if f.Severity == rotation.SeverityUnknown {
				f.Since = results[i].CheckedAt
				continue
			}
			kept, err := d.keep(ctx, before, *f)
			*f = kept
			errs = append(errs, err)
		}
	}
	for _, old := range before {
		if isOver(old.Finding, results) {
			errs = append(errs, d.resolve(ctx, old.Finding, "it is no longer so"))
		}
	}
	return results, errors.Join(errs...)
}

// keep writes a finding unless it is there already. What is new, or has become graver,
// is told, and so is what nobody knows to have been told.
func (d *Doctor) keep(ctx context.Context, before []engine.KeptFinding, f rotation.Finding) (rotation.Finding, error) {
	k := engine.KeptFinding{Finding: f}
	i := slices.IndexFunc(before, func(old engine.KeptFinding) bool { return same(old.Finding, f) })
	isNew := i < 0 || graver(f.Severity, before[i].Severity)
	if i >= 0 {
		k.ETag = before[i].ETag
	}
	k.Since = d.Now()
	if !isNew {
		k.Since, k.Told = before[i].Since, before[i].Told
	}
	if isNew || k.Finding != before[i].Finding {
		etag, err := d.Pen.KeepFinding(ctx, k)
		if errors.Is(err, engine.ErrConflict) {
			return k.Finding, nil // somebody else found it at the same time, and tells it
		}
		if err != nil {
			return k.Finding, err
		}
		k.ETag = etag
	}
	if isNew {
		d.Pen.LogChange(ctx, line("finding", k.Finding))
	}
	return k.Finding, d.tell(ctx, k)
}

// tell tells a finding, and notes that.
func (d *Doctor) tell(ctx context.Context, k engine.KeptFinding) error {
	if k.Told {
		return nil
	}
	if d.Teller != nil {
		if err := d.Teller.Tell(ctx, k.Finding); err != nil {
			return fmt.Errorf("doctor: tell %q: %w", k.ID(), err)
		}
	}
	k.Told = true
	if _, err := d.Pen.KeepFinding(ctx, k); err != nil && !errors.Is(err, engine.ErrConflict) {
		return err
	}
	return nil
}

// resolve drops what is no longer so. Whoever drops it writes the line.
func (d *Doctor) resolve(ctx context.Context, f rotation.Finding, why string) error {
	err := d.Pen.DropFinding(ctx, f)
	if errors.Is(err, engine.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	resolved := line("resolved", f)
	resolved.Detail, resolved.Failure = fmt.Sprintf("%s: %s: %s", f.Check, why, f.Finding), false
	d.Pen.LogChange(ctx, resolved)
	return nil
}

func same(a, b rotation.Finding) bool {
	return a.Check == b.Check && a.AppID == b.AppID && a.Subject == b.Subject
}

// isOver reports whether an older finding was looked at and not found again. A check
// that could not be run has not looked: at the whole, or at the one subject it names.
func isOver(old rotation.Finding, results []Result) bool {
	if len(results) == 1 && results[0].Check == records && old.Check != records {
		return false // nothing else was looked at
	}
	for _, r := range results {
		if r.Check != old.Check {
			continue
		}
		for _, f := range r.Findings {
			if same(f, old) || f.Unable && (f.Subject == "" || f.Subject == old.Subject) {
				return false
			}
		}
	}
	return true
}

func line(what string, f rotation.Finding) rotation.LogEntry {
	detail := f.Check + ": " + f.Finding
	if f.Remedy != "" {
		detail += "; " + f.Remedy
	}
	entry := rotation.LogEntry{AppID: f.AppID, What: what, Detail: detail, Actor: "doctor", Failure: f.Severity == rotation.SeverityError}
	if f.Check == targetsCheck {
		entry.Target = f.Subject
	}
	return entry
}
