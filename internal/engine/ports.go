package engine

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Store keeps rows in tables. A partition is the unit of atomic change.
type Store interface {
	// Get returns one row, or ErrNoRow.
	Get(ctx context.Context, key Key) (Row, error)
	// Query returns rows of one partition in the order of their row keys. It
	// ends after the first error. It may be slow to see rows written meanwhile.
	Query(ctx context.Context, within Range) iter.Seq2[Row, error]
	// Write makes all the changes or none of them, and ErrConflict says that a
	// row was not as a change expects. All changes are in one partition of one
	// table, no row is named twice, and there are at most MaxChanges.
	Write(ctx context.Context, changes ...Change) error
}

// MaxChanges is how many rows one Write can change, from Table Storage:
// https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
const MaxChanges = 100

// What a Store says of a row. Both may come wrapped.
var (
	ErrNoRow    = errors.New("no such row")
	ErrConflict = errors.New("the row was changed meanwhile")
)

// Key names one row.
type Key struct{ Table, Partition, Row string }

// Row is one row. A property is a string, a bool, an int64 or a time.Time.
type Row struct {
	Key
	ETag       string
	Properties map[string]any
}

// Range names the rows of a partition with From <= row key < To. An empty To has
// no end. Limit, if not 0, ends the range after so many rows.
type Range struct {
	Table, Partition string
	From, To         string
	Limit            int
}

// Change is one change of one row.
type Change struct {
	Op Op
	Key
	ETag       string // Merge: the ETag that the row must have
	Properties map[string]any
	NewETag    *string // where Write puts the row's new ETag, or nil; Delete has none
}

// Op is what a Change does.
type Op int

// The operations.
const (
	Insert Op = iota // the row must not exist
	Merge            // the row must have the ETag; properties that are not named stay
	Put              // insert or merge, whatever is there
	Delete           // delete, whatever is there; a missing row is a conflict in a batch and success alone
)

// Bus sends messages. A message is sent at least once or an error is returned.
type Bus interface {
	Send(ctx context.Context, messages ...Message) error
}

// The entities of the bus.
const (
	QueueRequests  = "rotation-requests"
	TopicRotated   = "rotated"
	TopicLifecycle = "lifecycle" // what happened, for whoever wants to know
)

// Message is a CloudEvent on its way to an entity of the bus.
type Message struct {
	To          string // a queue or a topic
	Integration string // the application property that subscriptions filter on, or empty
	ID          string
	Type        string
	Subject     string
	Time        time.Time
	Data        any       // marshalled as JSON
	At          time.Time // not to be received before; zero is now
}

// Directory is Microsoft Graph, as far as it holds applications and their
// passwords. Callers hold the application's lease around writes. Errors are Faults.
type Directory interface {
	// Application reads an application afresh, with its credentials of one kind.
	Application(ctx context.Context, appID string, kind rotation.Kind) (DirectoryApplication, error)
	// AddPassword creates a password. It is never retried inside: whether a
	// failed call took effect is for the caller to find out.
	AddPassword(ctx context.Context, objectID, displayName string, end time.Time) (DirectoryCredential, error)
	// RemovePassword removes one password. NotFound says that Graph does not find
	// it: it is gone, or so new that a replica does not know it yet.
	RemovePassword(ctx context.Context, objectID, keyID string) error
}

// Keys is Microsoft Graph, as far as it holds applications' certificates. Callers
// hold the application's lease. Errors are Faults.
type Keys interface {
	// ReplaceKeys makes these the application's certificates, and no others: Graph
	// has no way to add one. Those that are there already are told by their key id.
	ReplaceKeys(ctx context.Context, objectID string, keys []DirectoryCredential) error
}

// DirectoryApplication is what Graph says of an application.
type DirectoryApplication struct {
	ObjectID, AppID, Name string
	Credentials           []DirectoryCredential // of the kind that was asked for
}

// DirectoryCredential is a credential of an application in Graph.
type DirectoryCredential struct {
	KeyID       string
	DisplayName string
	Start, End  time.Time
	Value       secret.Value // of a password: there once only, when it is made

	// Of a certificate. Usage and Identifier are what Graph says, to be sent back
	// as they came.
	Certificate []byte // the public part in DER
	Usage       string
	Identifier  []byte
}

// Verifier proves that a credential works, by asking Entra ID for a token.
type Verifier interface {
	Verify(ctx context.Context, appID string, c rotation.Credential) (rotation.Verdict, error)
}

// Stage keeps the only copy of a new credential's secret part that survives a
// crash, in a vault of our own. Its copies are told apart by kind and name, and
// Put takes the kind from the credential. Errors are Faults; a missing copy is
// NotFound.
type Stage interface {
	Put(ctx context.Context, name string, c rotation.Credential) error
	Get(ctx context.Context, kind rotation.Kind, name string) (rotation.Credential, error)
	Delete(ctx context.Context, kind rotation.Kind, name string) error
}

// A WritableStage can say beforehand whether Put will be allowed for a kind, so that
// no credential is created that could not be kept.
type WritableStage interface {
	Writable(ctx context.Context, kind rotation.Kind) error
}
