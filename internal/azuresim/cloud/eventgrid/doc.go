// Package eventgrid answers for the topics under eventgrid.azure.net and delivers
// events, published ones and those of Azure's own resources, to webhooks. A
// function is a webhook of the Functions host, so destinations of that kind need
// nothing of their own.
//
// It promises that
//
//   - publishing takes the topic's key, or a token whose owner may send, and
//     accepts a request as a whole or not at all;
//   - a subscription exists only after its endpoint answered the handshake;
//   - every event reaches every subscription that was there before it and lets it
//     through, at least once: until the endpoint answers 2xx, the attempts or the
//     event's time are used up, or the answer says that trying again is no use.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-events
//   - https://learn.microsoft.com/azure/event-grid/event-schema
//   - https://learn.microsoft.com/azure/event-grid/cloud-event-schema
//   - https://learn.microsoft.com/azure/event-grid/delivery-and-retry
//   - https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
//   - https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
//
// Where they are silent, these choices were made:
//
//   - A host that is not a topic's has no address in Azure: the connection is cut.
//   - Of the ways to publish, aeg-sas-token and the binary mode of CloudEvents are
//     not here: they are refused.
//   - A topic takes its own schema only. Events of the Event Grid schema can be
//     delivered in either, CloudEvents only as such.
//   - Retries come at the documented times without the small randomization.
//   - A batch holds events of one request, and is delivered and retried as one.
//   - An endpoint may be plain HTTP, since it is on the same machine.
package eventgrid
