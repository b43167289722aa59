package apiconnection

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Choices lists the connections of the subscriptions that rekey can see. With
// "appId" chosen, those of other applications are unusable; with "kind", those that
// take no such credential.
func (t *Target) Choices(ctx context.Context, setting string, chosen map[string]string) ([]rotation.Choice, error) {
	if setting != "connection" {
		return nil, rotation.Problem{Field: "setting", Detail: `must be "connection": the other settings have no choices`}
	}
	found, err := t.manager.connections(ctx)
	if err != nil {
		return nil, err
	}
	connectors := map[string]offered{}
	choices := []rotation.Choice{}
	for _, c := range found {
		key := strings.ToLower(c.API.ID)
		k, known := connectors[key]
		if !known {
			k.connector, k.err = t.manager.connector(ctx, c.API.ID)
			connectors[key] = k
		}
		name := fmt.Sprintf("%s (%s, %s)", cmp.Or(c.DisplayName, c.Name), cmp.Or(k.name, c.API.Name), c.group())
		choices = append(choices, rotation.Choice{Value: c.ID, Name: name, Unusable: unusable(c, k, chosen)})
	}
	slices.SortStableFunc(choices, func(a, b rotation.Choice) int { return cmp.Compare(a.Name, b.Name) })
	return choices, nil
}

// offered is a connector, or why it cannot be read.
type offered struct {
	connector
	err error
}

// unusable says why a connection would be refused, or nothing.
func unusable(c connection, k offered, chosen map[string]string) string {
	if k.err != nil {
		return reason(k.err)
	}
	s, err := signInOf(c, k.connector)
	if err == nil {
		err = s.belongsTo(chosen["appId"])
	}
	kind := rotation.Kind(chosen["kind"])
	if err == nil && (kind == rotation.Secret || kind == rotation.Certificate) {
		_, err = s.credentialParameter(kind)
	}
	if err != nil {
		return reason(err)
	}
	return ""
}

// reason is an error without the name of this package, for people.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "apiconnection: ") }

// group is the name of the resource group.
func (c connection) group() string {
	parts := strings.Split(c.ID, "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[4]
}

// connections lists those of every subscription. One that shows none is passed over.
func (m *resourceManager) connections(ctx context.Context) ([]connection, error) {
	subscriptions, err := m.subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	var all []connection
	for _, subscription := range subscriptions {
		found, err := m.list(ctx, fmt.Sprintf("list the connections of subscription %q", subscription),
			"/subscriptions/"+subscription+"/providers/"+connectionType+connectionsVersion)
		if err != nil {
			if class := rotation.ClassOf(err); class == rotation.Denied || class == rotation.NotFound {
				continue
			}
			return nil, err
		}
		all = append(all, readable(found)...)
	}
	return all, nil
}

// readable leaves out what could not be chosen because it cannot be read.
func readable(found []json.RawMessage) (all []connection) {
	for _, raw := range found {
		var named struct{ ID string }
		if json.Unmarshal(raw, &named) != nil {
			continue
		}
		id, legal := normalise(named.ID)
		if c, err := readConnection(raw, named.ID); legal && err == nil {
			c.ID = id
			all = append(all, c)
		}
	}
	return all
}

// subscriptions lists those that can be used.
// https://learn.microsoft.com/rest/api/resources/subscriptions/list
func (m *resourceManager) subscriptions(ctx context.Context) (ids []string, err error) {
	found, err := m.list(ctx, "list subscriptions", "/subscriptions"+subscriptionsVersion)
	for _, raw := range found {
		var s struct{ SubscriptionID, State string }
		if json.Unmarshal(raw, &s) == nil && (s.State == "Enabled" || s.State == "PastDue") && guidForm.MatchString(s.SubscriptionID) {
			ids = append(ids, s.SubscriptionID)
		}
	}
	return ids, err
}

// mostPages ends a list that never does.
const mostPages = 1000

// list follows a list to its end.
func (m *resourceManager) list(ctx context.Context, doing, path string) (all []json.RawMessage, err error) {
	for range mostPages {
		body, err := m.do(ctx, doing, http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Value    []json.RawMessage `json:"value"`
			NextLink string            `json:"nextLink"`
		}
		if json.Unmarshal(body, &page) != nil {
			return nil, fault(doing, errNonsense)
		}
		all = append(all, page.Value...)
		if page.NextLink == "" {
			return all, nil
		}
		next, err := m.follow(page.NextLink)
		if err != nil {
			return nil, fault(doing, err)
		}
		path = next.RequestURI()
	}
	return nil, fault(doing, errors.New("the list never ends"))
}
