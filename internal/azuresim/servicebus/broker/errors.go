package broker

import (
	"fmt"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// Conditions of the errors returned, as the official clients know them
// (azservicebus internal/errors.go, Azure.Messaging.ServiceBus
// AmqpClientConstants.cs).
const (
	CondNotFound              = "amqp:not-found"
	CondNotAllowed            = "amqp:not-allowed"
	CondResourceDeleted       = "amqp:resource-deleted"
	CondLockLost              = "com.microsoft:message-lock-lost"
	CondSessionLockLost       = "com.microsoft:session-lock-lost"
	CondSessionCannotBeLocked = "com.microsoft:session-cannot-be-locked"
	CondMessageNotFound       = "com.microsoft:message-not-found"
	CondEntityDisabled        = "com.microsoft:entity-disabled"
	CondTimeout               = "com.microsoft:timeout"
	CondArgumentOutOfRange    = "com.microsoft:argument-out-of-range"
)

func failure(condition, format string, args ...any) *amqp.Error {
	return &amqp.Error{Condition: condition, Description: fmt.Sprintf(format, args...)}
}

func errLockLost() *amqp.Error {
	return failure(CondLockLost, "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue, or was received by a different receiver instance.")
}

func errSessionLockLost(id string) *amqp.Error {
	return failure(CondSessionLockLost, "The session lock has expired on the session with id '%s'. Accept a new session.", id)
}

func errMessageNotFound() *amqp.Error {
	return failure(CondMessageNotFound, "Failed to lock one or more specified messages. The message does not exist.")
}

func errDisabled(path string) *amqp.Error {
	return failure(CondEntityDisabled, "Messaging entity '%s' is currently disabled.", path)
}
