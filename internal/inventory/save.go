package inventory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// save writes what a page says. It may be called again with the same page, and with
// an older one that Graph tells again. It is not complete where a page tells only what
// changed of an application that there should have been a row of.
//
// The rows that lead to an application are written before it, and those that no
// longer do are deleted after it: see the package's promises. A full reading does not
// even look what was there: what it leaves behind has an older generation.
func (i *Inventory) save(ctx context.Context, s *state, changes []Change) (complete bool, err error) {
	ids := changed(changes)
	old, err := i.load(ctx, changed(slices.DeleteFunc(slices.Clone(changes), func(c Change) bool {
		return s.Phase == reading && (c.Removed || c.whole())
	})))
	if err != nil {
		return false, err
	}
	apps := i.merge(old, changes)
	known := len(apps)
	maps.DeleteFunc(apps, func(_ string, app Application) bool { return app.AppID == "" })
	if err := i.addOwners(ctx, apps); err != nil {
		return false, err
	}
	if err := i.writeApps(ctx, s.Generation, apps); err != nil {
		return false, err
	}
	return len(apps) == known, i.deleteAll(ctx, gone(old, apps, ids))
}

func (i *Inventory) writeApps(ctx context.Context, generation int64, apps map[string]Application) error {
	var pointers, rows []engine.Change
	for id, app := range apps {
		for _, k := range app.pointers() {
			pointers = append(pointers, put(k, map[string]any{"objectId": id, "generation": generation}))
		}
		rows = append(rows, put(appKey(id), encode(app, generation)))
	}
	if err := i.writeAll(ctx, pointers); err != nil {
		return err
	}
	return i.writeAll(ctx, rows)
}

func put(k engine.Key, properties map[string]any) engine.Change {
	return engine.Change{Op: engine.Put, Key: k, Properties: properties}
}

// changed names the applications that a page speaks of, each once.
func changed(changes []Change) (ids []string) {
	for _, c := range changes {
		ids = append(ids, c.ObjectID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// merge puts changes into applications, one after the other. What was removed is left
// out of what it returns.
func (i *Inventory) merge(old map[string]Application, changes []Change) map[string]Application {
	apps := map[string]Application{}
	for _, c := range changes {
		app, known := apps[c.ObjectID]
		if !known {
			app = old[c.ObjectID]
		}
		delete(apps, c.ObjectID)
		if !c.Removed {
			app = c.onto(app)
			app.ReadAt = i.Now()
			apps[c.ObjectID] = app
		}
	}
	return apps
}

// whole reports whether a change says everything.
func (c Change) whole() bool {
	return c.AppID != nil && c.Name != nil && c.Secrets != nil && c.Certificates != nil
}

// onto is the application after a change.
func (c Change) onto(app Application) Application {
	app.ObjectID = c.ObjectID
	if c.AppID != nil {
		app.AppID = *c.AppID
	}
	if c.Name != nil {
		app.Name = *c.Name
	}
	for kind, said := range map[rotation.Kind]*[]Credential{rotation.Secret: c.Secrets, rotation.Certificate: c.Certificates} {
		if said != nil {
			others := slices.DeleteFunc(slices.Clone(app.Credentials), func(c Credential) bool { return c.Kind == kind })
			app.Credentials = sorted(append(others, *said...))
		}
	}
	return app
}

// addOwners reads the owners of applications, twenty at a time. One that was removed
// since keeps those that are known: the next page says that it is gone.
func (i *Inventory) addOwners(ctx context.Context, apps map[string]Application) error {
	var mu sync.Mutex
	groups := slices.Collect(slices.Chunk(slices.Sorted(maps.Keys(apps)), MaxOwners))
	return side(ctx, groups, func(ctx context.Context, ids []string) error {
		found, err := i.Directory.Owners(ctx, ids)
		mu.Lock()
		defer mu.Unlock()
		for id, owners := range found {
			if app, ok := apps[id]; ok {
				app.Owners = owners
				apps[id] = app
			}
		}
		return err
	})
}

// gone returns the rows that were there and should no longer be.
func gone(old, apps map[string]Application, ids []string) (keys []engine.Key) {
	for _, id := range ids {
		app, exists := apps[id]
		now := app.pointers()
		for _, k := range old[id].pointers() {
			if !slices.Contains(now, k) {
				keys = append(keys, k)
			}
		}
		if !exists {
			keys = append(keys, appKey(id))
		}
	}
	return keys
}

// largestWrite is how much text goes into one write; the service takes 4 MiB, in
// which some of it is spelled longer.
const largestWrite = 1 << 20

// writeAll writes rows, those of one partition together.
func (i *Inventory) writeAll(ctx context.Context, changes []engine.Change) error {
	slices.SortFunc(changes, func(a, b engine.Change) int {
		return cmp.Or(strings.Compare(a.Partition, b.Partition), strings.Compare(a.Row, b.Row))
	})
	var batches [][]engine.Change
	size := 0
	for n, c := range changes {
		length := length(c)
		last := len(batches) - 1
		if n == 0 || c.Partition != changes[n-1].Partition || len(batches[last]) == engine.MaxChanges || size+length > largestWrite {
			batches, size, last = append(batches, nil), 0, last+1
		}
		batches[last] = append(batches[last], c)
		size += length
	}
	return side(ctx, batches, func(ctx context.Context, batch []engine.Change) error { return i.Store.Write(ctx, batch...) })
}

func length(c engine.Change) (n int) {
	for _, property := range c.Properties {
		if text, ok := property.(string); ok {
			n += len(text)
		}
	}
	return n
}

// deleteAll deletes rows that may be gone already, and so each alone.
func (i *Inventory) deleteAll(ctx context.Context, keys []engine.Key) error {
	return side(ctx, keys, func(ctx context.Context, k engine.Key) error {
		return i.Store.Write(ctx, engine.Change{Op: engine.Delete, Key: k})
	})
}
