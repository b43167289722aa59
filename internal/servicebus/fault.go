package servicebus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// fault classifies an error of the SDK, by its code where it has one and by the
// service's AMQP condition where it has none. Whatever else went wrong, the
// connection above all, may have had its effect and may work the next time.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot
func fault(doing string, err error) error {
	f := &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("servicebus: %s: %w", doing, brief(err))}
	switch condition := conditionOf(err); {
	case errors.Is(err, azservicebus.ErrMessageTooLarge), condition == amqp.ErrCondMessageSizeExceeded:
		f.Class = rotation.Permanent
	case condition == amqp.ErrCondNotFound, hasCode(err, azservicebus.CodeNotFound):
		f.Class, f.Remedy = rotation.NotFound, "deploy the namespace's queues and topics"
	case hasCode(err, azservicebus.CodeUnauthorizedAccess):
		f.Class, f.Remedy = rotation.Denied, "give rekey's identity the roles Azure Service Bus Data Sender and Data Receiver on the namespace"
	case condition == "com.microsoft:entity-disabled":
		f.Class, f.Remedy = rotation.Denied, "enable the queue or topic"
	case condition == "com.microsoft:server-busy":
		f.Class, f.After = rotation.Throttled, busyFor
	}
	return f
}

// longestWords is more than the service says of anything.
const longestWords = 1000

// brief keeps an error as it is, unless the service told a whole story.
func brief(err error) error {
	if text := httpfault.Short(err.Error(), longestWords); len(text) < len(err.Error()) {
		return errors.New(text)
	}
	return err
}

// busyFor is how long the service wants to be left alone when it is busy.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling
const busyFor = 10 * time.Second

func conditionOf(err error) amqp.ErrCond {
	if answered, ok := errors.AsType[*amqp.Error](err); ok {
		return answered.Condition
	}
	return ""
}

func hasCode(err error, code azservicebus.Code) bool {
	coded, ok := errors.AsType[*azservicebus.Error](err)
	return ok && coded.Code == code
}

func isClosed(err error) bool { return hasCode(err, azservicebus.CodeClosed) }

// isBroken reports whether a sender cannot be trusted any more. The SDK mends
// links and connections by itself; what it gave up, or did not notice before the
// time was over, is replaced.
func isBroken(err error) bool {
	return isClosed(err) || hasCode(err, azservicebus.CodeConnectionLost) || errors.Is(err, context.DeadlineExceeded)
}
