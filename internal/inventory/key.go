package inventory

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
)

// The partitions of the table:
//
//	app.<range>    object id              an application
//	id.<range>     client id              its object id
//	owner.<range>  owner|object id        what somebody owns
//	ends.<year>    end|object id|key id   a credential
//	sync           state                  the cursor and its lease
//	sync           wanted                 that somebody wants a full reading
//
// The range is where the first digit lies of the id that the row key begins with. To
// read the ranges in order is to read the rows in order. There are few, because a page
// of changes is written with one transaction for each, and a small tenant's are read
// one after the other; a partition takes 2,000 rows a second, which is more than one
// refresher writes. A year is a partition because what ends soon is then read from one
// or two of them, in order.
//
// https://learn.microsoft.com/azure/storage/tables/scalability-targets
const (
	partitionApp   = "app."
	partitionID    = "id."
	partitionOwner = "owner."
	partitionEnds  = "ends."
	partitionSync  = "sync"
	rowState       = "state"
	rowWanted      = "wanted"
	ranges         = "048c" // by their first digits
)

// Years before the first and after the last share a partition with it.
const firstYear, lastYear = 2000, 2100

// endTime is a time as it stands in row keys: with all that Graph gives, and so that
// texts sort as times do.
const endTime = "2006-01-02T15:04:05.0000000Z"

func key(partition, row string) engine.Key {
	return engine.Key{Table: engine.TableInventory, Partition: partition, Row: row}
}

// rangeOf is where an id lies, which is a GUID in lower case.
func rangeOf(id string) string {
	found := ranges[:1]
	for _, first := range ranges {
		if id >= string(first) {
			found = string(first)
		}
	}
	return found
}

func appKey(objectID string) engine.Key { return key(partitionApp+rangeOf(objectID), objectID) }

func idKey(appID string) engine.Key { return key(partitionID+rangeOf(appID), appID) }

func ownerKey(owner, objectID string) engine.Key {
	return key(partitionOwner+rangeOf(owner), owner+"|"+objectID)
}

func endKey(c Credential, objectID string) engine.Key {
	return key(yearOf(c.End), c.End.UTC().Format(endTime)+"|"+objectID+"|"+c.KeyID)
}

func yearOf(t time.Time) string {
	return fmt.Sprintf("%s%04d", partitionEnds, min(max(t.UTC().Year(), firstYear), lastYear))
}

// pointers returns the rows that lead to an application.
func (a Application) pointers() (keys []engine.Key) {
	if a.AppID != "" {
		keys = append(keys, idKey(a.AppID))
	}
	for _, owner := range a.Owners {
		keys = append(keys, ownerKey(owner.ID, a.ObjectID))
	}
	for _, c := range a.Credentials {
		if !c.End.IsZero() {
			keys = append(keys, endKey(c, a.ObjectID))
		}
	}
	return keys
}

// pointed takes the key of a row apart that leads to an application. What the row is
// for comes first in it: an end or an owner.
func pointed(row engine.Row) (by, objectID, keyID string, err error) {
	parts := strings.Split(row.Row, "|")
	switch {
	case strings.HasPrefix(row.Partition, partitionOwner) && len(parts) == 2:
		return parts[0], parts[1], "", nil
	case strings.HasPrefix(row.Partition, partitionEnds) && len(parts) == 3:
		return parts[0], parts[1], parts[2], nil
	}
	return "", "", "", fmt.Errorf("inventory: row %q of %q: %w", row.Row, row.Partition, engine.ErrUnreadable)
}
