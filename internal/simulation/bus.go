package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// bus delivers at least once, in any order, and is allowed to lose: the schedule
// makes up for it. A message is locked while somebody has it, comes back when that
// fails or takes too long, and is set aside after too many times.
type bus struct{ w *world }

// As in infra and in the Functions host's defaults.
const (
	lockDuration  = time.Minute
	maxDeliveries = 10
)

// How messages go astray, beside the faults of sending them.
const (
	Doubled   Fault = "doubled"
	Delayed   Fault = "delayed"
	Vanished  Fault = "vanished"
	mostDelay       = 10 * time.Minute
)

// Astray lists what happens to messages that were sent.
func Astray() []Fault { return []Fault{Doubled, Delayed, Vanished} }

type message struct {
	to, integration string
	data            []byte
	deliveries      int
}

// port is what an engine sends through.
type busPort struct {
	w       *world
	version *version
}

var _ engine.Bus = busPort{}

// Send implements engine.Bus.
func (b busPort) Send(ctx context.Context, messages ...engine.Message) error {
	_, err := effect(ctx, b.w, "bus send", done(func() error {
		for _, m := range messages {
			data, err := b.version.marshal(m.Data)
			if err != nil {
				return err
			}
			b.w.promises.silent("a message", string(data))
			if event, ok := m.Data.(rotation.Event); ok {
				b.w.promises.tell(event)
				continue // whoever receives it changes nothing here
			}
			b.w.bus.post(&message{to: m.To, integration: m.Integration, data: data}, m.At)
		}
		return nil
	}))
	return err
}

// post puts a message on its way, unless chance has it go astray.
func (b bus) post(m *message, at time.Time) {
	if _, subscribed := b.w.targets[m.integration]; m.to == engine.TopicRotated && !subscribed {
		return // as where no subscription's filter matches
	}
	delay := max(0, time.Until(at))
	fault := b.w.weather.astray()
	b.w.coverage.met("message", fault)
	switch fault {
	case Vanished:
		b.w.tell("a message to %s vanishes", m.to)
		return
	case Delayed:
		delay += b.w.between(0, mostDelay)
	case Doubled:
		twin := *m
		b.w.later(delay+b.w.between(0, mostDelay), func() { b.deliver(&twin) })
	}
	b.w.later(delay, func() { b.deliver(m) })
}

// deliver hands a message to a function, and settles it by what becomes of that.
func (b bus) deliver(m *message) {
	if m.deliveries++; m.deliveries > maxDeliveries {
		b.w.tell("a message to %s is set aside", m.to)
		b.w.deadLettered++
		return
	}
	settled := false
	b.w.start(m.words(), m.handle, func(inv *invocation) {
		switch {
		case settled || inv.ended && inv.err == nil:
			settled = true
		case inv.ended:
			settled = true
			b.w.later(b.w.between(0, time.Second), func() { b.deliver(m) })
		}
	})
	b.w.later(lockDuration, func() {
		if !settled { // it still runs, or its process is gone
			settled = true
			b.deliver(m)
		}
	})
}

func (m *message) words() string {
	if m.integration != "" {
		return m.integration
	}
	return "rotate"
}

// handle is what the functions "rotate" and those of the integrations do.
func (m *message) handle(ctx context.Context, p *process, id string) error {
	if m.to == engine.QueueRequests {
		var advance rotation.Advance
		if err := json.Unmarshal(m.data, &advance); err != nil {
			return fmt.Errorf("rotate: %w", err)
		}
		return p.engine.Advance(ctx, id, advance)
	}
	var rotated rotation.Rotated
	if err := json.Unmarshal(m.data, &rotated); err != nil {
		return fmt.Errorf("%s: %w", m.integration, err)
	}
	return p.engine.Deploy(ctx, id, p.targets[m.integration], rotated)
}
