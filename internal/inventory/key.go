package inventory

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
)

// The partitions of the table:
//
//	app.<digit>    object id              an application
//	id.<digit>     client id              its object id
//	owner.<digit>  owner|object id        what somebody owns
//	ends.<year>    end|object id|key id   a credential
//	sync           state                  the cursor and its lease
//	sync           wanted                 that somebody wants a full reading
//
// The digit is the first of the id that the row key begins with: sixteen partitions
// share the load, and to read them in order is to read the rows in order. A year is a
// partition because what ends soon is then read from one or two of them, in order.
const (
	partitionApp   = "app."
	partitionID    = "id."
	partitionOwner = "owner."
	partitionEnds  = "ends."
	partitionSync  = "sync"
	rowState       = "state"
	rowWanted      = "wanted"
	digits         = "0123456789abcdef"
)

// Years before the first and after the last share a partition with it.
const firstYear, lastYear = 2000, 2100

// endTime is a time as it stands in row keys: with all that Graph gives, and so that
// texts sort as times do.
const endTime = "2006-01-02T15:04:05.0000000Z"

func key(partition, row string) engine.Key {
	return engine.Key{Table: engine.TableInventory, Partition: partition, Row: row}
}

// digit is the first of an id, which is a GUID in lower case.
func digit(id string) string {
	if id == "" || !strings.Contains(digits, id[:1]) {
		return digits[:1] // no id of Graph's; it is found again all the same
	}
	return id[:1]
}

func appKey(objectID string) engine.Key { return key(partitionApp+digit(objectID), objectID) }

func idKey(appID string) engine.Key { return key(partitionID+digit(appID), appID) }

func ownerKey(owner, objectID string) engine.Key {
	return key(partitionOwner+digit(owner), owner+"|"+objectID)
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
