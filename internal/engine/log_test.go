package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// wholeLog reads the log page by page.
func (w *world) wholeLog(f engine.LogFilter, limit int) (lines []rotation.LogEntry) {
	lines = []rotation.LogEntry{}
	w.t.Helper()
	for cursor, pages := "", 0; ; pages++ {
		require.Less(w.t, pages, 500, "pages without end")
		page, next, err := w.LogEntries(w.t.Context(), f, cursor, limit)
		require.NoError(w.t, err)
		require.LessOrEqual(w.t, len(page), limit)
		lines = append(lines, page...)
		if cursor = next; next == "" {
			return lines
		}
	}
}

func TestTheLogOfTheTenantHasEveryLineOfEveryApplication(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "one", "two")
	w.run(3 * 24 * time.Hour)
	w.ask(engine.Ask{})
	w.run(time.Hour)
	own := w.wholeLog(engine.LogFilter{AppID: appID}, 1000)
	require.Greater(t, len(own), 10)
	for _, limit := range []int{1, 7, 1000} {
		assert.Equal(t, own, w.wholeLog(engine.LogFilter{}, limit), "pages of %d", limit)
	}
	for _, line := range own {
		assert.Equal(t, appID, line.AppID)
	}
}

// store counts writes, and can fail one.
type countingStore struct {
	engine.Store
	writes map[string]int
	fail   func(engine.Change) error
}

func (s *countingStore) Write(ctx context.Context, changes ...engine.Change) error {
	s.writes[changes[0].Table]++
	if s.fail != nil {
		if err := s.fail(changes[0]); err != nil {
			return err
		}
	}
	return s.Store.Write(ctx, changes...)
}

func (w *world) counting() *countingStore {
	s := &countingStore{Store: w.store, writes: map[string]int{}}
	w.Store = s
	return s
}

func TestALineWhoseChangeWasNeverMadeIsNotShown(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "one")
	w.run(time.Hour)
	before := w.wholeLog(engine.LogFilter{}, 100)
	s := w.counting()
	s.fail = func(c engine.Change) error {
		if c.Table == engine.TableRotations {
			return errors.New("cut")
		}
		return nil
	}
	_, err := w.SaveTarget(t.Context(), appID, rotation.TargetRow{ID: "two", Integration: "place", Kind: rotation.Secret, Enabled: true, Settings: []byte(`{}`)}, "", "somebody")
	require.Error(t, err)
	assert.Equal(t, 1, s.writes[engine.TableLog], "it was written")
	assert.Equal(t, before, w.wholeLog(engine.LogFilter{}, 100), "and tells of nothing that was")
}

func TestNothingIsChangedWhoseLineCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	w.manage(policy())
	s := w.counting()
	s.fail = func(c engine.Change) error {
		if c.Table == engine.TableLog {
			return errors.New("cut")
		}
		return nil
	}
	_, err := w.SaveTarget(t.Context(), appID, rotation.TargetRow{ID: "two", Integration: "place", Kind: rotation.Secret, Enabled: true, Settings: []byte(`{}`)}, "", "somebody")
	require.EqualError(t, err, `application "`+appID+`": cut`)
	targets, err := w.TargetsOf(t.Context(), appID)
	require.NoError(t, err)
	assert.Empty(t, targets)
}

func TestALogLineCostsOneWriteForEachBatch(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "one")
	w.run(time.Hour)
	batches := map[time.Time]bool{}
	s := w.counting()
	w.ask(engine.Ask{Emergency: true})
	w.now = w.now.Add(time.Second)
	w.ask(engine.Ask{Emergency: true}) // joins: nothing to log
	for _, line := range w.wholeLog(engine.LogFilter{From: w.now.Add(-time.Second)}, 100) {
		batches[line.At] = true
	}
	assert.Len(t, batches, 1)
	assert.Equal(t, 1, s.writes[engine.TableLog])
}

func TestTheLogIsFiltered(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "one", "two")
	w.run(time.Hour)
	w.LogChange(t.Context(), rotation.LogEntry{What: "group", Detail: "saved", Actor: "somebody", Failure: true})
	all := w.wholeLog(engine.LogFilter{}, 1000)
	for name, f := range map[string]struct {
		engine.LogFilter
		takes func(rotation.LogEntry) bool
	}{
		"rotation":                 {engine.LogFilter{Rotation: appID + ".secret.1"}, func(l rotation.LogEntry) bool { return l.Rotation == appID+".secret.1" }},
		"target":                   {engine.LogFilter{Target: "two"}, func(l rotation.LogEntry) bool { return l.Target == "two" }},
		"kind":                     {engine.LogFilter{Kind: rotation.Secret}, func(l rotation.LogEntry) bool { return l.Kind == rotation.Secret }},
		"what":                     {engine.LogFilter{What: "deployed"}, func(l rotation.LogEntry) bool { return l.What == "deployed" }},
		"actor":                    {engine.LogFilter{Actor: "somebody"}, func(l rotation.LogEntry) bool { return l.Actor == "somebody" }},
		"failures":                 {engine.LogFilter{Failure: true}, func(l rotation.LogEntry) bool { return l.Failure }},
		"from":                     {engine.LogFilter{From: all[3].At}, func(l rotation.LogEntry) bool { return !l.At.Before(all[3].At) }},
		"to":                       {engine.LogFilter{To: all[3].At}, func(l rotation.LogEntry) bool { return l.At.Before(all[3].At) }},
		"before anything":          {engine.LogFilter{To: time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)}, func(rotation.LogEntry) bool { return false }},
		"after anything":           {engine.LogFilter{From: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, func(rotation.LogEntry) bool { return false }},
		"as far as times can tell": {engine.LogFilter{From: time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, func(rotation.LogEntry) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			want := slices.DeleteFunc(slices.Clone(all), func(l rotation.LogEntry) bool { return !f.takes(l) })
			for _, limit := range []int{1, 1000} {
				assert.Equal(t, want, w.wholeLog(f.LogFilter, limit))
			}
			f.AppID = appID
			want = slices.DeleteFunc(want, func(l rotation.LogEntry) bool { return l.AppID == "" })
			for _, limit := range []int{1, 1000} {
				assert.Equal(t, want, w.wholeLog(f.LogFilter, limit), "the application's own")
			}
		})
	}
}

func TestOnePageOfTheLogReadsSoMuchAtMost(t *testing.T) {
	w := newWorld(t)
	for range 2005 {
		w.LogChange(t.Context(), rotation.LogEntry{What: "noise"})
	}
	for _, f := range []engine.LogFilter{{Actor: "nobody"}, {Actor: "nobody", AppID: appID}} {
		lines, next, err := w.LogEntries(t.Context(), f, "", 10)
		require.NoError(t, err)
		assert.Empty(t, lines)
		assert.Equal(t, f.AppID == "", next != "", "there is more")
	}
}

func TestEverythingThatFollowsFromARequestCarriesItsID(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "one", "two")
	w.run(time.Hour)
	ctx := engine.Correlated(t.Context(), "request-1")
	r, err := w.Ask(ctx, engine.Ask{AppID: appID, Kind: rotation.Secret, Source: rotation.ByPerson, Actor: "somebody"})
	require.NoError(t, err)
	assert.Equal(t, "request-1", r.Correlation)
	w.run(time.Hour)
	lines := w.wholeLog(engine.LogFilter{Rotation: r.ID.String()}, 100)
	var whats []string
	for _, line := range lines {
		whats = append(whats, line.What)
		assert.Equal(t, "request-1", line.Correlation, line.What)
	}
	assert.Subset(t, whats, []string{"requested", "published", "deployed", "completed"})
	assert.Equal(t, lines, w.wholeLog(engine.LogFilter{Correlation: "request-1"}, 100))

	first := w.rotation(1)
	assert.NotEmpty(t, first.Correlation, "the schedule's own")
	assert.NotEqual(t, r.Correlation, first.Correlation)
}

func TestTheLogIsForgottenDayByDay(t *testing.T) {
	w := newWorld(t)
	w.manage(policy(), "one")
	w.run(time.Hour)
	w.LogChange(t.Context(), rotation.LogEntry{What: "group", Detail: "saved"})
	old := len(w.wholeLog(engine.LogFilter{}, 100))
	w.now = w.now.AddDate(0, 0, 400)
	w.LogChange(t.Context(), rotation.LogEntry{AppID: appID, What: "configured"})
	assert.Len(t, w.wholeLog(engine.LogFilter{}, 100), 1, "what is too old is not shown")
	assert.Len(t, w.wholeLog(engine.LogFilter{AppID: appID}, 100), old, "but is there")

	forgotten := 0
	for n := range 30 {
		gone, err := w.ForgetLog(t.Context())
		require.NoError(t, err)
		if forgotten += gone; n < 6 {
			require.Zero(t, forgotten, "so many days lie before it")
		}
	}
	assert.Equal(t, old, forgotten)
	left := w.wholeLog(engine.LogFilter{AppID: appID}, 100)
	require.Len(t, left, 1)
	assert.Equal(t, "configured", left[0].What)
	for row := range w.store.Query(t.Context(), engine.Range{Table: engine.TableLog, Partition: "2026-03-01"}) {
		assert.Fail(t, "is left", row.Row)
	}
	assert.Equal(t, left, w.wholeLog(engine.LogFilter{}, 100))
}

func TestWhatIsForgottenIsWrittenInBatches(t *testing.T) {
	w := newWorld(t)
	for n := range 250 {
		w.LogChange(t.Context(), rotation.LogEntry{AppID: appID, What: fmt.Sprint(n)})
	}
	w.now = w.now.AddDate(0, 0, 366)
	s := w.counting()
	forgotten := 0
	for range 10 {
		gone, err := w.ForgetLog(t.Context())
		require.NoError(t, err)
		forgotten += gone
	}
	assert.Equal(t, 250, forgotten)
	assert.Equal(t, 3, s.writes[engine.TableRotations])
}
