// Package servicebus is Azure Service Bus on this machine: a namespace with
// queues, topics and subscriptions that the official clients use over AMQP 1.0,
// and the ATOM administration API. Its entities are declared in the official
// emulator's Config.json. Everything is held in memory.
//
// A connection string with UseDevelopmentEmulator=true makes the clients speak
// plain AMQP. Administration clients always speak https, for which Options.TLS
// has to be set. AMQP, TLS and HTTP may come in on one port: the first byte
// tells them apart.
//
// # Where it is as strict as the service
//
//   - A link needs a claim for its entity, by $cbs or SASL PLAIN. Keys are not
//     known here, so any token is good, and none expires.
//   - Messages and batches above 256 KB (standard tier) are refused.
//   - What the service would not find, allow or lock any more is refused with
//     the service's condition. The clients act on conditions, never on texts;
//     texts follow the service's where they are known.
//
// What is not simulated is refused, never ignored: forwarding, SQL filters other
// than "1=1" and "1=0", rule actions, transactions.
//
// # Sources
//
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide,
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response,
// https://learn.microsoft.com/rest/api/servicebus/ and the source of azservicebus
// v1.11.0. Package broker tells what happens to messages, and what was decided
// where the sources are silent.
package servicebus
