package main

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/rekey-dev/rekey/functions"
	"github.com/rekey-dev/rekey/functions/apiconnection"
	"github.com/rekey-dev/rekey/functions/automation"
	"github.com/rekey-dev/rekey/functions/devops"
	"github.com/rekey-dev/rekey/functions/keyvault"
	"github.com/rekey-dev/rekey/functions/notify"
	"github.com/rekey-dev/rekey/functions/vercel"
	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/entra"
	"github.com/rekey-dev/rekey/internal/eventgrid"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/outbound"
	"github.com/rekey-dev/rekey/internal/servicebus"
	"github.com/rekey-dev/rekey/internal/tablestore"
	"github.com/rekey-dev/rekey/internal/vault"
)

// connect makes every client and puts the system together. No client talks to
// anybody before its first call.
func connect(c config, log *slog.Logger) (functions.Config, error) {
	transport, err := newTransport(c.extraCAFile)
	if err != nil {
		return functions.Config{}, err
	}
	return connectThrough(transport, c, log)
}

func connectThrough(transport *http.Transport, c config, log *slog.Logger) (functions.Config, error) {
	o, err := newOutside(c, transport)
	if err != nil {
		return functions.Config{}, err
	}
	bus, err := newBus(c, transport, o.credential)
	if err != nil {
		return functions.Config{}, err
	}
	e, err := newEngine(c, log, o, bus)
	if err != nil {
		return functions.Config{}, err
	}
	parts := functions.Config{
		Gate: newGate(c, transport, e), Owners: access.NewOwners(o.directory, c.callTimeout, time.Now),
		Engine: e, DeadLetters: bus, Vaults: o.vaults, StagingVault: c.stagingVault, Version: version, Log: log,
		Channels: notify.Channels(o.credential, transport, time.Now), PublicURL: c.publicURL, Graph: o.directory,
		Inventory: &inventory.Inventory{Store: e.Store, Directory: o.directory, Known: e, Now: time.Now, Log: log},
		Targets:   o.targets(c, e, log),
	}
	if c.eventGridTopic != "" {
		if parts.EventGrid, err = eventgrid.New(c.eventGridTopic, o.credential, transport); err != nil {
			return parts, err
		}
	}
	parts.Doctor = newDoctor(c, parts, o)
	return parts, nil
}

// outside is what several parts reach outside services with.
type outside struct {
	transport  *http.Transport
	credential azcore.TokenCredential // the function app's managed identity
	directory  *entra.Client
	vaults     *vault.Client
	manager    azcore.ClientOptions // of Resource Manager
}

func newOutside(c config, transport *http.Transport) (o outside, err error) {
	o.transport, o.manager = transport, azcore.ClientOptions{Transport: outbound.To(transport, "management.azure.com")}
	if o.credential, err = newCredential(c, transport); err != nil {
		return o, err
	}
	o.vaults = vault.New(o.credential, transport)
	o.directory, err = entra.New(entra.Options{Transport: transport, Credential: o.credential, TenantID: c.tenantID})
	return o, err
}

// targets are the integrations, by their words.
func (o outside) targets(c config, e *engine.Engine, log *slog.Logger) map[string]functions.Target {
	return map[string]functions.Target{
		"apiconnection": apiconnection.New(apiconnection.Config{
			Vaults: o.vaults, StagingVault: c.stagingVault, Credential: o.credential, ClientOptions: o.manager,
		}),
		"automation": automation.New(automation.Config{
			Tasks: e, Vaults: o.vaults, Credential: o.credential, Self: c.self(), StagingVault: c.stagingVault, Now: time.Now,
			ClientOptions: o.manager,
		}),
		"keyvault": keyvault.New(keyvault.Config{
			Vaults: o.vaults, Principals: o.directory, Credential: o.credential, ClientOptions: o.manager,
			StagingVault: c.stagingVault, Installation: c.installation, Log: log,
		}),
		"devops": devops.New(devops.Config{Credential: o.credential, Transport: o.transport, TenantID: c.tenantID, Organizations: c.devopsOrgs}),
		"vercel": vercel.New(vercel.Config{Groups: e, Transport: o.transport}),
	}
}

// newGate tells who uses the API and the pages.
func newGate(c config, transport *http.Transport, keys access.Keys) *access.Gate {
	return access.New(access.Config{
		Open: c.openAPI, Platform: c.platformAuth, TenantID: c.tenantID, ClientID: c.apiClientID, Audience: c.apiAudience,
		Keys: keys, Transport: transport, CallTimeout: c.callTimeout, Now: time.Now,
	})
}

// newEngine connects the engine to the store, the bus, Graph and the staging vault.
func newEngine(c config, log *slog.Logger, o outside, bus engine.Bus) (*engine.Engine, error) {
	store, err := newStore(c, o.transport, o.credential)
	if err != nil {
		return nil, err
	}
	stage := vault.NewStage(o.vaults, c.stagingVault, c.installation, time.Now)
	return &engine.Engine{
		Store: store, Bus: bus, Directory: o.directory, Keys: o.directory, Verifier: o.directory, Stage: stage, Tokens: stage,
		NewCertificate: certificate.New, Jitter: rand.N[time.Duration], Now: time.Now, Log: log,
		Tenant: c.tenantID, Installation: c.installation, Self: c.self(), CallTimeout: c.callTimeout,
	}, nil
}

// newCredential is the function app's managed identity.
// https://learn.microsoft.com/azure/app-service/overview-managed-identity
func newCredential(c config, transport *http.Transport) (azcore.TokenCredential, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: outbound.Straight(transport)},
	}
	if c.clientID != "" {
		options.ID = azidentity.ClientID(c.clientID)
	}
	return azidentity.NewManagedIdentityCredential(options)
}

func newStore(c config, transport *http.Transport, credential azcore.TokenCredential) (*tablestore.Store, error) {
	options := tablestore.Options{CallTimeout: c.callTimeout, Transport: outbound.Straight(transport)}
	if c.tablesConn != "" {
		return tablestore.FromConnectionString(c.tablesConn, options)
	}
	return tablestore.FromEndpoint(c.tablesEndpoint, credential, options)
}

func newBus(c config, transport *http.Transport, credential azcore.TokenCredential) (*servicebus.Bus, error) {
	client, err := newBusClient(c, transport, credential)
	if err != nil {
		return nil, err
	}
	return servicebus.New(client, servicebus.Options{CallTimeout: c.callTimeout}), nil
}

// newBusClient trusts what the shared transport trusts, and comes back to a bus
// that was out of reach sooner than the SDK's four seconds.
func newBusClient(c config, transport *http.Transport, credential azcore.TokenCredential) (*azservicebus.Client, error) {
	options := &azservicebus.ClientOptions{
		TLSConfig:    transport.TLSClientConfig.Clone(),
		RetryOptions: azservicebus.RetryOptions{RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 5 * time.Second},
	}
	if c.busConnection != "" {
		return azservicebus.NewClientFromConnectionString(c.busConnection, options)
	}
	return azservicebus.NewClient(c.busNamespace, credential, options)
}
