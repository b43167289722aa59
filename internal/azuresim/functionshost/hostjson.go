package functionshost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// hostJSON is host.json: https://learn.microsoft.com/azure/azure-functions/functions-host-json
type hostJSON struct {
	Version         string
	FunctionTimeout string
	CustomHandler   struct {
		Description struct {
			DefaultExecutablePath string
			WorkingDirectory      string
			Arguments             []string
		}
		EnableForwardingHTTPRequest bool
	}
	Extensions struct {
		HTTP struct {
			RoutePrefix *string

			MaxOutstandingRequests, MaxConcurrentRequests, DynamicThrottlesEnabled, Hsts, CustomHeaders json.RawMessage
		}
		ServiceBus struct {
			MaxConcurrentCalls         int
			MaxAutoLockRenewalDuration string
			AutoCompleteMessages       *bool

			PrefetchCount, MaxConcurrentSessions, SessionIdleTimeout, TransportType, ClientRetryOptions json.RawMessage
		}
		EventGrid json.RawMessage
	}

	Schema json.RawMessage `json:"$schema"`

	ExtensionBundle, Logging, Aggregator, Concurrency, HealthMonitor, Singleton, TelemetryMode json.RawMessage
}

// app is what an app's folder says, with settings resolved and defaults applied.
type app struct {
	dir             string
	executable      string
	arguments       []string
	forwarding      bool
	functionTimeout time.Duration
	routePrefix     string
	maxCalls        int
	maxLockRenewal  time.Duration
	functions       []function
}

// loadApp reads the folder; it reports the mistakes of all functions together.
func loadApp(dir string, s settings) (app, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return app{}, fmt.Errorf("functionshost: load app: %w", err)
	}
	a, err := loadHost(dir)
	if err != nil {
		return app{}, fmt.Errorf("functionshost: load %q: %w", filepath.Join(dir, "host.json"), err)
	}
	a.functions, err = loadFunctions(dir, s)
	return a, err
}

func loadHost(dir string) (app, error) {
	var file hostJSON
	if err := readStrictly(filepath.Join(dir, "host.json"), &file); err != nil {
		return app{}, err
	}
	if file.Version != "2.0" {
		return app{}, fmt.Errorf("version must be \"2.0\", not %q", file.Version)
	}
	if auto := file.Extensions.ServiceBus.AutoCompleteMessages; auto != nil && !*auto {
		return app{}, errors.New("autoCompleteMessages: a custom handler cannot settle messages itself")
	}
	a := app{
		dir:         dir,
		arguments:   file.CustomHandler.Description.Arguments,
		forwarding:  file.CustomHandler.EnableForwardingHTTPRequest,
		routePrefix: "api",
		maxCalls:    16 * runtime.NumCPU(),
	}
	if prefix := file.Extensions.HTTP.RoutePrefix; prefix != nil {
		a.routePrefix = strings.Trim(*prefix, "/")
	}
	if file.Extensions.ServiceBus.MaxConcurrentCalls > 0 {
		a.maxCalls = file.Extensions.ServiceBus.MaxConcurrentCalls
	}
	var err error
	a.executable, err = findExecutable(dir, file.CustomHandler.Description.DefaultExecutablePath)
	return a, errors.Join(err,
		readDuration(&a.functionTimeout, "functionTimeout", file.FunctionTimeout),
		readDuration(&a.maxLockRenewal, "maxAutoLockRenewalDuration", file.Extensions.ServiceBus.MaxAutoLockRenewalDuration))
}

// readDuration reads a .NET time span; both of host.json's default to five minutes.
func readDuration(into *time.Duration, name, value string) error {
	*into = 5 * time.Minute
	if value == "" {
		return nil
	}
	d, err := parseTimeSpan(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*into = d
	return nil
}

// findExecutable looks in the app's folder, then on the path, as the host does.
func findExecutable(dir, name string) (string, error) {
	if name == "" {
		return "", errors.New("customHandler.description.defaultExecutablePath is missing")
	}
	local := filepath.Join(dir, name)
	if _, err := os.Stat(local); err == nil {
		name = local
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("defaultExecutablePath: %w", err)
	}
	return path, nil
}

// readStrictly decodes a JSON file and refuses members that the value has not.
func readStrictly(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return decodeStrictly(content, into)
}

func decodeStrictly(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("more than one JSON document")
	}
	return nil
}
