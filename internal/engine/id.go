package engine

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

var zero time.Time

// newID returns an id for a message. Nothing depends on it: messages only wake.
func newID() string { return strings.ToLower(rand.Text()) }

// eventID derives a lifecycle event's id from what happened, so that a
// repetition has the same.
func eventID(r rotation.Rotation, what string) string {
	return fmt.Sprintf("%s.%d.%s", r.ID, r.Revision, what)
}
