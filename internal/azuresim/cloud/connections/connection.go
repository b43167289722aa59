package connections

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// connection is one API connection with the values of its parameters.
type connection struct {
	subscription, group, name string
	top                       map[string]any // kind, location, tags and what nobody knows
	properties                map[string]any // without values and without what is computed
	connector                 *Connector
	signIn                    signIn
	user                      string // who consented, where a user did
	testStatus                int    // what its test answers, where the seed says so

	created, changed time.Time
	status           status
}

// signIn is how a connection says who it is.
type signIn struct {
	form   form
	set    string
	values map[string]any
}

type form int

const (
	plain form = iota // parameterValues, or none
	inSet             // parameterValueSet {name, values: {key: {value}}}
	flat              // parameterValueSet without that form: accepted and never connected
)

const connectionType = "Microsoft.Web/connections"

func connectionID(subscription, group, name string) string {
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s", subscription, group, connectionType, name)
}

func (c *connection) id() string { return connectionID(c.subscription, c.group, c.name) }

func (c *connection) location() string { return text(c.top, "location") }

// parameters are those that the values are for.
func (c *connection) parameters() map[string]Parameter {
	if c.signIn.form != inSet {
		return c.connector.Parameters
	}
	return c.connector.set(c.signIn.set).Parameters
}

// managedIdentity reports that a workflow signs in with its own identity.
func (c *connection) managedIdentity() bool {
	if strings.EqualFold(text(c.properties, "parameterValueType"), "Alternative") {
		return true
	}
	return c.signIn.form == inSet && c.parameters()["token"].Type == "managedIdentity"
}

const proxyPath = "/extensions/proxy/"

func (c *connection) json() map[string]any {
	shown := maps.Clone(c.top)
	shown["id"], shown["name"], shown["type"] = c.id(), c.name, connectionType
	properties := maps.Clone(c.properties)
	shown["properties"] = properties
	properties["statuses"], properties["overallStatus"] = []any{c.status.json()}, c.status.state
	properties["createdTime"], properties["changedTime"] = stamp(c.created), stamp(c.changed)
	properties["authenticatedUser"] = map[string]any{}
	if c.user != "" {
		properties["authenticatedUser"] = map[string]any{"name": c.user}
	}
	if strings.EqualFold(text(c.top, "kind"), "V2") {
		properties["connectionRuntimeUrl"] = "https://" + c.name + "." + c.location() + ".common.logic-azure-apihub.net/apim/" + c.connector.Name
	}
	properties["testLinks"] = c.testLinks()
	c.showValues(properties)
	return shown
}

func (c *connection) testLinks() []any {
	if c.connector.TestPath == "" {
		return []any{}
	}
	uri := "https://management.azure.com:443" + c.id() + proxyPath + c.connector.TestPath + "?api-version=2016-06-01"
	return []any{map[string]any{"requestUri": uri, "method": "get"}}
}

// showValues shows what is no secret. Of a flat set nothing is known, so nothing is shown.
func (c *connection) showValues(properties map[string]any) {
	switch c.signIn.form {
	case plain:
		if len(c.signIn.values) > 0 {
			properties["nonSecretParameterValues"] = visible(c.signIn.values, c.parameters())
		}
	case inSet:
		values := map[string]any{}
		for name, value := range visible(c.signIn.values, c.parameters()) {
			values[name] = map[string]any{"value": value}
		}
		properties["parameterValueSet"] = map[string]any{"name": c.signIn.set, "values": values}
	case flat:
	}
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.0000000Z") }

// find needs the lock.
func (s *Service) find(path map[string]string) *connection {
	for _, c := range s.connections {
		if strings.EqualFold(c.id(), connectionID(path["subscription"], path["group"], path["name"])) {
			return c
		}
	}
	return nil
}

// permitted authorizes a call on one connection, before anybody learns whether it
// exists.
func permitted(r *resourcemanager.Request, action string) error {
	if err := r.Authorize(action, connectionID(r.Path["subscription"], r.Path["group"], r.Path["name"])); err != nil {
		return err
	}
	_, err := r.Group()
	return err
}

// opened returns the connection that the caller may read.
func (s *Service) opened(r *resourcemanager.Request) (*connection, error) {
	if err := permitted(r, readConnection); err != nil {
		return nil, err
	}
	if found := s.find(r.Path); found != nil {
		return found, nil
	}
	return nil, notFound(connectionType, r.Path)
}

func notFound(resourceType string, path map[string]string) error {
	return resourcemanager.Refuse(404, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
		resourceType, path["name"], path["group"])
}
