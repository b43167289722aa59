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
	"maps"
	"slices"

	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/functions/dashboard"
	doctortimer "github.com/rekey-dev/rekey/functions/doctor"
	"github.com/rekey-dev/rekey/functions/duesoon"
	"github.com/rekey-dev/rekey/functions/eventgrid"
	"github.com/rekey-dev/rekey/functions/inventory"
	"github.com/rekey-dev/rekey/functions/nearexpiry"
	"github.com/rekey-dev/rekey/functions/notify"
	"github.com/rekey-dev/rekey/functions/retention"
	"github.com/rekey-dev/rekey/functions/rotate"
	"github.com/rekey-dev/rekey/functions/sweep"
	"github.com/rekey-dev/rekey/internal/advice"
	"github.com/rekey-dev/rekey/internal/customhandler"
	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/engine"
	registrations "github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/servicebus"
)

// Target is one integration: what delivers to its places, and what the API must
// know of their settings.
type Target interface {
	rotation.Target
	api.Integration
	api.Placer
}

// Config is what the functions need from outside.
type Config struct {
	Engine       *engine.Engine
	Inventory    *registrations.Inventory
	Graph        advice.Graph
	Targets      map[string]Target // by the integration's word
	DeadLetters  api.DeadLetters
	Doctor       *doctor.Doctor
	Vaults       nearexpiry.Vaults
	StagingVault string
	EventGrid    eventgrid.Publisher // nil where no topic is configured
	Channels     map[rotation.Channel]notify.Sender
	PublicURL    string // of the dashboard, or empty
	Gate         api.Gate
	Owners       api.Owners
	Version      string
	Log          *slog.Logger
}

// Table returns every function by its name.
func Table(c Config) map[string]customhandler.Function {
	table := map[string]customhandler.Function{
		"api":       customhandler.OnHTTP(api.Route, api.New(c.api())),
		"dashboard": dashboard.New(c.Gate),
		"doctor":    doctortimer.New(c.Doctor, c.Log),
		"duesoon":   duesoon.New(duesoon.Config{Inventory: tenant{c.Inventory}, Engine: c.Engine, Bus: c.Engine.Bus, Now: c.Engine.Now, Log: c.Log}),
		"eventgrid": eventgrid.New(eventgrid.Config{Publisher: c.EventGrid, Bus: c.Engine.Bus, Log: c.Engine, Now: c.Engine.Now}),
		"inventory": inventory.New(c.Inventory, c.Engine.Now),
		"nearexpiry": nearexpiry.New(nearexpiry.Config{
			Engine: c.Engine, Vaults: c.Vaults, StagingVault: c.StagingVault, Installation: c.Engine.Installation, Log: c.Log,
		}),
		"notify":    notify.New(c.notify()),
		"retention": retention.New(c.Engine, c.Log),
		"rotate":    rotate.New(c.Engine),
		"sweep":     sweep.New(c.Engine, c.Log),
	}
	for word, target := range c.Targets {
		table[word] = onRotated(c.Engine, word, target)
	}
	return table
}

func (c Config) api() api.Config {
	integrations := map[string]api.Integration{}
	advisors := map[string]rotation.Advisor{}
	for word, target := range c.Targets {
		integrations[word] = target
		if advisor, ok := target.(rotation.Advisor); ok {
			advisors[word] = advisor
		}
	}
	config := api.Config{
		Engine: c.Engine, Inventory: c.Inventory, Integrations: integrations, DeadLetters: c.DeadLetters, Entities: c.Entities(), Notifier: c.notify(),
		Advice: &advice.Finder{Engine: c.Engine, Inventory: c.Inventory, Integrations: advisors, Graph: c.Graph, Now: c.Engine.Now},
		Gate:   c.Gate, Owners: c.Owners, Version: c.Version, Log: c.Log,
	}
	if c.Doctor != nil {
		config.Doctor = c.Doctor
	}
	return config
}

func (c Config) notify() notify.Config {
	e := c.Engine
	return notify.Config{
		Rules: e, Secrets: e, Notices: e, Troubles: e, Log: e, Bus: e.Bus,
		Owners: tenant{c.Inventory}, Senders: c.Channels, PublicURL: c.PublicURL, Now: e.Now, Logger: c.Log,
	}
}

// Entities lists what messages are taken from, by the functions that there are: each
// keeps the dead letters of its own.
func (c Config) Entities() []deadletter.Entity {
	entities := []deadletter.Entity{{Name: engine.QueueRequests}}
	for _, word := range slices.Sorted(maps.Keys(c.Targets)) {
		entities = append(entities, deadletter.Entity{Name: engine.TopicRotated, Subscription: word})
	}
	for _, word := range []string{eventgrid.Subscription, notify.Subscription} {
		entities = append(entities, deadletter.Entity{Name: engine.TopicLifecycle, Subscription: word})
	}
	return entities
}

// onRotated answers an integration's subscription to the topic "rotated".
func onRotated(e *engine.Engine, word string, target Target) customhandler.Function {
	return customhandler.OnMessage(func(ctx context.Context, m customhandler.ServiceBusMessage) error {
		message, err := decodeRotated(m.Body)
		if err != nil {
			err = fmt.Errorf("rotated: message %q: %w", m.MessageID, err)
			if m.DeliveryCount <= 1 { // the bus brings it again, and gives it up in the end
				e.LogChange(ctx, rotation.LogEntry{What: "unreadable", Detail: err.Error(), Actor: word, Failure: true})
			}
			return err
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
