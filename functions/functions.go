// Package functions is the table of the system's Azure functions: what answers
// each of them, one line each. The folder of the same name holds it, with its
// function.json.
//
// A new target is a folder and a line in Targets.
package functions

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/functions/dashboard"
	doctortimer "github.com/rekey-dev/rekey/functions/doctor"
	"github.com/rekey-dev/rekey/functions/nearexpiry"
	"github.com/rekey-dev/rekey/functions/rotate"
	"github.com/rekey-dev/rekey/functions/sweep"
	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

// Target is one integration: what delivers to its places, and what the API must
// know of their settings.
type Target interface {
	rotation.Target
	api.Integration
}

// Config is what the functions need from outside.
type Config struct {
	Engine       *engine.Engine
	Targets      map[string]Target // by the integration's word
	Doctor       *doctor.Doctor
	Vaults       nearexpiry.Vaults
	StagingVault string
	OpenAPI      bool
	Version      string
	Log          *slog.Logger
}

// Table returns every function by its name.
func Table(c Config) map[string]customhandler.Function {
	table := map[string]customhandler.Function{
		"api":       customhandler.OnHTTP(api.Route, api.New(c.api())),
		"dashboard": dashboard.New(),
		"doctor":    doctortimer.New(c.Doctor, c.Log),
		"nearexpiry": nearexpiry.New(nearexpiry.Config{
			Engine: c.Engine, Vaults: c.Vaults, StagingVault: c.StagingVault, Installation: c.Engine.Installation, Log: c.Log,
		}),
		"rotate": rotate.New(c.Engine),
		"sweep":  sweep.New(c.Engine, c.Log),
	}
	for word, target := range c.Targets {
		table[word] = onRotated(c.Engine, target)
	}
	return table
}

func (c Config) api() api.Config {
	integrations := map[string]api.Integration{}
	for word, target := range c.Targets {
		integrations[word] = target
	}
	config := api.Config{Engine: c.Engine, Integrations: integrations, Open: c.OpenAPI, Version: c.Version, Log: c.Log}
	if c.Doctor != nil {
		config.Doctor = c.Doctor
	}
	return config
}

// onRotated answers an integration's subscription to the topic "rotated".
func onRotated(e *engine.Engine, target Target) customhandler.Function {
	return customhandler.OnMessage(func(ctx context.Context, m customhandler.ServiceBusMessage) error {
		message, err := decodeRotated(m.Body)
		if err != nil {
			return fmt.Errorf("rotated: message %q: %w", m.MessageID, err)
		}
		return e.Deploy(ctx, customhandler.InvocationID(ctx), target, message)
	})
}

func decodeRotated(body []byte) (message rotation.Rotated, err error) {
	event, err := servicebus.Decode(body)
	if err != nil {
		return message, err
	}
	if err := json.Unmarshal(event.Data, &message); err != nil {
		return message, fmt.Errorf("data: %w", err)
	}
	if message.Rotation.AppID == "" {
		return message, fmt.Errorf("data.rotation: must name a rotation, <appId>.<kind>.<generation>")
	}
	if message.Target == "" {
		return message, fmt.Errorf("data.target: must name a target")
	}
	return message, nil
}
