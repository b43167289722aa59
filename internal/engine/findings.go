package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// The rows of findings: whom it concerns, the check and the subject, so that those of
// one application, or of a run of them, are one range. The others sort behind them.
const (
	scopeInstallation = "installation" // client ids are hexadecimal: it sorts behind all of them
	rowDoctor         = "~doctor"      // how far the doctor's round has come
	rowResolved       = "~resolved"    // when something was last resolved
)

// KeptFinding is a finding as the store has it.
type KeptFinding struct {
	rotation.Finding
	ETag string
}

// FindingsBetween returns what was found about the applications after one client id
// and up to another. No last one means all that follow.
func (e *Engine) FindingsBetween(ctx context.Context, after, upTo string) ([]KeptFinding, error) {
	within := Range{From: after, To: scopeInstallation}
	if after != "" {
		within.From += "~"
	}
	if upTo != "" {
		within.To = upTo + "~"
	}
	return e.findingsIn(ctx, within)
}

// FindingsOf returns what was found about one application, or about the installation
// if none is named.
func (e *Engine) FindingsOf(ctx context.Context, appID string) ([]KeptFinding, error) {
	scope := cmp.Or(appID, scopeInstallation)
	return e.findingsIn(ctx, Range{From: scope + "|", To: scope + "~"})
}

func (e *Engine) findingsIn(ctx context.Context, within Range) (kept []KeptFinding, err error) {
	within.Table, within.Partition = TableFindings, e.Tenant
	for row, err := range e.Store.Query(ctx, within) {
		if err != nil {
			return nil, fmt.Errorf("findings: %w", err)
		}
		f, err := decodeFinding(row)
		if err != nil {
			return nil, fmt.Errorf("findings: %w", err)
		}
		kept = append(kept, KeptFinding{f, row.ETag})
	}
	return kept, nil
}

// Findings returns what was found about applications, in their order, from the one
// after a given cursor. Next is empty after the last.
func (e *Engine) Findings(ctx context.Context, cursor string, limit int) (all []rotation.Finding, next string, err error) {
	within := Range{From: cursor, To: scopeInstallation, Limit: limit + 1}
	if cursor != "" {
		within.From += "\x20"
	}
	kept, err := e.findingsIn(ctx, within)
	if err != nil {
		return nil, "", err
	}
	if len(kept) > limit {
		kept = kept[:limit]
		next = findingRow(kept[limit-1].Finding)
	}
	for _, k := range kept {
		all = append(all, k.Finding)
	}
	return all, next, nil
}

// KeepFinding inserts a finding without an ETag, or replaces the one that has it, and
// returns its new ETag. ErrConflict says that somebody else was faster.
func (e *Engine) KeepFinding(ctx context.Context, k KeptFinding) (etag string, err error) {
	change := Change{Op: Insert, Key: e.findingKey(findingRow(k.Finding)), ETag: k.ETag, NewETag: &etag}
	if k.ETag != "" {
		change.Op = Merge
	}
	k.Finding.Finding, k.Remedy = short(k.Finding.Finding), short(k.Remedy)
	change.Properties = encode(k.Finding)
	if err := e.Store.Write(ctx, change); err != nil {
		return "", fmt.Errorf("finding %q: %w", change.Row, err)
	}
	return etag, nil
}

// DropFinding removes what is no longer so. Of several who do it at once one alone
// succeeds, and the others get ErrConflict.
func (e *Engine) DropFinding(ctx context.Context, f rotation.Finding) error {
	err := e.Store.Write(ctx,
		Change{Op: Delete, Key: e.findingKey(findingRow(f))},
		Change{Op: Put, Key: e.findingKey(rowResolved), Properties: map[string]any{"schema": int64(schema), "at": e.Now()}})
	if err != nil {
		return fmt.Errorf("finding %q: %w", findingRow(f), err)
	}
	return nil
}

// DoctorAt returns the client id of the application at which the doctor's round
// stopped, or nothing at its beginning.
func (e *Engine) DoctorAt(ctx context.Context) (appID string, err error) {
	row, err := e.Store.Get(ctx, e.findingKey(rowDoctor))
	if errors.Is(err, ErrNoRow) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the doctor's round: %w", err)
	}
	at, ok := row.Properties["at"].(string)
	if !ok || at >= scopeInstallation {
		return "", nil // somebody edited it: the round begins anew
	}
	return at, nil
}

// SetDoctorAt keeps how far the round has come.
func (e *Engine) SetDoctorAt(ctx context.Context, appID string) error {
	return e.Store.Write(ctx, Change{
		Op: Put, Key: e.findingKey(rowDoctor), Properties: map[string]any{"schema": int64(schema), "at": appID},
	})
}

func (e *Engine) findingKey(row string) Key { return Key{TableFindings, e.Tenant, row} }

func findingRow(f rotation.Finding) string {
	return strings.Join([]string{cmp.Or(f.AppID, scopeInstallation), f.Check, keySafe.Replace(f.Subject)}, "|")
}

// keySafe replaces what no key may hold:
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#characters-disallowed-in-key-fields
var keySafe = strings.NewReplacer("/", "|", `\`, "_", "#", "_", "?", "_")

// decodeFinding holds a row to its own key, and to what this code writes.
func decodeFinding(row Row) (rotation.Finding, error) {
	f, err := decodeAs[rotation.Finding](row)
	if err != nil {
		return f, err
	}
	if !slices.Contains([]rotation.Severity{rotation.SeverityError, rotation.SeverityWarning}, f.Severity) {
		return f, fmt.Errorf("row %q: %w: property \"severity\" is %q", row.Row, ErrUnreadable, f.Severity)
	}
	return f, checkName(row, findingRow(f))
}
