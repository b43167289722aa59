package servicebus_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

// FuzzFault: whatever the service says, under whatever condition, becomes a Fault. What
// it did not refuse for a reason that we know may have had its effect.
func FuzzFault(f *testing.F) {
	for _, condition := range []amqp.ErrCond{
		amqp.ErrCondNotFound, amqp.ErrCondMessageSizeExceeded, amqp.ErrCondUnauthorizedAccess, amqp.ErrCondInternalError, amqp.ErrCondDetachForced,
		"com.microsoft:server-busy", "com.microsoft:entity-disabled", "com.microsoft:timeout", "com.microsoft:argument-error", "",
	} {
		f.Add(string(condition), "The service says so. TrackingId:1", string(azservicebus.CodeNotFound))
		f.Add(string(condition), strings.Repeat("Ä word ", 3000), string(azservicebus.CodeUnauthorizedAccess))
	}
	f.Fuzz(func(t *testing.T, condition, description, code string) {
		answered := &amqp.Error{Condition: amqp.ErrCond(condition), Description: description, Info: map[string]any{"x": description}}
		for _, err := range []error{
			answered, &amqp.LinkError{RemoteErr: answered}, &amqp.ConnError{RemoteErr: answered}, fmt.Errorf("send: %w", answered),
			&azservicebus.Error{Code: azservicebus.Code(code)}, errors.New(description),
		} {
			got := servicebus.Fault("rotated", err)
			targettest.AssertFault(t, got)
			if rotation.ClassOf(got) == rotation.Throttled {
				require.Equal(t, 10*time.Second, rotation.AfterOf(got))
			}
		}
	})
}
