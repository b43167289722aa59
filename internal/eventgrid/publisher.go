// Package eventgrid publishes lifecycle events to a custom topic of Azure Event
// Grid whose input schema is CloudEvents 1.0, with the official SDK.
//
// An event's id, type, subject and time are those of the CloudEvent, and its data
// holds the rest: ids and words, never a secret. Event Grid may deliver an event
// more than once, and a call that failed may have taken effect: a repetition
// carries the same id, by which a subscriber knows it.
//
// The SDK repeats a call that was throttled or failed in transit, as long as the
// context lets it. Errors are rotation.Faults.
//
// Facts come from https://learn.microsoft.com/azure/event-grid/cloud-event-schema
// and https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-events.
package eventgrid

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/messaging"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/eventgrid/azeventgrid"

	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// source is the origin that every event names.
const source = "rekey"

// Publisher publishes to one topic. It may be used from any goroutine.
type Publisher struct {
	endpoint string
	client   *azeventgrid.Client
}

// endpointForm is the form of a topic's endpoint. A token goes there, so it has to be
// one of Event Grid's.
var endpointForm = regexp.MustCompile(`^https://([a-z0-9-]+(?:\.[a-z0-9-]+)?\.eventgrid\.azure\.net)/api/events$`)

// New returns a publisher to the topic with that endpoint, such as
// https://life.westeurope-1.eventgrid.azure.net/api/events.
func New(endpoint string, credential azcore.TokenCredential, transport *http.Transport) (*Publisher, error) {
	parts := endpointForm.FindStringSubmatch(endpoint)
	if parts == nil {
		return nil, fmt.Errorf("eventgrid: the endpoint of a topic must look like https://<topic>.<region>-1.eventgrid.azure.net/api/events, not %q", endpoint)
	}
	options := &azeventgrid.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: outbound.To(transport, parts[1])}}
	client, err := azeventgrid.NewClient(endpoint, credential, options)
	if err != nil {
		return nil, fault(endpoint, err)
	}
	return &Publisher{endpoint: endpoint, client: client}, nil
}

// Publish publishes all the events or none of them.
// https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-events
func (p *Publisher) Publish(ctx context.Context, events ...rotation.Event) error {
	if len(events) == 0 {
		return nil
	}
	batch := make([]messaging.CloudEvent, 0, len(events))
	for _, e := range events {
		batch = append(batch, cloudEvent(e))
	}
	if _, err := p.client.PublishCloudEvents(ctx, batch, nil); err != nil {
		return fault(p.endpoint, err)
	}
	return nil
}

// data is what an event says beyond the attributes of its CloudEvent.
type data struct {
	AppID    string        `json:"appId"`
	Name     string        `json:"name"`
	Kind     rotation.Kind `json:"kind"`
	Rotation string        `json:"rotation,omitempty"`
	Target   string        `json:"target,omitempty"`
	KeyID    string        `json:"keyId,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	End      time.Time     `json:"end,omitzero"`
	Days     int           `json:"days,omitempty"`
	Owners   []string      `json:"owners,omitempty"`
	Check    string        `json:"check,omitempty"`
	Remedy   string        `json:"remedy,omitempty"`
}

// cloudEvent does without messaging.NewCloudEvent, which makes an id up.
func cloudEvent(e rotation.Event) messaging.CloudEvent {
	return messaging.CloudEvent{
		ID: e.ID, Source: source, SpecVersion: "1.0", Type: string(e.Type),
		Subject: new(e.Subject()), Time: new(e.Time.UTC()),
		DataContentType: new("application/json"),
		Data: data{
			AppID: e.AppID, Name: e.Name, Kind: e.Kind,
			Rotation: e.Rotation, Target: e.Target, KeyID: e.KeyID, Reason: e.Reason,
			End: e.End, Days: e.Days, Owners: e.Owners, Check: e.Check, Remedy: e.Remedy,
		},
	}
}
