package inventory_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// graph is a directory of pages that a test has written beforehand.
type graph struct {
	pages  map[string]func() (inventory.Changes, error)
	owners map[string][]inventory.Owner
	asked  []string // the links
}

func (g *graph) Changes(_ context.Context, link string) (inventory.Changes, error) {
	g.asked = append(g.asked, link)
	if page, ok := g.pages[link]; ok {
		return page()
	}
	return inventory.Changes{Next: link, Last: true}, nil
}

func (g *graph) Owners(_ context.Context, ids []string) (map[string][]inventory.Owner, error) {
	found := map[string][]inventory.Owner{}
	for _, id := range ids {
		found[id] = g.owners[id]
	}
	return found, nil
}

func (g *graph) page(link, next string, last bool, changes ...inventory.Change) {
	g.pages[link] = func() (inventory.Changes, error) {
		return inventory.Changes{Changes: changes, Next: next, Last: last}, nil
	}
}

// world is an inventory over a store in memory.
type world struct {
	*inventory.Inventory
	graph   *graph
	now     time.Time
	managed []string // client ids
}

func newWorld() *world {
	w := &world{graph: &graph{pages: map[string]func() (inventory.Changes, error){}, owners: map[string][]inventory.Owner{}}, now: now}
	w.Inventory = &inventory.Inventory{
		Store: &memory.Store{}, Directory: w.graph, Known: w, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
	}
	return w
}

func (w *world) Ours(_ context.Context, appID string, credentials []engine.DirectoryCredential) (bool, []string, error) {
	var ours []string
	for _, c := range credentials {
		if c.DisplayName == "rekey/test/1.1" {
			ours = append(ours, c.KeyID)
		}
	}
	return slices.Contains(w.managed, appID), ours, nil
}

func (w *world) refresh(t *testing.T) {
	t.Helper()
	done, err := w.Refresh(t.Context(), w.now.Add(time.Hour))
	require.NoError(t, err)
	require.True(t, done)
}

// id is the n-th id, spread over the shards.
func id(n int) string {
	return fmt.Sprintf("%x%07x-0000-4000-8000-000000000000", n%16, n)
}

func appID(n int) string { return fmt.Sprintf("%x%07x-aaaa-4000-8000-000000000000", n%16, n) }

func keyID(n int) string { return fmt.Sprintf("%08x-bbbb-4000-8000-000000000000", n) }

// app is the n-th application with secrets that end after so long.
func app(n int, ends ...time.Duration) inventory.Change {
	secrets := []inventory.Credential{}
	for m, end := range ends {
		secrets = append(secrets, inventory.Credential{
			Kind: rotation.Secret, KeyID: keyID(100*n + m), Name: "by hand", Start: now.Add(-365 * day), End: now.Add(end),
		})
	}
	return inventory.Change{ObjectID: id(n), AppID: new(appID(n)), Name: new(fmt.Sprintf("App %d", n)), Secrets: &secrets, Certificates: &[]inventory.Credential{}}
}

func (w *world) ending(t *testing.T, in time.Duration) (keyIDs []string) {
	t.Helper()
	for found, err := range w.Ending(t.Context(), inventory.Window{From: w.now, To: w.now.Add(in)}) {
		require.NoError(t, err)
		keyIDs = append(keyIDs, found.KeyID)
	}
	return keyIDs
}

func TestWhatEndsSoonComesInOrder(t *testing.T) {
	w := newWorld()
	var changes []inventory.Change
	for n := range 300 { // over the turn of the year, and over several pages
		changes = append(changes, app(n, time.Duration(300-n)*6*time.Hour, -day, 700*day))
	}
	w.graph.page("", "delta", true, changes...)
	w.refresh(t)
	var want []string
	for n := 299; n >= 300-4*60+1; n-- {
		want = append(want, keyID(100*n))
	}
	assert.Equal(t, want, w.ending(t, 60*day))
	assert.Empty(t, w.ending(t, time.Hour))
}
