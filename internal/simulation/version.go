package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"maps"
	"strings"

	"github.com/rekey-dev/rekey/internal/engine"
)

// version is a version of the code. The newer one knows what the older does not: a
// property of every row, a field of every message and, for some rows, a schema of
// its own that the older has to leave alone.
type version struct {
	name  string
	newer bool
	// takesOver says that it writes rotations in the newer schema.
	takesOver bool
}

const (
	schemaProperty = "schema"
	newSchema      = int64(2)
	addedProperty  = "addedLater"
)

// marshal writes a message as this version does.
func (v *version) marshal(data any) ([]byte, error) {
	text, err := json.Marshal(data)
	if err != nil || !v.newer {
		return text, err
	}
	return append(bytes.TrimSuffix(text, []byte("}")), `,"addedLater":{"a":1}}`...), nil
}

// versioned is the store as one version sees it.
type versioned struct {
	engine.Store
	w       *world
	version *version
}

// Get implements engine.Store.
func (s versioned) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	row, err := s.Store.Get(ctx, key)
	return s.seen(row), err
}

// Query implements engine.Store.
func (s versioned) Query(ctx context.Context, within engine.Range) iter.Seq2[engine.Row, error] {
	return func(yield func(engine.Row, error) bool) {
		for row, err := range s.Store.Query(ctx, within) {
			if !yield(s.seen(row), err) {
				return
			}
		}
	}
}

// seen is a row as this version reads it: the newer one knows both schemas.
func (s versioned) seen(row engine.Row) engine.Row {
	if s.version.newer && row.Properties[schemaProperty] == newSchema {
		row.Properties = maps.Clone(row.Properties)
		row.Properties[schemaProperty] = int64(1)
	}
	return row
}

// Write implements engine.Store.
func (s versioned) Write(ctx context.Context, changes ...engine.Change) error {
	if s.version.newer {
		for i, change := range changes {
			changes[i].Properties = s.written(change)
		}
	}
	return s.Store.Write(ctx, changes...)
}

func (s versioned) written(change engine.Change) map[string]any {
	if change.Properties == nil {
		return nil
	}
	properties := maps.Clone(change.Properties)
	properties[addedProperty] = true
	if s.version.takesOver && isRotation(change.Key) {
		properties[schemaProperty] = newSchema
	}
	return properties
}

// isRotation reports whether a row is a rotation or a deployment.
func isRotation(key engine.Key) bool {
	return key.Table == engine.TableRotations && (strings.HasPrefix(key.Row, "secret.") || strings.HasPrefix(key.Row, "certificate."))
}
