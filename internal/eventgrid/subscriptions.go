package eventgrid

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/eventgrid/armeventgrid/v2"

	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Subscriptions reads event subscriptions through Resource Manager, with the official SDK.
type Subscriptions struct {
	// Credential is rekey's own identity.
	Credential azcore.TokenCredential
	// ClientOptions carry the transport.
	ClientOptions azcore.ClientOptions
	// Site is the function app's name; without one the functions of all apps count.
	Site string
}

var _ doctor.Subscriptions = Subscriptions{}

// mostPages ends a list that never ends.
const mostPages = 100

// To returns the subscriptions to a resource's events: those at the resource, and those
// under a system topic of it.
// https://learn.microsoft.com/rest/api/eventgrid/controlplane/event-subscriptions/list-by-resource
// https://learn.microsoft.com/rest/api/eventgrid/controlplane/system-topics/list-by-subscription
// https://learn.microsoft.com/rest/api/eventgrid/controlplane/system-topic-event-subscriptions/list-by-system-topic
func (s Subscriptions) To(ctx context.Context, resource string) ([]doctor.Subscription, error) {
	id, err := arm.ParseResourceID(resource)
	if err != nil {
		return nil, rotation.Permanently("eventgrid: list subscriptions to %q: %w", resource, err)
	}
	all, err := s.at(ctx, id)
	if err != nil {
		return nil, readFault("list subscriptions to", resource, err)
	}
	topics, err := s.topicsOf(ctx, id)
	if err != nil {
		return nil, readFault("list system topics of", resource, err)
	}
	for _, topic := range topics {
		some, err := s.under(ctx, topic)
		if err != nil {
			return nil, readFault("list subscriptions of system topic", topic.String(), err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func (s Subscriptions) options() *arm.ClientOptions {
	return &arm.ClientOptions{ClientOptions: s.ClientOptions, DisableRPRegistration: true}
}

func (s Subscriptions) at(ctx context.Context, id *arm.ResourceID) ([]doctor.Subscription, error) {
	client, err := armeventgrid.NewEventSubscriptionsClient(id.SubscriptionID, s.Credential, s.options())
	if err != nil {
		return nil, err
	}
	pager := client.NewListByResourcePager(id.ResourceGroupName, id.ResourceType.Namespace, id.ResourceType.Type, id.Name, nil)
	return collect(ctx, pager, func(page armeventgrid.EventSubscriptionsClientListByResourceResponse) []doctor.Subscription {
		return s.read(page.Value)
	})
}

func (s Subscriptions) under(ctx context.Context, topic *arm.ResourceID) ([]doctor.Subscription, error) {
	client, err := armeventgrid.NewSystemTopicEventSubscriptionsClient(topic.SubscriptionID, s.Credential, s.options())
	if err != nil {
		return nil, err
	}
	pager := client.NewListBySystemTopicPager(topic.ResourceGroupName, topic.Name, nil)
	return collect(ctx, pager, func(page armeventgrid.SystemTopicEventSubscriptionsClientListBySystemTopicResponse) []doctor.Subscription {
		return s.read(page.Value)
	})
}

// topicsOf finds the system topics of a resource: they are in its subscription.
func (s Subscriptions) topicsOf(ctx context.Context, id *arm.ResourceID) ([]*arm.ResourceID, error) {
	client, err := armeventgrid.NewSystemTopicsClient(id.SubscriptionID, s.Credential, s.options())
	if err != nil {
		return nil, err
	}
	return collect(ctx, client.NewListBySubscriptionPager(nil), func(page armeventgrid.SystemTopicsClientListBySubscriptionResponse) (found []*arm.ResourceID) {
		for _, t := range page.Value {
			if t == nil || t.Properties == nil || !strings.EqualFold(value(t.Properties.Source), id.String()) {
				continue
			}
			if topic, err := arm.ParseResourceID(value(t.ID)); err == nil {
				found = append(found, topic)
			}
		}
		return found
	})
}

func collect[Page, Item any](ctx context.Context, pager *runtime.Pager[Page], items func(Page) []Item) (all []Item, err error) {
	for n := 0; n < mostPages && pager.More(); n++ {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, items(page)...)
	}
	return all, nil
}

func (s Subscriptions) read(subscriptions []*armeventgrid.EventSubscription) (all []doctor.Subscription) {
	for _, sub := range subscriptions {
		if sub == nil || sub.Properties == nil {
			continue
		}
		one := doctor.Subscription{Name: value(sub.Name), Function: s.function(sub.Properties)}
		if sub.SystemData != nil {
			one.Created = value(sub.SystemData.CreatedAt)
		}
		if f := sub.Properties.Filter; f != nil {
			for _, t := range f.IncludedEventTypes {
				one.EventTypes = append(one.EventTypes, value(t))
			}
		}
		all = append(all, one)
	}
	return all
}

// webhookPath is where the Functions host takes events, and nearExpiry the one function
// that does. Which function a webhook names stands in its query, which is not shown: it
// holds a key.
// https://learn.microsoft.com/azure/azure-functions/event-grid-how-tos#create-a-subscription
const (
	webhookPath = "/runtime/webhooks/eventgrid"
	nearExpiry  = "nearexpiry"
)

// function is the name of the function of this app that a subscription leads to, or empty.
func (s Subscriptions) function(p *armeventgrid.EventSubscriptionProperties) string {
	destination := p.Destination
	if destination == nil && p.DeliveryWithResourceIdentity != nil {
		destination = p.DeliveryWithResourceIdentity.Destination
	}
	switch to := destination.(type) {
	case *armeventgrid.AzureFunctionEventSubscriptionDestination:
		if to.Properties != nil {
			return s.ofResource(value(to.Properties.ResourceID))
		}
	case *armeventgrid.WebHookEventSubscriptionDestination:
		if to.Properties != nil {
			return s.ofAddress(value(to.Properties.EndpointBaseURL))
		}
	}
	return ""
}

// ofResource reads /…/sites/{app}/functions/{function}, where a slot may stand between.
func (s Subscriptions) ofResource(id string) string {
	parsed, err := arm.ParseResourceID(id)
	if err != nil || parsed.Parent == nil || s.Site != "" && !strings.EqualFold(parsed.Parent.Name, s.Site) {
		return ""
	}
	return parsed.Name
}

// ofAddress reads the address of a webhook: an app's host begins with its name.
func (s Subscriptions) ofAddress(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || !strings.EqualFold(strings.TrimSuffix(parsed.Path, "/"), webhookPath) {
		return ""
	}
	host, site := strings.ToLower(parsed.Host), strings.ToLower(s.Site)
	if site != "" && !strings.HasPrefix(host, site+".") && !strings.HasPrefix(host, site+"-") {
		return ""
	}
	return nearExpiry
}

// readFault says what Resource Manager refused.
func readFault(doing, subject string, err error) error {
	return faultOf(fmt.Sprintf("eventgrid: %s %q", doing, subject), "assign rekey's identity Reader on the vault's resource group and on that of its system topic", err)
}

// value reads what may be left out.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
