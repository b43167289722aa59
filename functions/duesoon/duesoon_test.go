package duesoon_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/duesoon"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const (
	appID = "11111111-aaaa-4111-8111-111111111111"
	keyID = "2222222a-2222-4222-8222-222222222222"
)

// world is the function over a real engine, with an inventory in memory and views of
// what is managed.
type world struct {
	duesoon.Config
	*engine.Engine
	t     *testing.T
	now   time.Time
	bus   *memory.Bus
	store *memory.Store
	all   []duesoon.Credential
	asked [2]time.Time
	fails error
	views map[string]engine.View
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), bus: &memory.Bus{}, store: &memory.Store{}, views: map[string]engine.View{}}
	now, log := func() time.Time { return w.now }, slog.New(slog.NewTextHandler(io.Discard, nil))
	w.Engine = &engine.Engine{Store: w.store, Bus: w.bus, Now: now, Log: log, Tenant: "tenant"}
	w.Config = duesoon.Config{Inventory: w, Engine: w, Bus: w.bus, Now: now, Log: log}
	return w
}

// Ending implements duesoon.Inventory.
func (w *world) Ending(_ context.Context, from, to time.Time) iter.Seq2[duesoon.Credential, error] {
	w.asked = [2]time.Time{from, to}
	return func(yield func(duesoon.Credential, error) bool) {
		for _, c := range w.all {
			if !c.End.Before(from) && c.End.Before(to) && !yield(c, nil) {
				return
			}
		}
		if w.fails != nil {
			yield(duesoon.Credential{}, w.fails)
		}
	}
}

func (w *world) View(_ context.Context, appID string, _ rotation.Kind) (engine.View, error) {
	if view, ok := w.views[appID]; ok {
		return view, nil
	}
	return engine.View{}, engine.ErrUnknownApplication
}

func (w *world) rule(id string, change func(*rotation.Notification)) {
	w.t.Helper()
	n := rotation.Notification{
		ID: id, Name: id, Active: true, Events: []rotation.EventType{rotation.EventExpiring},
		Channel: rotation.Mail, Mailbox: "rekey@contoso.example", To: []string{"ops@contoso.example"},
	}
	if change != nil {
		change(&n)
	}
	_, _, err := w.SaveNotification(w.t.Context(), n, engine.NotificationSecrets{}, "")
	require.NoError(w.t, err)
}

// look lets the timer fire and returns what was told, by the thresholds.
func (w *world) look() (days []int) {
	w.t.Helper()
	require.NoError(w.t, w.Look(w.t.Context()))
	for {
		m, ok := w.bus.Receive(engine.TopicLifecycle, engine.Everybody, w.now)
		if !ok {
			return days
		}
		days = append(days, m.Data.(rotation.Event).Days)
	}
}

func (w *world) ending(in time.Duration) duesoon.Credential {
	return duesoon.Credential{AppID: appID, Name: "Shop", Owners: []string{"owner"}, Kind: rotation.Secret, KeyID: keyID, End: w.now.Add(in)}
}

const day = 24 * time.Hour

func TestACredentialIsToldOfOnceForEachThreshold(t *testing.T) {
	w := newWorld(t)
	w.rule("ops", nil)
	w.rule("early", func(n *rotation.Notification) { n.Days = []int{30, 3} })
	w.all = []duesoon.Credential{w.ending(31*day - time.Hour)}
	told := map[int][]int{}
	for n := range 33 {
		if days := w.look(); len(days) > 0 {
			told[n] = days
		}
		assert.Empty(t, w.look(), "a second look tells nothing")
		w.now = w.now.Add(day)
	}
	assert.Equal(t, map[int][]int{1: {30}, 17: {14}, 28: {3}}, told)
}

func TestWhatIsTold(t *testing.T) {
	w := newWorld(t)
	w.rule("ops", nil)
	w.all = []duesoon.Credential{w.ending(10*day + time.Hour)}
	require.NoError(t, w.Look(t.Context()))
	m, ok := w.bus.Receive(engine.TopicLifecycle, engine.Everybody, w.now)
	require.True(t, ok)
	end := w.now.Add(10*day + time.Hour)
	assert.Equal(t, rotation.Event{
		ID: appID + ".secret." + keyID + ".expiring.14", Type: rotation.EventExpiring, Time: end.Add(-14 * day),
		AppID: appID, Name: "Shop", Kind: rotation.Secret, KeyID: keyID, End: end, Days: 14, Owners: []string{"owner"},
	}, m.Data)
	assert.Equal(t, [2]time.Time{w.now, w.now.Add(14 * day)}, w.asked, "no more is read than somebody asks about")
}

func TestNobodyAsksAndNothingIsRead(t *testing.T) {
	w := newWorld(t)
	w.rule("off", func(n *rotation.Notification) { n.Active = false })
	w.rule("other", func(n *rotation.Notification) { n.Events = []rotation.EventType{rotation.EventFailed} })
	w.all = []duesoon.Credential{w.ending(day)}
	assert.Empty(t, w.look())
	assert.Zero(t, w.asked)
}

// What rekey takes care of is told of only where it does not go well.
func TestWhatRekeyRotates(t *testing.T) {
	for name, c := range map[string]struct {
		current string
		change  func(w *world, v *engine.View)
		want    []int
	}{
		"is not told of before it is due":   {keyID, nil, nil},
		"nor while its rotation takes time": {keyID, func(w *world, v *engine.View) { v.Due.At = w.now.Add(-5 * time.Hour) }, nil},
		"but when that takes too long":      {keyID, func(w *world, v *engine.View) { v.Due.At = w.now.Add(-7 * time.Hour) }, []int{14}},
		"or fails":                          {keyID, func(_ *world, v *engine.View) { v.Due.Reason = rotation.DueAgain }, []int{14}},
		"or is paused":                      {keyID, func(_ *world, v *engine.View) { v.App.Paused = true }, []int{14}},
		"or while everything is":            {keyID, func(_ *world, v *engine.View) { v.Paused = true }, []int{14}},
		"or switched off":                   {keyID, func(_ *world, v *engine.View) { v.App.Policies = nil }, []int{14}},
		"nor what was replaced":             {"another", nil, nil},
		"but what somebody else made":       {"another", func(_ *world, v *engine.View) { v.Head.Secret.Ledger = nil }, []int{14}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.rule("ops", nil)
			w.all = []duesoon.Credential{w.ending(5 * day)}
			policy := rotation.DefaultPolicy(rotation.Secret)
			policy.Enabled = true
			view := engine.View{Due: rotation.Due{At: w.now.Add(day), Reason: rotation.DueLifetime}}
			view.Kind, view.App.Policies = rotation.Secret, map[rotation.Kind]rotation.Policy{rotation.Secret: policy}
			view.Head.Secret = rotation.KindState{Current: c.current, Ledger: []rotation.Entry{{KeyID: keyID}}}
			if c.change != nil {
				c.change(w, &view)
			}
			w.views[appID] = view
			assert.Equal(t, c.want, w.look())
		})
	}
}

func TestALookGoesOnWhereOneFailed(t *testing.T) {
	w := newWorld(t)
	w.rule("ops", nil)
	w.all, w.fails = []duesoon.Credential{w.ending(day)}, errors.New("the store is out of reach")
	require.ErrorIs(t, w.Look(t.Context()), w.fails)
	w.fails = nil
	assert.Equal(t, []int{3}, w.look(), "what the first look told, and no more")
}

func TestWhatWasToldLongAgoIsForgotten(t *testing.T) {
	w := newWorld(t)
	event := rotation.Event{ID: "e", Time: w.now}
	for n := range 150 {
		_, err := w.SaveNotice(t.Context(), event, engine.Notice{Rule: string(rune('a'+n%26)) + string(rune('a'+n/26))}, "")
		require.NoError(t, err)
	}
	left := func() (n int) {
		for _, err := range w.store.Query(t.Context(), engine.Range{Table: engine.TableNotices, Partition: w.now.Format(time.DateOnly)}) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	began := w.now
	w.now = began.Add(99 * day)
	w.look()
	w.now = began
	assert.Equal(t, 150, left())
	w.now = began.Add(101 * day)
	w.look()
	w.now = began
	assert.Zero(t, left())
}
