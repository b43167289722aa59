// Package broker holds the entities of a simulated Service Bus namespace and
// what the service promises for them: peek-lock with redelivery, sessions,
// scheduling, deferral, expiry, dead-lettering, duplicate detection and the
// rules of subscriptions. It knows nothing of connections: whoever receives is a
// Receiver.
//
// # Concurrency
//
// Every queue, subscription and topic has a lock of its own. Locks are taken in
// the order topic, subscription, dead-letter queue, receiver, never the other
// way round. What has to happen later (a lock's end, a message's expiry, a due
// time) is an entry in its queue's heap of deadlines, for which one timer of
// the simulated clock is armed. No operation looks at all messages of a queue,
// except those that list them.
//
// # Choices
//
// Vendor pages: https://learn.microsoft.com/azure/service-bus-messaging/.
//   - The delivery count rises when a message is abandoned and when its lock
//     ends, also in the hands of a deferred message; not when it is released
//     (https://github.com/Azure/amqpnetlite/issues/342), dead-lettered or
//     deferred, not when its session is closed (message-sessions, "Message
//     delivery count"), and never in a dead-letter queue (live tests of
//     azservicebus, messageSettler_test.go).
//   - A lock outlives the link that got it, except a session's.
//   - A scheduled message gets a new sequence number when it becomes active
//     (message-sequencing).
//   - A deferred message does not expire until somebody asks for it
//     (message-deferral); any other expires on time, the locked one when its lock
//     ends. Dead-lettered messages do not expire.
//   - A dead-lettered message gets a sequence number of the dead-letter queue and
//     keeps its enqueued time, its delivery count and, as enqueued sequence
//     number, its old sequence number.
//   - The dead-letter source is not set: the service sets it on messages that are
//     forwarded out of a dead-letter queue, and forwarding is refused here.
//   - A message that several rules of a subscription match arrives once.
//   - Integers of any width are equal in a correlation filter when their values
//     are; everything else must have the very type of the filter's value.
package broker
