package rotation

import "time"

// A Due says when a credential is to be replaced and which term decided it.
type Due struct {
	At     time.Time
	Reason DueReason
}

// DueReason is the term that decided a Due.
type DueReason string

// The terms.
const (
	DueNoCredential DueReason = "noCredential" // nothing of ours is in use
	DueLifetime     DueReason = "lifetime"     // start + lifetime - threshold
	DueEnd          DueReason = "end"          // end - max(threshold, reserve)
	DueAgain        DueReason = "again"        // the last try failed and waits
)

// due returns when a credential with these times is to be replaced. Both terms
// agree unless something (a tenant's policy, whoever made an adopted credential)
// set an earlier end than the policy asks for.
func (p Policy) due(start, end time.Time) Due {
	byLifetime := start.Add(p.Lifetime - p.Threshold)
	byEnd := end.Add(-max(p.Threshold, p.Reserve()))
	if byEnd.Before(byLifetime.Add(-dueTolerance)) {
		return Due{byEnd, DueEnd}
	}
	return Due{earlier(byEnd, byLifetime), DueLifetime}
}

// dueTolerance is how far the terms may differ and still mean the same: Graph
// sets the start a moment after the end was asked for.
const dueTolerance = 5 * time.Second

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Due returns when the kind's current credential is to be replaced. A kind
// without one is due at once.
func (k KindState) Due(p Policy) Due {
	due := Due{Reason: DueNoCredential}
	if entry, ok := k.CurrentEntry(); ok {
		due = p.due(entry.Start, entry.End)
	}
	if k.RetryAt.After(due.At) {
		return Due{k.RetryAt, DueAgain}
	}
	return due
}

// shortLived is the lifetime up to which a near-expiry event starts nothing by
// itself: Key Vault sends it 30 days before the end, which would be too early,
// and for what lives shorter than that within minutes, which would never end.
const shortLived = 60 * day

// NearExpiryRotates reports whether a near-expiry event starts a rotation.
func (p Policy) NearExpiryRotates() bool {
	return p.OnNearExpiry == NearExpiryRotate || p.OnNearExpiry == NearExpiryByLifetime && p.Lifetime > shortLived
}
