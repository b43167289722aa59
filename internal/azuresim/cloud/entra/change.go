package entra

import (
	"maps"
	"reflect"
	"slices"
	"sort"
	"time"
)

// entry is one write to an application, in the order of the writes.
type entry struct {
	sequence uint64
	objectID string
}

// writes is when an application was made and when each of its properties was written
// last, as sequence numbers.
type writes struct {
	made       uint64
	properties map[string]uint64
}

// record notes a write that is about to happen: what it changes, compared with the
// newest version. The lock is held.
func (d *Directory) record(objectID string, a *Application) {
	d.journal = append(d.journal, entry{d.sequence, objectID})
	var before Application
	versions := d.applications.histories[objectID]
	if versions != nil && versions.versions[len(versions.versions)-1].value != nil {
		before = *versions.versions[len(versions.versions)-1].value
	} else {
		d.written[objectID] = writes{made: d.sequence}
	}
	if a == nil || before.ObjectID == "" {
		return
	}
	written := map[string]uint64{} // a new one: changes that were told have the old one
	maps.Copy(written, d.written[objectID].properties)
	for name, changed := range map[string]bool{
		"displayName":         a.DisplayName != before.DisplayName,
		"description":         a.Description != before.Description,
		"notes":               a.Notes != before.Notes,
		"signInAudience":      a.SignInAudience != before.SignInAudience,
		"tags":                !slices.Equal(a.Tags, before.Tags),
		"identifierUris":      !slices.Equal(a.IdentifierURIs, before.IdentifierURIs),
		"passwordCredentials": !slices.Equal(a.Passwords, before.Passwords),
		"keyCredentials":      !reflect.DeepEqual(a.Keys, before.Keys),
	} {
		if changed {
			written[name] = d.sequence
		}
	}
	d.written[objectID] = writes{d.written[objectID].made, written}
}

// Change is an application that was written since a sequence number; Removed
// ones have their object id only.
type Change struct {
	Application
	Sequence uint64
	Removed  bool
	// Made is the sequence number of its creation, and Properties has those of the
	// last writes to each property. A change of its owners is no write to a property.
	Made       uint64
	Properties map[string]uint64
}

// Changes lists at most so many changes after a sequence number, in that order, as a
// replica sees it that lags. More says that there are others behind them. Sequence is
// the number to go on from. Zero begins with everything that exists.
func (d *Directory) Changes(after uint64, lag time.Duration, most int) (changes []Change, sequence uint64, more bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	sequence = after
	at := d.clock.Now().Add(-lag)
	first := sort.Search(len(d.journal), func(i int) bool { return d.journal[i].sequence > after })
	for _, e := range d.journal[first:] {
		v, _ := d.applications.histories[e.objectID].asOf(at)
		if v.sequence < e.sequence {
			break // this replica has not come so far
		}
		if len(changes) == most {
			return changes, sequence, true
		}
		sequence = e.sequence
		if v.sequence > e.sequence {
			continue // it comes later
		}
		w := d.written[e.objectID]
		change := Change{Sequence: e.sequence, Made: w.made, Properties: w.properties}
		if change.Removed = v.value == nil; change.Removed {
			change.ObjectID = e.objectID
		} else {
			change.Application = *v.value
		}
		if !change.Removed || after > 0 {
			changes = append(changes, change)
		}
	}
	return changes, sequence, false
}
