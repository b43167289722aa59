package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// FuzzRows changes one property of one row, as somebody does who edits a table or
// restores an old copy, and then asks the engine for everything that reads rows.
// Whatever the row says, the engine does not panic and comes to an end: it goes on,
// or names the row that it cannot read.
func FuzzRows(f *testing.F) {
	all := moments(f)
	for moment := range all {
		for i, text := range []string{``, `-1`, `0`, `9223372036854775807`, `null`, `[]`, `{}`, `"x"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `unknown`} {
			for _, form := range []int{(moment + i) % len(forms), len(forms) - 1} {
				f.Add(byte(moment), byte(3*i), byte(5*i+moment), byte(form), byte(7*i), text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, moment, row, property, form, leaf byte, text string) {
		w := all[int(moment)%len(all)].world(t)
		changed := w.edit(row, property, form, leaf, text)
		ask := readers(w)
		for _, name := range slices.Sorted(maps.Keys(ask)) {
			began := time.Now()
			err := ask[name](t.Context())
			assert.Less(t, time.Since(began), 5*time.Second, "%s, with %s", name, changed)
			require.NotErrorIs(t, err, errEndless, "%s, with %s", name, changed)
			if err != nil {
				assert.NotContains(t, err.Error(), "value-")
				assert.Less(t, len(err.Error()), 3*len(text)+2000, "%s, with %s: %v", name, changed, err)
			}
		}
	})
}

// readers are all that the engine does with rows.
func readers(w *world) map[string]func(context.Context) error {
	id := rotation.ID{AppID: appID, Kind: w.kind, Generation: 2}
	return map[string]func(context.Context) error{
		"view": func(ctx context.Context) error { v, err := w.View(ctx, appID, w.kind); v.Retirements(); return err },
		"advance": func(ctx context.Context) error {
			return w.Advance(ctx, w.invocation(), rotation.Advance{AppID: appID, Kind: w.kind})
		},
		"deploy": func(ctx context.Context) error {
			return w.Deploy(ctx, w.invocation(), w.place, rotation.Rotated{Rotation: id, Target: "one"})
		},
		"sweep":        func(ctx context.Context) error { _, err := w.Sweep(ctx); return err },
		"rotations":    func(ctx context.Context) error { _, err := w.Rotations(ctx, appID, w.kind); return err },
		"deployments":  func(ctx context.Context) error { _, err := w.DeploymentsOf(ctx, id); return err },
		"targets":      func(ctx context.Context) error { _, err := w.TargetsOf(ctx, appID); return err },
		"applications": func(ctx context.Context) error { _, _, err := w.Applications(ctx, "", 10); return err },
		"log": func(ctx context.Context) error {
			_, _, err := w.LogEntries(ctx, engine.LogFilter{AppID: appID}, "", 10)
			return err
		},
		"the tenant's log": func(ctx context.Context) error {
			_, _, err := w.LogEntries(ctx, engine.LogFilter{Actor: "rekey"}, "2026-03-01.", 10)
			return err
		},
		"forget": func(ctx context.Context) error { _, err := w.ForgetLog(ctx); return err },
		"groups": func(ctx context.Context) error { _, _, err := w.Groups(ctx, "", 10); return err },
		"tasks":  func(ctx context.Context) error { _, _, err := w.Tasks(ctx, "", 10); return err },
		"notifications": func(ctx context.Context) error {
			rules, _, err := w.Notifications(ctx, "", 10)
			for _, rule := range rules {
				rule.Check()
				rule.Wants(rotation.Event{Type: rotation.EventExpiring, AppID: appID, Days: 3})
				rule.Threshold(2)
			}
			return err
		},
		"near expiry": func(ctx context.Context) error { _, err := w.NearExpiry(ctx, id); return err },
		"ask": func(ctx context.Context) error {
			_, err := w.Ask(ctx, engine.Ask{AppID: appID, Kind: w.kind, Source: rotation.ByPerson, Actor: "x", Emergency: true, IdempotencyKey: "once"})
			return err
		},
		"roll back": func(ctx context.Context) error { _, err := w.Rollback(ctx, appID, w.kind, "x"); return err },
		"resume":    func(ctx context.Context) error { return w.Resume(ctx, id, "two", "x") },
	}
}

// moment is what is in the store, in Entra and in the staging vault at one time.
type moment struct {
	now    time.Time
	kind   rotation.Kind
	rows   []engine.Row
	graph  graph
	copies map[string]rotation.Credential
}

// moments are those of a life with everything in it: requested, lost, staged,
// published, delivered, failed, retired.
func moments(t testing.TB) (all []moment) {
	for _, kind := range rotation.Kinds() {
		w := newWorld(t)
		w.kind = kind
		w.place.answer = func(d rotation.Delivery) (rotation.Outcome, error) {
			switch d.Target.ID {
			case "two":
				return rotation.Outcome{}, rotation.Permanently("place: refused")
			case "three":
				return rotation.Outcome{Handle: "job", After: time.Minute, Waiting: "for the job", Steps: []rotation.StepReport{{Name: "s", State: rotation.StepRunning}}}, nil
			}
			return rotation.Outcome{Confirmed: true, Receipt: "v1"}, nil
		}
		w.manage(rotation.DefaultPolicy(kind), "one", "two", "three")
		w.share()
		_, err := w.ForgetLog(t.Context())
		require.NoError(t, err)
		for n := range 8 {
			all = append(all, w.moment())
			switch n {
			case 2:
				w.ask(engine.Ask{IdempotencyKey: "once"})
			case 4:
				w.graph.failAdd = func() (bool, error) { return true, errors.New("cut") }
				w.graph.failKeys = w.graph.failAdd
				w.ask(engine.Ask{})
			case 6:
				w.graph.failAdd, w.graph.failKeys = nil, nil
			}
			w.run([]time.Duration{time.Second, 10 * time.Minute}[n%2])
		}
	}
	return all
}

// share saves a group and a task.
func (w *world) share() {
	w.t.Helper()
	for table, properties := range map[string]map[string]any{
		engine.TableGroups:        {"schema": int64(1), "id": "g", "name": "G", "applications": `["` + appID + `"]`, "team": "t"},
		engine.TableTasks:         {"schema": int64(1), "id": "k", "name": "K", "steps": `[{"name":"s","timeoutMinutes":5}]`},
		engine.TableNotifications: {"schema": int64(1), "id": "n", "name": "N", "active": true, "events": `["dev.rekey.expiring"]`, "days": `[14,3]`, "channel": "mail", "to": `["a@b.example"]`},
	} {
		require.NoError(w.t, w.store.Write(w.t.Context(), engine.Change{Op: engine.Put, Key: engine.Key{Table: table, Partition: "tenant", Row: "x"}, Properties: properties}))
	}
}

func (w *world) moment() moment {
	partitions := []engine.Range{{Table: engine.TableRotations, Partition: appID}}
	for _, table := range []string{engine.TableApplications, engine.TableGroups, engine.TableTasks, engine.TableNotifications} {
		partitions = append(partitions, engine.Range{Table: table, Partition: "tenant"})
	}
	for n := range 16 {
		partitions = append(partitions, engine.Range{Table: engine.TableSchedule, Partition: fmt.Sprintf("%02d", n)})
	}
	for _, partition := range []string{"2026-03-01", "kept"} {
		partitions = append(partitions, engine.Range{Table: engine.TableLog, Partition: partition})
	}
	m := moment{now: w.now, kind: w.kind, graph: *w.graph, copies: map[string]rotation.Credential{}}
	m.graph.passwords, m.graph.keys = map[string]engine.DirectoryCredential{}, slices.Clone(w.graph.keys)
	maps.Copy(m.graph.passwords, w.graph.passwords)
	maps.Copy(m.copies, w.stage.copies)
	for _, within := range partitions {
		for row, err := range w.store.Query(w.t.Context(), within) {
			require.NoError(w.t, err)
			m.rows = append(m.rows, row)
		}
	}
	return m
}

// world is a world at the moment, of its own.
func (m moment) world(t *testing.T) *world {
	w := newWorld(t)
	w.now, w.kind = m.now, m.kind
	for _, row := range m.rows {
		require.NoError(t, w.store.Write(t.Context(), engine.Change{Op: engine.Insert, Key: row.Key, Properties: row.Properties}))
	}
	w.graph.made, w.graph.keys = m.graph.made, slices.Clone(m.graph.keys)
	maps.Copy(w.graph.passwords, m.graph.passwords)
	maps.Copy(w.stage.copies, m.copies)
	w.place.answer = func(rotation.Delivery) (rotation.Outcome, error) { return rotation.Outcome{}, errors.New("place: cut") }
	w.Engine.Store = &finite{Store: w.store}
	return w
}

// forms are what a property can become.
var forms = []func(old any, leaf byte, text string) any{
	func(_ any, _ byte, text string) any { return text },
	func(_ any, leaf byte, _ string) any { return leaf%2 == 0 },
	func(_ any, _ byte, text string) any {
		n, _ := strconv.ParseInt(text, 10, 64)
		return n
	},
	func(_ any, leaf byte, text string) any {
		at, _ := time.Parse(time.RFC3339, text)
		return at.AddDate(0, 0, int(leaf))
	},
	// A value somewhere inside the JSON that the property holds.
	func(old any, leaf byte, text string) any {
		inJSON, _ := old.(string)
		var whole, value any = nil, text
		if json.Unmarshal([]byte(inJSON), &whole) != nil {
			return text
		}
		if json.Valid([]byte(text)) {
			value = json.RawMessage(text)
		}
		n := int(leaf)
		changed, _ := json.Marshal(replaced(whole, &n, value))
		return string(changed)
	},
}

// replaced puts a value in place of the nth inside of another.
func replaced(whole any, n *int, value any) any {
	if *n--; *n < 0 {
		*n = 1 << 30
		return value
	}
	switch whole := whole.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(whole)) {
			whole[name] = replaced(whole[name], n, value)
		}
	case []any:
		for i := range whole {
			whole[i] = replaced(whole[i], n, value)
		}
	}
	return whole
}

// edit changes one property and says which.
func (w *world) edit(row, property, form, leaf byte, text string) string {
	w.t.Helper()
	rows := w.moment().rows
	chosen := rows[int(row)%len(rows)]
	names := slices.Sorted(maps.Keys(chosen.Properties))
	name := names[int(property)%len(names)]
	value := forms[int(form)%len(forms)](chosen.Properties[name], leaf, text)
	_ = w.store.Write(w.t.Context(), engine.Change{Op: engine.Put, Key: chosen.Key, Properties: map[string]any{name: value}})
	return fmt.Sprintf("%s %q %s = %#v", chosen.Table, chosen.Row, name, value)
}

// finite is a store that ends what does not come to an end by itself.
type finite struct {
	*memory.Store
	calls atomic.Int64
}

var errEndless = errors.New("the store was asked without end")

func (s *finite) count() error {
	if s.calls.Add(1) > 20_000 {
		return errEndless
	}
	return nil
}

func (s *finite) Get(ctx context.Context, key engine.Key) (engine.Row, error) {
	if err := s.count(); err != nil {
		return engine.Row{}, err
	}
	return s.Store.Get(ctx, key)
}

func (s *finite) Query(ctx context.Context, within engine.Range) iter.Seq2[engine.Row, error] {
	if err := s.count(); err != nil {
		return func(yield func(engine.Row, error) bool) { yield(engine.Row{}, err) }
	}
	return s.Store.Query(ctx, within)
}

func (s *finite) Write(ctx context.Context, changes ...engine.Change) error {
	if err := s.count(); err != nil {
		return err
	}
	return s.Store.Write(ctx, changes...)
}
