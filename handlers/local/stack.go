package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
	"github.com/rekey-dev/rekey/internal/azuresim/servicebus"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/tablestore"
)

// Options say how to run the stack.
type Options struct {
	Apps         int
	Dist         string // host.json, */function.json and the handler
	Dir          string // where endpoints.json, ca.pem and handler.log go
	EntitiesFile string
	Ports        azuresim.Ports
	HostPort     int
	PerFunction  bool
	Access       bool // nobody comes in unknown
	Bench        bool
	Soak         time.Duration // or for how long it storms
	Seed         uint64        // of the soak
	WakeAll      bool          // the soak waits for no wake-up that was lost
	Latency      azuresim.Latency
	Settings     map[string]string // added to the handler's, or replacing them
	// Azure, if not nil, is called with the simulated Azure before it is used.
	Azure func(*azuresim.Azure)
	// Tables, if not nil, puts something between the handler and its tables.
	Tables func(connection string) string
	// Bus does the same for the handler and its bus.
	Bus func(connection string) string
}

// anyPorts takes whatever is free.
var anyPorts = azuresim.Ports{}

// DefaultOptions are those of `make run`. The ports are the usual ones: Functions
// Core Tools', the official Service Bus emulator's, Azurite's.
func DefaultOptions() Options {
	return Options{
		Apps: 12, Dist: "dist", Dir: ".local", HostPort: 7071,
		Ports:   azuresim.Ports{Proxy: 7080, ServiceBus: 5672, ServiceBusAdmin: 5300, Tables: 10002},
		Latency: azuresim.Realistic(),
	}
}

// Endpoints is what .local/endpoints.json holds.
type Endpoints struct {
	Host             string `json:"host"`
	ServiceBus       string `json:"serviceBus"`
	ServiceBusAdmin  string `json:"serviceBusAdmin"`
	Tables           string `json:"tables"`
	Proxy            string `json:"proxy"`
	CA               string `json:"ca"`
	IdentityEndpoint string `json:"identityEndpoint"`
	IdentityHeader   string `json:"identityHeader"`
}

// Stack is rekey and its Azure, running.
type Stack struct {
	Azure     *azuresim.Azure
	Host      *functionshost.Host
	Tenant    *Tenant
	Endpoints Endpoints

	options Options
	client  *http.Client
	log     *os.File
	feed    *feed
}

// Start brings everything up and writes endpoints.json last.
func Start(ctx context.Context, o Options) (s *Stack, err error) {
	s = &Stack{options: o, client: &http.Client{Timeout: 30 * time.Second}}
	s.client.Transport = asProgram{s, http.DefaultTransport}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	if err := s.openDir(); err != nil {
		return s, err
	}
	entities, err := readEntities(o)
	if err != nil {
		return s, err
	}
	s.Azure, err = azuresim.Start(azuresim.Options{
		TenantID: tenantID, CAFile: s.path("ca.pem"), Entities: entities, Ports: o.Ports, Latency: o.Latency,
	})
	if err != nil {
		return s, err
	}
	if o.Azure != nil {
		o.Azure(s.Azure)
	}
	s.Tenant = seed(s.Azure, o.Apps)
	if err := s.createTables(ctx); err != nil {
		return s, err
	}
	if err := s.startHost(ctx); err != nil {
		return s, err
	}
	if err := s.Tenant.subscribe(ctx, s.Azure, "http://"+s.Host.Addr()); err != nil {
		return s, err
	}
	if err := s.writeAccess(); err != nil {
		return s, err
	}
	return s, s.writeEndpoints()
}

func (s *Stack) openDir() (err error) {
	if s.options.Dir, err = filepath.Abs(s.options.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.options.Dir, 0o755); err != nil {
		return err
	}
	if s.log, err = os.Create(s.path("handler.log")); err != nil {
		return err
	}
	s.feed = newFeed(s.log)
	return nil
}

func (s *Stack) path(name string) string { return filepath.Join(s.options.Dir, name) }

// readEntities reads the product's entities from the packaged file, and another
// program's from a second one.
func readEntities(o Options) (servicebus.Config, error) {
	files := []string{filepath.Join(o.Dist, "servicebus.json")}
	if o.EntitiesFile != "" {
		files = append(files, o.EntitiesFile)
	}
	var all servicebus.Config
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return all, fmt.Errorf("%w (has `make package` been run?)", err)
		}
		config, err := servicebus.ParseConfig(text)
		if err != nil {
			return all, fmt.Errorf("%s: %w", file, err)
		}
		if i == 0 {
			all = config
			continue
		}
		all.UserConfig.Namespaces[0].Queues = append(all.UserConfig.Namespaces[0].Queues, config.UserConfig.Namespaces[0].Queues...)
		all.UserConfig.Namespaces[0].Topics = append(all.UserConfig.Namespaces[0].Topics, config.UserConfig.Namespaces[0].Topics...)
	}
	return all, nil
}

// createTables does what infra does in a subscription.
func (s *Stack) createTables(ctx context.Context) error {
	store, err := tablestore.FromConnectionString(s.Azure.Endpoints().Tables, tablestore.Options{CallTimeout: 10 * time.Second})
	if err != nil {
		return err
	}
	return store.EnsureTables(ctx, engine.Tables()...)
}

func (s *Stack) startHost(ctx context.Context) (err error) {
	s.Host, err = functionshost.Start(ctx, functionshost.Options{
		Dir:         s.options.Dist,
		Settings:    s.settings(),
		Env:         s.environment(),
		Address:     fmt.Sprintf("127.0.0.1:%d", s.options.HostPort),
		PerFunction: s.options.PerFunction,
		Stdout:      s.feed,
		Logger:      slog.New(slog.NewTextHandler(s.log, nil)),
		Clock:       s.Azure.Clock,
	})
	return err
}

// onceAYear is a schedule of what is fired by hand, where calls are counted.
const onceAYear = "0 0 0 1 1 *"

// settings are the app settings, as infra would make them.
func (s *Stack) settings() map[string]string {
	e := s.Azure.Endpoints()
	all := map[string]string{
		"ServiceBusConnection":           e.ServiceBus,
		"REKEY_TABLES_CONNECTION":        e.Tables,
		"REKEY_TENANT_ID":                tenantID,
		"REKEY_STAGING_VAULT":            stagingVault,
		"REKEY_INSTALLATION":             installation,
		"REKEY_SWEEP_SCHEDULE":           "*/2 * * * * *",
		"REKEY_INVENTORY_SCHEDULE":       "*/30 * * * * *",
		"REKEY_DOCTOR_SCHEDULE":          "0 0 * * * *",
		"REKEY_EVENTGRID_TOPIC_ENDPOINT": s.Tenant.Topic,
		"AZURE_CLIENT_ID":                s.Tenant.Identity.AppID,
	}
	maps.Copy(all, s.accessSettings())
	if s.options.Tables != nil {
		all["REKEY_TABLES_CONNECTION"] = s.options.Tables(e.Tables)
	}
	if s.options.Bus != nil {
		all["ServiceBusConnection"] = s.options.Bus(e.ServiceBus)
	}
	for name, value := range s.options.Settings {
		all[name] = value
	}
	return all
}

// environment is what points a program at the simulated Azure.
func (s *Stack) environment() []string {
	e := s.Azure.Endpoints()
	return []string{
		"HTTPS_PROXY=" + e.Proxy,
		"REKEY_EXTRA_CA_FILE=" + s.path("ca.pem"),
		"IDENTITY_ENDPOINT=" + e.IdentityEndpoint,
		"IDENTITY_HEADER=" + e.IdentityHeader,
	}
}

func (s *Stack) writeEndpoints() error {
	e := s.Azure.Endpoints()
	s.Endpoints = Endpoints{
		Host:       "http://" + s.Host.Addr(),
		ServiceBus: e.ServiceBus, ServiceBusAdmin: e.ServiceBusAdmin, Tables: e.Tables,
		Proxy: e.Proxy, CA: s.path("ca.pem"),
		IdentityEndpoint: e.IdentityEndpoint, IdentityHeader: e.IdentityHeader,
	}
	text, err := json.MarshalIndent(s.Endpoints, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("endpoints.json"), append(text, '\n'), 0o644)
}

// Close stops everything, the handler first.
func (s *Stack) Close() error {
	_ = os.Remove(s.path("endpoints.json"))
	_ = os.Remove(s.path("access.json"))
	if s.Host != nil {
		s.Host.Stop()
	}
	var err error
	if s.Azure != nil {
		err = s.Azure.Close()
	}
	if s.log != nil {
		err = errors.Join(err, s.log.Close())
	}
	return err
}
