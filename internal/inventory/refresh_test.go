package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestOnlyWhatChangedIsReadAgain(t *testing.T) {
	w := newWorld()
	w.graph.page("", "second", false, app(1, day), app(2, 2*day))
	w.graph.page("second", "delta 1", true, app(3, 3*day), app(1, day)) // it comes again
	w.refresh(t)
	assert.Equal(t, []string{keyID(100), keyID(200), keyID(300)}, w.ending(t, 30*day))

	renewed := app(2, 20*day)
	renewed.Name, renewed.AppID, renewed.Certificates = nil, nil, nil
	w.graph.page("delta 1", "delta 2", true, renewed, inventory.Change{ObjectID: id(3), Removed: true})
	w.graph.owners[id(2)] = []inventory.Owner{{ID: id(9), Name: "Ann"}}
	w.refresh(t)
	assert.Equal(t, []string{"", "second", "delta 1"}, w.graph.asked)
	assert.Equal(t, []string{keyID(100), keyID(200)}, w.ending(t, 30*day))
	found, err := w.Application(t.Context(), appID(2))
	require.NoError(t, err)
	assert.Equal(t, "App 2", found.Name, "what was not told has not changed")
	assert.Equal(t, []inventory.Owner{{ID: id(9), Name: "Ann"}}, found.Owners)
	assert.Equal(t, now.Add(20*day), found.Credentials[0].End)
	_, err = w.Application(t.Context(), appID(3))
	assert.ErrorIs(t, err, inventory.ErrUnknown)
	w.refresh(t)
	assert.Equal(t, "delta 2", w.graph.asked[3])
}

func TestWhatTheFullReadingDoesNotSeeIsRemoved(t *testing.T) {
	w := newWorld()
	w.graph.page("", "delta", true, app(1, 9*day), app(2, 9*day))
	w.refresh(t)
	w.now = w.now.Add(7 * day)
	w.graph.page("", "delta", true, app(2, 9*day))
	w.refresh(t)
	assert.Equal(t, []string{"", "delta", ""}[0], w.graph.asked[1], "a week later everything is read anew")
	assert.Equal(t, []string{keyID(200)}, w.ending(t, 30*day))
	page, err := w.List(t.Context(), inventory.Query{}, "", 100)
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
}

func TestGraphMayForgetWhereWeStand(t *testing.T) {
	w := newWorld()
	w.graph.page("", "delta", true, app(1, 9*day))
	w.refresh(t)
	w.graph.pages["delta"] = func() (inventory.Changes, error) {
		return inventory.Changes{}, &inventory.Restart{Link: "from here", Err: errors.New("gone")}
	}
	w.graph.page("from here", "delta 2", true, app(2, 9*day))
	w.refresh(t)
	assert.Equal(t, []string{"", "delta", "from here"}, w.graph.asked)
	assert.Equal(t, []string{keyID(200)}, w.ending(t, 30*day))
}

// An update of an application that nobody has heard of means that rows were lost.
func TestAChangeOfWhatIsNotThereReadsEverythingAnew(t *testing.T) {
	w := newWorld()
	w.graph.page("", "delta", true)
	w.refresh(t)
	partial := app(1, 9*day)
	partial.AppID = nil
	w.graph.page("delta", "delta 2", true, partial)
	w.graph.page("", "delta 3", true, app(1, 9*day))
	w.refresh(t)
	assert.Equal(t, []string{keyID(100)}, w.ending(t, 30*day))
}

func TestSomebodyCanWantAFullReading(t *testing.T) {
	w := newWorld()
	w.graph.page("", "delta", true, app(1, 9*day))
	w.refresh(t)
	require.NoError(t, w.Want(t.Context()))
	status, err := w.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, inventory.Status{Ended: now, Running: true}, status)
	w.refresh(t)
	w.refresh(t)
	assert.Equal(t, []string{"", "", "delta"}, w.graph.asked)
	status, err = w.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, inventory.Status{Ended: now}, status)
}

// dying is a store that ends the process after so many writes.
type dying struct {
	*memory.Store
	left atomic.Int64 // pages are written side by side
}

var errKilled = errors.New("killed")

func (d *dying) Write(ctx context.Context, changes ...engine.Change) error {
	if d.left.Add(-1) < 0 {
		return errKilled
	}
	return d.Store.Write(ctx, changes...)
}

// TestACrashCostsOnePage kills the refresher after every possible write, and lets
// another one go on.
func TestACrashCostsOnePage(t *testing.T) {
	completed := false
	for writes := 0; !completed; writes++ {
		w := newWorld()
		store := &dying{Store: &memory.Store{}}
		store.left.Store(1 << 30)
		w.Store = store
		w.graph.page("", "delta", true, app(1, day), app(2, 2*day))
		w.refresh(t)
		moved, gone := app(1, 5*day), inventory.Change{ObjectID: id(2), Removed: true}
		w.graph.page("delta", "middle", false, moved, app(3, 3*day))
		w.graph.page("middle", "delta 2", true, gone)
		w.graph.owners = map[string][]inventory.Owner{id(1): {{ID: id(8)}}}

		store.left.Store(int64(writes))
		_, err := w.Refresh(t.Context(), w.now.Add(time.Hour))
		completed = err == nil
		store.left.Store(1 << 30)
		w.now = w.now.Add(2 * time.Minute) // the lease of the dead one ends
		w.refresh(t)
		assert.Equal(t, []string{keyID(300), keyID(100)}, w.ending(t, 30*day), writes)
		assert.Equal(t, []string{appID(1)}, w.listed(t, inventory.Query{Owner: id(8)}), writes)
		assert.Equal(t, []string{appID(1), appID(3)}, w.listed(t, inventory.Query{}), writes)
		require.Less(t, writes, 100)
	}
}

func TestOneRefresherWorksAtATime(t *testing.T) {
	w := newWorld()
	w.graph.pages[""] = func() (inventory.Changes, error) {
		done, err := w.Refresh(t.Context(), w.now.Add(time.Hour))
		assert.False(t, done, "somebody is at it")
		return inventory.Changes{Next: "delta", Last: true}, err
	}
	w.refresh(t)
	assert.Equal(t, []string{""}, w.graph.asked)
}

// Who lost the lease, because it stood still for too long, writes no cursor any more.
func TestALostLeaseEndsTheWork(t *testing.T) {
	w := newWorld()
	w.graph.page("delta", "delta 2", true)
	w.graph.pages[""] = func() (inventory.Changes, error) {
		w.graph.page("", "delta", true, app(1, day))
		w.now = w.now.Add(5 * time.Minute)
		w.refresh(t)
		return inventory.Changes{Next: "stale", Last: true}, nil
	}
	done, err := w.Refresh(t.Context(), w.now.Add(time.Hour))
	require.NoError(t, err)
	assert.False(t, done)
	w.refresh(t)
	assert.NotContains(t, w.graph.asked, "stale")
}

func TestThereIsATimeToStop(t *testing.T) {
	w := newWorld()
	for n := range 10 {
		next := fmt.Sprintf("page %d", n+1)
		link := []string{"", fmt.Sprintf("page %d", n)}[min(n, 1)]
		w.graph.pages[link] = func() (inventory.Changes, error) {
			w.now = w.now.Add(30 * time.Second)
			return inventory.Changes{Changes: []inventory.Change{app(n, 9*day)}, Next: next, Last: n == 9}, nil
		}
	}
	done, err := w.Refresh(t.Context(), w.now.Add(time.Minute))
	require.NoError(t, err)
	assert.False(t, done)
	assert.Equal(t, []string{"", "page 1"}, w.graph.asked)
	w.refresh(t)
	assert.Equal(t, "page 2", w.graph.asked[2])
	assert.Len(t, w.ending(t, 30*day), 10)
}

func TestRetryAfterIsWaitedForWhereThereIsTime(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		want  error
		asked int
	}{
		"a moment":         {2500 * time.Millisecond, nil, 2},
		"nothing was said": {0, nil, 2},
		"too long":         {5 * time.Minute, errThrottled, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.Inventory.Now = time.Now
				w.graph.pages[""] = func() (inventory.Changes, error) {
					w.graph.page("", "delta", true)
					return inventory.Changes{}, &rotation.Fault{Class: rotation.Throttled, After: c.after, Err: errThrottled}
				}
				done, err := w.Refresh(t.Context(), time.Now().Add(3*time.Minute))
				assert.ErrorIs(t, err, c.want)
				assert.Equal(t, c.want == nil, done)
				assert.Len(t, w.graph.asked, c.asked)
				status, err := w.Status(t.Context())
				require.NoError(t, err)
				assert.Equal(t, c.want != nil, status.Problem == "graph: throttled")
			})
		})
	}
}

var errThrottled = errors.New("graph: throttled")

// listed is every item of an answer, two to a page.
func (w *world) listed(t *testing.T, q inventory.Query) (appIDs []string) {
	t.Helper()
	for cursor, more := "", true; more; {
		page, err := w.List(t.Context(), q, cursor, 2)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Items), 2)
		for _, app := range page.Items {
			appIDs = append(appIDs, app.AppID)
		}
		cursor, more = page.Next, page.Next != ""
	}
	return appIDs
}

func TestAQuestionIsAnsweredPageByPage(t *testing.T) {
	w := newWorld()
	certificate := app(3)
	certificate.Certificates = &[]inventory.Credential{{Kind: rotation.Certificate, KeyID: keyID(1), Name: "rekey/test/1.1", End: now.Add(day)}}
	w.graph.page("", "delta", true, app(1, 5*day, 2*day), app(2, 3*day), certificate, app(17, 400*day), app(4))
	w.graph.owners = map[string][]inventory.Owner{id(2): {{ID: id(8)}, {ID: id(9)}}, id(17): {{ID: id(8)}}}
	w.managed = []string{appID(2)}
	w.refresh(t)
	month := inventory.Window{From: now, To: now.Add(30 * day)}
	for name, c := range map[string]struct {
		query inventory.Query
		want  []string
	}{
		"everything, in the order of ids": {inventory.Query{}, []string{appID(1), appID(17), appID(2), appID(3), appID(4)}},
		"an owner's":                      {inventory.Query{Owner: id(8)}, []string{appID(17), appID(2)}},
		"nobody's":                        {inventory.Query{Owner: id(7)}, nil},
		"what ends":                       {inventory.Query{Ends: month}, []string{appID(3), appID(1), appID(2), appID(1)}},
		"an owner's that end":             {inventory.Query{Ends: month, Owner: id(9)}, []string{appID(2)}},
		"managed":                         {inventory.Query{Managed: new(true)}, []string{appID(2)}},
		"not managed, and they end":       {inventory.Query{Ends: month, Managed: new(false)}, []string{appID(3), appID(1), appID(1)}},
		"with certificates":               {inventory.Query{Kind: rotation.Certificate}, []string{appID(3)}},
		"secrets that end":                {inventory.Query{Ends: month, Kind: rotation.Secret}, []string{appID(1), appID(2), appID(1)}},
		"by a part of the name":           {inventory.Query{Name: "aPP 1"}, []string{appID(1), appID(17)}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, w.listed(t, c.query)) })
	}
	found, err := w.Application(t.Context(), appID(3))
	require.NoError(t, err)
	assert.True(t, found.Credentials[0].Ours)
	assert.False(t, found.Managed)
	_, err = w.List(t.Context(), inventory.Query{}, "ends.2026 x", 2)
	assert.ErrorIs(t, err, inventory.ErrCursor)
}

// A page reads so many rows and no more, whatever it finds.
func TestAPageEndsAfterSoManyRows(t *testing.T) {
	w := newWorld()
	var all []inventory.Change
	for n := range 2500 {
		all = append(all, app(n, day))
	}
	w.graph.page("", "delta", true, all...)
	w.refresh(t)
	pages, found := 0, 0
	for cursor, more := "", true; more; pages++ {
		page, err := w.List(t.Context(), inventory.Query{Name: "App 2499"}, cursor, 100)
		require.NoError(t, err)
		found += len(page.Items)
		cursor, more = page.Next, page.Next != ""
	}
	assert.Equal(t, 3, pages)
	assert.Equal(t, 1, found)
	assert.Len(t, slices.Compact(w.ending(t, 30*day)), 2500)
}

func TestHundredsOfCredentialsFitIntoARow(t *testing.T) {
	w := newWorld()
	many := app(1, make([]time.Duration, 600)...)
	w.graph.page("", "delta", true, many)
	w.refresh(t)
	found, err := w.Application(t.Context(), appID(1))
	require.NoError(t, err)
	assert.Len(t, found.Credentials, 600)
	few := app(1, day)
	w.graph.page("delta", "delta 2", true, few)
	w.refresh(t)
	found, err = w.Application(t.Context(), appID(1))
	require.NoError(t, err)
	assert.Len(t, found.Credentials, 1)
}
