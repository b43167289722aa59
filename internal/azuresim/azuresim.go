// Package azuresim is Azure on one machine: the HTTPS hosts behind a proxy, a
// Service Bus namespace and a storage account with tables, each on its port, all
// on one clock.
//
// It serves any program that speaks to Azure through an SDK. A program is pointed
// at it by its environment alone: HTTPS_PROXY and a certificate authority for the
// HTTPS hosts, IDENTITY_ENDPOINT for its managed identity, connection strings for
// the bus and the tables. The packages below hold one service each and say where
// their facts come from; this one puts them together, and knows nothing of the
// programs that it serves.
package azuresim

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/automation"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/compute"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/connections"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/deploymentscripts"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/devops"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid/control"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/graph"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/hooks"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/vercel"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
	"github.com/rekey-dev/rekey/internal/azuresim/tables"
)

// Options say which Azure to make.
type Options struct {
	TenantID string
	Logger   *slog.Logger // nil drops what it is told
	Clock    *clock.Clock // nil is a clock of its own
	// TokenKey signs tokens; nil is a key of its own, which takes a while to make.
	TokenKey *rsa.PrivateKey
	// CAFile is where the certificate authority's public certificate is written.
	CAFile string
	// Entities declares the bus's queues and topics.
	Entities servicebus.Config
	Ports    Ports
	Latency  Latency
}

// Ports are where the services listen on 127.0.0.1. Zero takes any free port.
type Ports struct {
	Proxy, ServiceBus, ServiceBusAdmin, Tables int
}

// Latency is how late things take effect. The zero value is an Azure in which
// everything takes effect at once and nothing is throttled.
type Latency struct {
	Replication     time.Duration // a password, from replica to replica of the token service
	ReadLag         time.Duration // Graph's reads, from replica to replica
	WriteWindow     time.Duration // Graph refuses the next write to an application
	RolePropagation time.Duration
	Recovery        time.Duration // of a deleted vault object
	Processing      time.Duration // of a changed service connection
	NearExpiry      time.Duration // until the event of what lives less than 30 days
	VercelBuild     time.Duration // from a deployment's creation to its end
	EventRetry      float64       // scale of Event Grid's waits between attempts; 0 is 1
	Jobs            time.Duration // until a script or a job starts, and again as long until it ends
	Limits          bool          // throttle at the documented limits
}

// Realistic is an Azure as it is on a good day.
func Realistic() Latency {
	return Latency{
		Replication: 2 * time.Second, ReadLag: time.Second, WriteWindow: 100 * time.Millisecond,
		RolePropagation: 5 * time.Second, Recovery: 2 * time.Second, Processing: 2 * time.Second, NearExpiry: 5 * time.Second,
		VercelBuild: 15 * time.Second, Jobs: 2 * time.Second, EventRetry: 0.1, Limits: true,
	}
}

// Azure is a running simulated Azure.
type Azure struct {
	Clock           *clock.Clock
	Cloud           *cloud.Cloud
	Directory       *entra.Directory
	Graph           *graph.Service
	Vaults          *keyvault.Service
	ResourceManager *resourcemanager.Service
	Connections     *connections.Service
	EventGrid       *eventgrid.Service
	DevOps          *devops.Service
	Vercel          *vercel.Service
	Compute         *compute.Service
	Automation      *automation.Service
	Scripts         *deploymentscripts.Service
	Hooks           *hooks.Service
	Bus             *servicebus.Namespace
	Tables          *tables.Account

	endpoints Endpoints
	close     []func() error
	serving   sync.WaitGroup
}

// Endpoints is where a client finds everything.
type Endpoints struct {
	Proxy            string // http://host:port
	ServiceBus       string // connection string
	ServiceBusAdmin  string // connection string
	Tables           string // connection string
	IdentityEndpoint string
	IdentityHeader   string
}

// New makes an empty Azure that no port leads to, without a bus and tables: what
// asks it hands requests to the handler of its cloud.
func New(o Options) (*Azure, error) {
	if o.Clock == nil {
		o.Clock = clock.New()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Azure{Clock: o.Clock}
	return a, a.makeCloud(o)
}

// Start makes an empty Azure and serves it until Close.
func Start(o Options) (*Azure, error) {
	a, err := New(o)
	if err != nil {
		return nil, err
	}
	bus, err := servicebus.New(o.Entities, servicebus.Options{Clock: a.Clock, Logger: o.Logger, TLS: a.Cloud.ServerTLS()})
	if err != nil {
		return nil, err
	}
	a.Bus = bus
	// Signatures carry the time, and programs sign with the wall clock: a moved
	// clock would refuse every one of them.
	a.Tables = tables.New(tables.Options{Logger: o.Logger})
	if err := a.serve(o.Ports); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// makeCloud builds the HTTPS hosts around one directory.
func (a *Azure) makeCloud(o Options) (err error) {
	if a.Cloud, err = cloud.New(cloud.Options{Clock: o.Clock, Logger: o.Logger, CAFile: o.CAFile}); err != nil {
		return err
	}
	l := o.Latency
	a.Directory = entra.New(o.Clock, o.Logger, o.TenantID, entra.Options{ReplicationDelay: l.Replication, TokenKey: o.TokenKey})
	a.Graph = graph.New(o.Clock, o.Logger, a.Directory, graph.Options{ReadLag: l.ReadLag, WriteWindow: l.WriteWindow, Limits: l.Limits})
	a.ResourceManager = resourcemanager.New(o.Clock, a.Directory, a.Directory, o.TenantID,
		resourcemanager.Options{RolePropagation: l.RolePropagation, Unthrottled: !l.Limits})
	a.EventGrid = eventgrid.New(o.Clock, a.Directory, a.ResourceManager, eventgrid.Options{RetryScale: l.EventRetry})
	a.Vaults = keyvault.New(o.Clock, a.Directory, a.ResourceManager, a.EventGrid,
		keyvault.Options{RecoveryDelay: l.Recovery, NearExpiryDelay: l.NearExpiry, Unthrottled: !l.Limits})
	a.DevOps = devops.New(o.Clock, a.Directory, a.Directory, o.TenantID, devops.Options{Processing: l.Processing, Unthrottled: !l.Limits})
	a.Vercel = vercel.New(o.Clock, vercel.Options{BuildTime: l.VercelBuild})
	a.ResourceManager.OnDelete(a.EventGrid.UnsubscribeAll)
	a.Connections = connections.New(o.Clock, a.Directory, connections.Options{})
	a.ResourceManager.Mount(a.Connections.Operations()...)
	a.ResourceManager.Mount(control.Operations(a.EventGrid)...)

	a.Compute = compute.New(o.Clock, a.ResourceManager, compute.Options{Starting: l.Jobs, Takes: l.Jobs})
	a.Automation = automation.New(o.Clock, a.ResourceManager, automation.Options{Queued: l.Jobs, Takes: l.Jobs})
	a.Scripts = deploymentscripts.New(o.Clock, a.ResourceManager, deploymentscripts.Options{Provisioning: l.Jobs, Takes: l.Jobs})

	a.Cloud.Handle("login.microsoftonline.com", a.Directory)
	a.Cloud.Handle("graph.microsoft.com", a.Graph)
	a.Cloud.Handle("management.azure.com", a.ResourceManager)
	a.Cloud.Handle("*.vault.azure.net", a.Vaults)
	a.Cloud.Handle("*.eventgrid.azure.net", a.EventGrid)
	a.Cloud.Handle(devops.Host, a.DevOps)
	a.Cloud.Handle(devops.ProfileHost, a.DevOps)
	a.Cloud.Handle("api.vercel.com", a.Vercel)
	a.Hooks = hooks.New()
	for _, host := range hooks.Hosts() {
		a.Cloud.Handle(host, a.Hooks)
	}
	a.Cloud.HandleLocal(identityPath, a.Directory.ManagedIdentity())
	a.Cloud.State("entra", a.Directory.State)
	a.Cloud.State("keyvault", func() any { return a.Vaults.State() })
	a.Cloud.State("resourceManager", func() any { return a.ResourceManager.State() })
	a.Cloud.State("connections", func() any { return a.Connections.State() })
	a.Cloud.State("compute", func() any { return a.Compute.State() })
	a.Cloud.State("automation", func() any { return a.Automation.State() })
	a.Cloud.State("deploymentScripts", func() any { return a.Scripts.State() })
	a.Cloud.State("eventGrid", func() any { return a.EventGrid.State() })
	a.Cloud.State("devops", func() any { return a.DevOps.State() })
	a.Cloud.State("vercel", func() any { return a.Vercel.State() })
	a.Cloud.State("mail", a.Graph.MailState)
	a.Cloud.State("hooks", a.Hooks.State)
	a.Cloud.State("serviceBus", func() any { return a.Bus.Counts() })
	return nil
}

const identityPath = "/msi/token"

// serve opens every port. A port that is taken is named in the error.
func (a *Azure) serve(p Ports) error {
	proxy, err := a.listen("proxy", p.Proxy, a.Cloud.Serve, a.Cloud.Close)
	if err != nil {
		return err
	}
	bus, err := a.listen("Service Bus", p.ServiceBus, a.Bus.Serve, a.Bus.Close)
	if err != nil {
		return err
	}
	admin, err := a.listen("Service Bus administration", p.ServiceBusAdmin, a.Bus.Serve, nil)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: a.Tables}
	table, err := a.listen("tables", p.Tables, server.Serve, server.Close)
	if err != nil {
		return err
	}
	a.endpoints = Endpoints{
		Proxy:            "http://" + proxy,
		ServiceBus:       busConnection(bus),
		ServiceBusAdmin:  busConnection(admin),
		Tables:           a.Tables.ConnectionString(table),
		IdentityEndpoint: "http://" + proxy + identityPath,
		IdentityHeader:   a.Directory.IdentityHeader(),
	}
	return nil
}

func (a *Azure) listen(what string, port int, serve func(net.Listener) error, stop func() error) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	a.serving.Go(func() { _ = serve(listener) })
	if stop != nil {
		a.close = append(a.close, stop)
	}
	return listener.Addr().String(), nil
}

// busConnection is a connection string as the official emulator's:
// https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator
func busConnection(address string) string {
	return "Endpoint=sb://" + address + ";SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
}

// Endpoints returns where a client finds everything.
func (a *Azure) Endpoints() Endpoints { return a.endpoints }

// Close ends every service and waits until their ports are free.
func (a *Azure) Close() error {
	var errs []error
	for _, stop := range a.close {
		errs = append(errs, stop())
	}
	a.serving.Wait()
	return errors.Join(errs...)
}
