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

// newKeyID returns a random GUID: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-4
func newKeyID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it cannot fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// eventID derives a lifecycle event's id from what happened, so that a
// repetition has the same.
func eventID(r rotation.Rotation, what string) string {
	return fmt.Sprintf("%s.%d.%s", r.ID, r.Revision, what)
}
