package servicebus

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

func TestAParcelIsForOneEntityAndOneTime(t *testing.T) {
	soon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	late := soon.Add(time.Hour)
	message := func(to, id string, at time.Time) engine.Message { return engine.Message{To: to, ID: id, At: at} }
	parcels, err := pack([]engine.Message{
		message("q", "1", time.Time{}), message("q", "2", soon), message("t", "3", soon), message("q", "4", time.Time{}),
		message("q", "5", late), message("q", "6", soon.In(time.FixedZone("", 3600))), message("t", "7", time.Time{}),
	})
	require.NoError(t, err)
	var got []string
	for _, p := range parcels {
		text := p.entity
		for _, m := range p.messages {
			text += " " + *m.MessageID
		}
		got = append(got, text)
	}
	assert.Equal(t, []string{"q 1 4", "q 2 6", "t 3", "q 5", "t 7"}, got)
}

// What the simulated namespace does not say.
func TestFaultsOfTheService(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		class  rotation.Class
		remedy string
	}{
		"no right to send": {
			&azservicebus.Error{Code: azservicebus.CodeUnauthorizedAccess},
			rotation.Denied, "give rekey's identity the roles Azure Service Bus Data Sender and Data Receiver on the namespace",
		},
		"an entity that is switched off": {
			&amqp.Error{Condition: "com.microsoft:entity-disabled"}, rotation.Denied, "enable the queue or topic",
		},
		"an entity that $management does not know": {
			&azservicebus.Error{Code: azservicebus.CodeNotFound}, rotation.NotFound, "deploy the namespace's queues and topics",
		},
		"a refusal of the size": {&amqp.Error{Condition: amqp.ErrCondMessageSizeExceeded}, rotation.Permanent, ""},
		"a full queue":          {&amqp.Error{Condition: amqp.ErrCondResourceLimitExceeded}, rotation.Transient, ""},
		"anything else":         {errors.New("no idea"), rotation.Transient, ""},
	} {
		f, ok := errors.AsType[*rotation.Fault](fault(`send to "q"`, fmt.Errorf("sent: %w", c.err)))
		require.True(t, ok, name)
		assert.Equal(t, c.class, f.Class, name)
		assert.Equal(t, c.remedy, f.Remedy, name)
	}
}
