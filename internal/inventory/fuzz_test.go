package inventory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/inventory"
)

// FuzzRows has every reader meet rows that somebody else wrote: they are errors or
// passed over, and nothing panics.
func FuzzRows(f *testing.F) {
	f.Add("app.1", id(1), "name", "App", int64(1))
	f.Add("app.1", id(1), "credentials0", `[{"kind":"secret","keyId":"x","end":"2026-11-21T12:00:00Z"}]`, int64(0))
	f.Add("app.1", id(1), "owners0", `[{`, int64(-1))
	f.Add("ends.2026", "2026-11-21T12:00:00.0000000Z|"+id(1)+"|x", "generation", "", int64(9))
	f.Add("ends.2026", "2026-11-21", "generation", "", int64(0))
	f.Add("owner.1", id(1)+"|", "generation", "", int64(0))
	f.Add("id.1", appID(1), "objectId", "a/b", int64(1))
	f.Add("sync", "state", "phase", "pruning", int64(1))
	f.Add("sync", "state", "partition", "app.9", int64(1))
	f.Add("sync", "state", "until", "soon", int64(1))
	f.Add("sync", "wanted", "at", "soon", int64(1<<62))
	f.Fuzz(func(t *testing.T, partition, row, property, text string, number int64) {
		w := newWorld()
		w.graph.page("", "delta", true, app(1, day))
		w.refresh(t)
		properties := map[string]any{"generation": number}
		if property != "" && property != "generation" {
			properties[property] = text
		}
		err := w.Store.Write(t.Context(), engine.Change{Op: engine.Put, Key: engine.Key{Table: engine.TableInventory, Partition: partition, Row: row}, Properties: properties})
		if err != nil {
			t.Skip("no row")
		}
		for _, q := range []inventory.Query{{}, {Owner: id(1)}, {Ends: inventory.Window{From: now, To: now.Add(9 * day)}}} {
			_, err := w.List(t.Context(), q, "", 10)
			readable(t, err)
		}
		_, err = w.Application(t.Context(), appID(1))
		if !errors.Is(err, inventory.ErrUnknown) {
			readable(t, err)
		}
		_, err = w.Status(t.Context())
		readable(t, err)
		_, err = w.Refresh(t.Context(), w.now.Add(time.Hour))
		readable(t, err)
	})
}

func readable(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		require.ErrorIs(t, err, engine.ErrUnreadable)
		assert.Contains(t, err.Error(), "inventory: row")
	}
}

// FuzzCursors gives List what a client may make up.
func FuzzCursors(f *testing.F) {
	f.Add("app.1 " + id(1))
	f.Add("ends.2026 2026")
	f.Add(" ")
	w := newWorld()
	w.graph.page("", "delta", true, app(1, day), app(2, day))
	f.Fuzz(func(t *testing.T, cursor string) {
		w.refresh(t)
		for _, q := range []inventory.Query{{}, {Owner: id(1)}, {Ends: inventory.Window{From: now, To: now.Add(9 * day)}}} {
			page, err := w.List(t.Context(), q, cursor, 10)
			if err != nil {
				assert.ErrorIs(t, err, inventory.ErrCursor)
			}
			assert.LessOrEqual(t, len(page.Items), 2)
		}
	})
}
