package entra

import (
	"slices"
	"strings"
)

// Audiences of the services that the simulated cloud knows.
const (
	GraphAudience            = "https://graph.microsoft.com"
	VaultAudience            = "https://vault.azure.net"
	ResourceManagerAudience  = "https://management.azure.com"
	EventGridAudience        = "https://eventgrid.azure.net"
	DevOpsAudience           = "499b84ac-1321-427f-aa17-267ca6975798"
	StorageAudience          = "https://storage.azure.com"
	ServiceBusAudience       = "https://servicebus.azure.net"
	AppConfigurationAudience = "https://azconfig.io"
)

// azureResources are those that every tenant knows. Further ones are the
// applications of the tenant, and what AddResource adds.
func azureResources() map[string]bool {
	return map[string]bool{
		GraphAudience: true, VaultAudience: true, ResourceManagerAudience: true, EventGridAudience: true,
		DevOpsAudience: true, StorageAudience: true, ServiceBusAudience: true, AppConfigurationAudience: true,
	}
}

// AddResource lets tokens be issued for a further audience.
func (d *Directory) AddResource(audience string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resources[canonicalAudience(audience)] = true
}

// knownResource reports whether tokens can be issued for an audience.
func (d *Directory) knownResource(audience string) bool {
	d.mu.RLock()
	known := d.resources[canonicalAudience(audience)]
	d.mu.RUnlock()
	if known {
		return true
	}
	_, known = d.applicationFor(audience)
	return known
}

// applicationFor returns the application that an audience names: by its client id, by
// that as an App ID URI, or by an App ID URI of its own.
func (d *Directory) applicationFor(audience string) (Application, bool) {
	if app, known := d.ApplicationByAppID(strings.TrimPrefix(audience, "api://"), 0); known {
		return app, true
	}
	d.mu.RLock()
	known := d.resources[canonicalAudience(audience)]
	d.mu.RUnlock()
	if known {
		return Application{}, false
	}
	for _, app := range d.Applications(0) {
		if slices.Contains(app.IdentifierURIs, audience) {
			return app, true
		}
	}
	return Application{}, false
}

// resourceOf names a resource as app roles on it do: by the client id of an application
// of the tenant, or as the service that it is.
func (d *Directory) resourceOf(audience string) string {
	if app, known := d.applicationFor(audience); known {
		return app.AppID
	}
	return canonicalAudience(audience)
}

func sameAudience(a, b string) bool { return canonicalAudience(a) == canonicalAudience(b) }

// canonicalAudience names a service by one of the names it goes by. A trailing
// slash is left to the client: Resource Manager's own scope has it.
func canonicalAudience(audience string) string {
	switch name := strings.ToLower(strings.TrimRight(audience, "/")); name {
	case "https://management.core.windows.net", "https://management.azure.com":
		return ResourceManagerAudience
	case "00000003-0000-0000-c000-000000000000":
		return GraphAudience
	case "cfa8b339-82a2-471a-a3c9-0fc0be7a4093":
		return VaultAudience
	default:
		return name
	}
}
