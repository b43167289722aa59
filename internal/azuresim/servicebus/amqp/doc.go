// Package amqp is the part of AMQP 1.0 that a Service Bus needs: the type
// system, the frames with their performatives, and the sections of a message.
// It holds no connection and no state.
//
// What it decodes comes from outside, so decoding never panics, never nests
// deeper than maxDepth and never allocates more than a small multiple of the
// bytes it was given.
//
// Facts: OASIS AMQP 1.0, part 1 (types), part 2 (transport), part 3 (messaging)
// and part 5 (security),
// https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-overview-v1.0-os.html.
// Composite values are always written with all their fields, because the Python
// client reads them by position.
package amqp
