package servicebus_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/conformance"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

func TestBusConforms(t *testing.T) {
	conformance.Bus(t, func(t *testing.T) conformance.BusUnderTest {
		n := newNamespace(t)
		return conformance.BusUnderTest{
			Bus: n.bus, Now: n.clock.Now, Advance: n.clock.Advance,
			Receive: func(ctx context.Context, entity, integration string) (conformance.Received, bool) {
				if entity == conformance.Everything {
					integration = "all"
				}
				m := n.receive(ctx, entity, integration)
				if m == nil {
					return conformance.Received{}, false
				}
				e, err := servicebus.Decode(m.Body)
				assert.NoError(t, err)
				return conformance.Received{ID: e.ID, Type: e.Type, Subject: e.Subject, Time: e.Time, Data: string(e.Data)}, true
			},
		}
	})
}
