// Package control is the control plane of the simulated Event Grid, as far as it lists
// system topics and event subscriptions, for Resource Manager.
//
// Facts come from https://learn.microsoft.com/rest/api/eventgrid/controlplane. Where they
// are silent, these choices were made: a subscription that was made under a system topic
// is not listed at the resource, and the other way round; when it was made stands in its
// systemData; an unknown resource has no subscriptions.
package control

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// The api-versions that exist of what is here.
var managementVersions = strings.Fields("2020-06-01 2021-12-01 2022-06-15 2025-02-15")

const systemTopicPath = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.EventGrid/systemTopics/{topic}"

// service answers for one Event Grid.
type service struct{ of *eventgrid.Service }

// Operations are the calls that list what an Event Grid has.
func Operations(of *eventgrid.Service) []resourcemanager.Operation {
	s := service{of}
	get := func(template, resourceType string, handle func(*resourcemanager.Request) (int, any, error)) resourcemanager.Operation {
		return resourcemanager.Operation{Method: http.MethodGet, Template: template, ResourceType: resourceType, Versions: managementVersions, Handle: handle}
	}
	return []resourcemanager.Operation{
		get("/subscriptions/{subscription}/providers/Microsoft.EventGrid/systemTopics", "systemTopics", s.listSystemTopics),
		get(systemTopicPath+"/eventSubscriptions", "systemTopics", s.listUnderTopic),
		get("{scope}/providers/Microsoft.EventGrid/eventSubscriptions", "eventSubscriptions", s.listAtResource),
	}
}

// listSystemTopics shows those that the caller may read.
// https://learn.microsoft.com/rest/api/eventgrid/controlplane/system-topics/list-by-subscription
func (s service) listSystemTopics(r *resourcemanager.Request) (int, any, error) {
	prefix := "/subscriptions/" + r.Path["subscription"] + "/"
	shown := []any{}
	for _, t := range s.topicsUnder(prefix) {
		if r.MayRead("Microsoft.EventGrid/systemTopics/read", t.ID) {
			shown = append(shown, map[string]any{
				"id": t.ID, "name": last(t.ID), "type": "Microsoft.EventGrid/systemTopics", "location": "westeurope",
				"properties": map[string]any{"provisioningState": "Succeeded", "source": t.Source, "topicType": "microsoft.keyvault.vaults"},
			})
		}
	}
	return r.Page(shown)
}

func (s service) topicsUnder(prefix string) []eventgrid.SystemTopic {
	return slices.DeleteFunc(s.of.SystemTopics(), func(t eventgrid.SystemTopic) bool {
		return !strings.HasPrefix(strings.ToLower(t.ID), strings.ToLower(prefix))
	})
}

// listUnderTopic shows the subscriptions of a system topic.
// https://learn.microsoft.com/rest/api/eventgrid/controlplane/system-topic-event-subscriptions/list-by-system-topic
func (s service) listUnderTopic(r *resourcemanager.Request) (int, any, error) {
	path := r.URL.Path
	id := path[:len(path)-len("/eventSubscriptions")]
	if err := r.Authorize("Microsoft.EventGrid/systemTopics/eventSubscriptions/read", id); err != nil {
		return 0, nil, err
	}
	if len(s.topicsUnder(id)) == 0 {
		return 0, nil, resourcemanager.Refuse(http.StatusNotFound, "ResourceNotFound", "The Resource 'Microsoft.EventGrid/systemTopics/%s' under resource group '%s' was not found.", r.Path["topic"], r.Path["group"])
	}
	return r.Page(s.shown(func(sub eventgrid.Subscribed) bool { return strings.EqualFold(sub.SystemTopic, id) }))
}

// listAtResource shows the subscriptions that were made at a resource itself.
// https://learn.microsoft.com/rest/api/eventgrid/controlplane/event-subscriptions/list-by-resource
func (s service) listAtResource(r *resourcemanager.Request) (int, any, error) {
	scope := r.Path["scope"]
	if err := r.Authorize("Microsoft.EventGrid/eventSubscriptions/read", scope); err != nil {
		return 0, nil, err
	}
	return r.Page(s.shown(func(sub eventgrid.Subscribed) bool {
		return sub.SystemTopic == "" && strings.EqualFold(sub.Source, scope)
	}))
}

func (s service) shown(which func(eventgrid.Subscribed) bool) []any {
	all := []any{}
	for _, sub := range s.of.Subscribed() {
		if which(sub) {
			all = append(all, show(sub))
		}
	}
	return all
}

// show renders a subscription. The address of a webhook is shown without its query,
// which may hold a key; there is a call of its own for the whole one.
func show(sub eventgrid.Subscribed) map[string]any {
	destination := map[string]any{"endpointType": "AzureFunction", "properties": map[string]any{
		"resourceId": sub.Function, "maxEventsPerBatch": sub.MaxEventsPerBatch, "preferredBatchSizeInKilobytes": 64,
	}}
	if sub.Function == "" {
		destination = map[string]any{"endpointType": "WebHook", "properties": map[string]any{
			"endpointUrl": nil, "endpointBaseUrl": withoutQuery(sub.Endpoint), "maxEventsPerBatch": sub.MaxEventsPerBatch, "preferredBatchSizeInKilobytes": 64,
		}}
	}
	under := cmp.Or(sub.SystemTopic, sub.Source)
	id := under + "/providers/Microsoft.EventGrid/eventSubscriptions/" + sub.Name
	if sub.SystemTopic != "" {
		id = under + "/eventSubscriptions/" + sub.Name
	}
	return map[string]any{
		"id": id, "name": sub.Name, "type": "Microsoft.EventGrid/eventSubscriptions",
		"systemData": map[string]any{"createdAt": stamp(sub.Created), "lastModifiedAt": stamp(sub.Created)},
		"properties": map[string]any{
			"topic": sub.Source, "provisioningState": "Succeeded", "destination": destination,
			"filter": map[string]any{
				"includedEventTypes": sub.EventTypes, "subjectBeginsWith": sub.SubjectBeginsWith, "subjectEndsWith": sub.SubjectEndsWith,
			},
			"eventDeliverySchema": string(sub.Schema),
			"retryPolicy":         map[string]any{"maxDeliveryAttempts": sub.MaxDeliveryAttempts, "eventTimeToLiveInMinutes": int(sub.EventTimeToLive.Minutes())},
		},
	}
}

func withoutQuery(endpoint string) string {
	address, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	address.RawQuery = ""
	return address.String()
}

func last(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z") }
