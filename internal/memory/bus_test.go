package memory_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/conformance"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/memory"
)

func TestBusConforms(t *testing.T) {
	conformance.Bus(t, func(t *testing.T) conformance.BusUnderTest {
		bus, now := &memory.Bus{}, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		return conformance.BusUnderTest{
			Bus:     bus,
			Now:     func() time.Time { return now },
			Advance: func(d time.Duration) { now = now.Add(d) },
			Receive: func(_ context.Context, entity, integration string) (conformance.Received, bool) {
				m, ok := bus.Receive(entity, integration, now)
				data, err := json.Marshal(m.Data)
				assert.NoError(t, err)
				return conformance.Received{ID: m.ID, Type: m.Type, Subject: m.Subject, Time: m.Time, Data: string(data)}, ok
			},
		}
	})
}

func TestNextIsWhenTheFirstMayBeReceived(t *testing.T) {
	var bus memory.Bus
	_, waiting := bus.Next()
	assert.False(t, waiting)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	assert.NoError(t, bus.Send(t.Context(), engine.Message{At: at.Add(time.Hour)}, engine.Message{At: at}, engine.Message{At: at.Add(time.Minute)}))
	next, waiting := bus.Next()
	assert.True(t, waiting)
	assert.Equal(t, at, next)
}
