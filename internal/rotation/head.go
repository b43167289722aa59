package rotation

import (
	"fmt"
	"slices"
	"time"
)

// Head is the one row that every decision about an application goes through: it
// changes by compare-and-swap only, together with the rotation that it speaks of.
type Head struct {
	AppID       string    `json:"appId"`
	Lease       Lease     `json:"lease"`
	Secret      KindState `json:"secret"`
	Certificate KindState `json:"certificate"`
	// Revision counts the changes, so that a writer can tell its own.
	Revision int `json:"revision"`
	// Outbox holds the lifecycle events that the last changes made and that are
	// not known to have been published.
	Outbox []Event `json:"outbox"`
}

// Kind returns the state of one kind, to be read or changed.
func (h *Head) Kind(kind Kind) *KindState {
	if kind == Certificate {
		return &h.Certificate
	}
	return &h.Secret
}

// Lease is the fence around writes to Microsoft Graph: Graph loses parallel
// writes to one application, and an invocation can outlive its message's lock.
type Lease struct {
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
	// Free is when somebody else may take an unreleased lease: later than Until
	// by the longest call, because every call's deadline lies before Until.
	Free time.Time `json:"free"`
}

// HeldAt reports whether the lease keeps others out.
func (l Lease) HeldAt(now time.Time) bool { return l.Holder != "" && now.Before(l.Free) }

// KindState is what the head knows of one kind.
type KindState struct {
	Generation int `json:"generation"` // the highest that was given out
	InFlight   int `json:"inFlight"`   // the unpublished generation, or 0
	// Current is the published credential's keyId. Generation 0 is an adopted one.
	Current string  `json:"current"`
	Ledger  []Entry `json:"ledger"`

	// RetryAt holds the schedule back after a failure.
	RetryAt time.Time `json:"retryAt"`
	// SchedulePaused is set by a rollback: the schedule would undo it.
	SchedulePaused bool `json:"schedulePaused"`
	// MissingSince is when a read of Graph first showed the current credential gone.
	MissingSince time.Time `json:"missingSince"`
	// Gone holds back what needs the application while Graph does not know it.
	Gone Absence `json:"gone"`

	// Of certificates, which Graph knows to replace only all at once: the key ids
	// that were last seen or sent, and a read that lacked some of what it should have.
	Seen  []string `json:"seen,omitempty"`
	Doubt Doubt    `json:"doubt"`
	// Removed are the key ids that were removed last: a slow replica may still show
	// them, and sending one back would bring it to life again.
	Removed []string `json:"removed,omitempty"`
}

// Absence is an application that Graph does not know.
type Absence struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"` // when to look again
}

// mostRemoved is far more removals than replicas lag behind.
const mostRemoved = 20

// Forget takes a credential that was removed out of the ledger.
func (k *KindState) Forget(keyID string) {
	k.Drop(func(e Entry) bool { return e.KeyID == keyID })
	k.Removed = append(slices.Clone(k.Removed), keyID)
	k.Removed = k.Removed[max(0, len(k.Removed)-mostRemoved):]
}

// Doubt is a read of Graph that a slow replica may have answered.
type Doubt struct {
	KeyIDs []string  `json:"keyIds,omitempty"`
	At     time.Time `json:"at"`
}

// Trust reports whether a list of certificates may be replaced on the strength of
// this read: it has every key that we know of, or a second one, some time later,
// says the same.
func (k *KindState) Trust(keyIDs []string, now time.Time, apart time.Duration) bool {
	keyIDs = slices.Sorted(slices.Values(keyIDs))
	agree := slices.Equal(keyIDs, k.Doubt.KeyIDs) && !k.Doubt.At.IsZero()
	switch {
	case k.knownIn(keyIDs), agree && !now.Before(k.Doubt.At.Add(apart)):
		k.Doubt = Doubt{}
		return true
	case !agree:
		k.Doubt = Doubt{keyIDs, now}
	}
	return false
}

// knownIn reports whether a read has every key that we know of.
func (k *KindState) knownIn(keyIDs []string) bool {
	for _, seen := range k.Seen {
		if !slices.Contains(keyIDs, seen) {
			return false
		}
	}
	return !slices.ContainsFunc(k.Ledger, func(e Entry) bool { return e.Resolved() && !slices.Contains(keyIDs, e.KeyID) })
}

// Entry is one credential that we made or were handed. We remove nothing that
// has no entry.
type Entry struct {
	Generation int    `json:"generation"`
	Attempt    int    `json:"attempt"`
	Marker     string `json:"marker"`
	KeyID      string `json:"keyId"` // empty: the attempt's outcome is unknown
	// Chosen is the keyId that a certificate is added under: ours to choose.
	Chosen    string    `json:"chosen,omitempty"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Staged    string    `json:"staged"` // the staged copy's name
	Published bool      `json:"published"`
	Retiring  bool      `json:"retiring"`
	At        time.Time `json:"at"` // when it was begun or adopted
	// Earlier are the generations that had this credential before a rollback
	// brought it back.
	Earlier []int `json:"earlier,omitempty"`
	// RevokeAt is set by an emergency: the credential has no overlap any more,
	// and from then on it goes whether or not a target still needs it.
	RevokeAt time.Time `json:"revokeAt"`

	// Before holds the keyIds that carried the marker before an unresolved attempt:
	// what is among them was not made by it. Looks counts the searches for it since.
	Before []string `json:"before,omitempty"`
	Looks  int      `json:"looks,omitempty"`
}

// Adopted reports whether the credential was handed over to us.
func (e Entry) Adopted() bool { return e.Generation == 0 }

// Resolved reports whether we know which credential this is.
func (e Entry) Resolved() bool { return e.KeyID != "" }

// Marker is the display name of the credential that an attempt makes: it says
// whose it is, so that a lost answer can be traced.
func Marker(installation string, generation, attempt int) string {
	return fmt.Sprintf("rekey/%s/%d.%d", installation, generation, attempt)
}

// ParseMarker reads what Marker wrote. What another installation wrote, or a
// person, is no marker of this one.
func ParseMarker(installation, marker string) (generation, attempt int, ok bool) {
	n, err := fmt.Sscanf(marker, "rekey/"+installation+"/%d.%d", &generation, &attempt)
	ok = err == nil && n == 2 && generation > 0 && attempt > 0 && marker == Marker(installation, generation, attempt)
	return generation, attempt, ok
}

// CurrentEntry returns the published credential.
func (k KindState) CurrentEntry() (Entry, bool) {
	if k.Current == "" {
		return Entry{}, false
	}
	i := slices.IndexFunc(k.Ledger, func(e Entry) bool { return e.KeyID == k.Current })
	if i < 0 {
		return Entry{}, false
	}
	return k.Ledger[i], true
}

// CurrentGeneration returns the generation of the published credential. It is 0
// where there is none or an adopted one: neither can be delivered.
func (k KindState) CurrentGeneration() int {
	e, _ := k.CurrentEntry()
	return e.Generation
}

// Attempt returns the entry of one attempt, to be changed in place, or nil.
func (k *KindState) Attempt(generation, attempt int) *Entry {
	for i := range k.Ledger {
		if e := &k.Ledger[i]; e.Generation == generation && e.Attempt == attempt {
			return e
		}
	}
	return nil
}

// ByKeyID returns the entry of one credential, to be changed in place, or nil.
func (k *KindState) ByKeyID(keyID string) *Entry {
	for i := range k.Ledger {
		if e := &k.Ledger[i]; e.KeyID == keyID {
			return e
		}
	}
	return nil
}

// Drop takes every entry for which gone reports true out of the ledger.
func (k *KindState) Drop(gone func(Entry) bool) {
	k.Ledger = slices.DeleteFunc(slices.Clone(k.Ledger), gone)
}
