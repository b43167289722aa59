package connections

import (
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// Options are delays and limits.
type Options struct {
	StatusDelay time.Duration // until a written connection is signed in
	PageSize    int           // of lists; 100 when left out
}

// Service is the API connections of one tenant. Its methods may be called from any
// goroutine.
type Service struct {
	clock     *clock.Clock
	directory *entra.Directory
	options   Options
	managed   []*Connector

	mu          sync.Mutex
	connections []*connection
	customAPIs  []*customAPI
}

// New returns a service without any connection.
func New(clk *clock.Clock, directory *entra.Directory, options Options) *Service {
	if options.PageSize == 0 {
		options.PageSize = 100
	}
	directory.AddResource(outlookAudience)
	directory.AddResource(sharePointAudience)
	return &Service{clock: clk, directory: directory, options: options, managed: managedAPIs()}
}

const (
	subscriptionPath = "/subscriptions/{subscription}"
	groupPath        = subscriptionPath + "/resourceGroups/{group}"
	providerPath     = "/providers/Microsoft.Web"
	connectionPath   = groupPath + providerPath + "/connections/{name}"
	customAPIPath    = groupPath + providerPath + "/customApis/{name}"
	managedAPIsPath  = subscriptionPath + providerPath + "/locations/{location}/managedApis"
)

func versions() []string { return []string{"2015-08-01-preview", "2016-06-01", "2018-07-01-preview"} }

// Operations are what Resource Manager is to mount.
func (s *Service) Operations() []resourcemanager.Operation {
	all := []resourcemanager.Operation{
		{Method: "GET", Template: subscriptionPath + providerPath + "/connections", ResourceType: "connections", Handle: s.listConnections},
		{Method: "GET", Template: groupPath + providerPath + "/connections", ResourceType: "connections", Handle: s.listConnections},
		{Method: "GET", Template: connectionPath, ResourceType: "connections", Handle: s.getConnection},
		{Method: "PUT", Template: connectionPath, ResourceType: "connections", Handle: s.putConnection},
		{Method: "PATCH", Template: connectionPath, ResourceType: "connections", Handle: s.patchConnection},
		{Method: "DELETE", Template: connectionPath, ResourceType: "connections", Handle: s.deleteConnection},
		{Method: "GET", Template: managedAPIsPath, ResourceType: "locations/managedApis", Handle: s.listManagedAPIs},
		{Method: "GET", Template: managedAPIsPath + "/{name}", ResourceType: "locations/managedApis", Handle: s.getManagedAPI},
		{Method: "GET", Template: subscriptionPath + providerPath + "/customApis", ResourceType: "customApis", Handle: s.listCustomAPIs},
		{Method: "GET", Template: groupPath + providerPath + "/customApis", ResourceType: "customApis", Handle: s.listCustomAPIs},
		{Method: "GET", Template: customAPIPath, ResourceType: "customApis", Handle: s.getCustomAPI},
		{Method: "PUT", Template: customAPIPath, ResourceType: "customApis", Handle: s.putCustomAPI},
		{Method: "DELETE", Template: customAPIPath, ResourceType: "customApis", Handle: s.deleteCustomAPI},
	}
	for _, path := range s.testPaths() {
		all = append(all, resourcemanager.Operation{
			Method: "GET", Template: connectionPath + proxyPath + path, ResourceType: "connections", Handle: s.testConnection,
		})
	}
	for i := range all {
		all[i].Versions = versions()
	}
	return all
}

// testPaths are those that test links call, once each. Custom APIs have the first.
func (s *Service) testPaths() []string {
	paths := []string{testConnection}
	for _, c := range s.managed {
		if c.TestPath != testConnection {
			paths = append(paths, c.TestPath)
		}
	}
	return paths
}
