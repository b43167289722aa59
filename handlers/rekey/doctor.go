package main

import (
	"context"
	"time"

	"github.com/rekey-dev/rekey/functions"
	"github.com/rekey-dev/rekey/functions/api"
	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/eventgrid"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// newDoctor connects the checks with what they look at.
func newDoctor(c config, parts functions.Config, o outside) *doctor.Doctor {
	e, checkers := parts.Engine, map[string]rotation.Checker{}
	for word, target := range parts.Targets {
		if checker, ok := target.(rotation.Checker); ok {
			checkers[word] = checker
		}
	}
	vaults, _ := parts.Targets["keyvault"].(doctor.Vaults) // without it its checks are not made
	return doctor.New(doctor.Config{
		Records: e, Schedule: e, Book: e, Pen: e, Place: e, Teller: e, Checkers: checkers,
		Identity: o.directory, Directory: o.directory, Policies: o.directory, Clock: o.directory,
		Vaults: vaults, Subscriptions: eventgrid.Subscriptions{Credential: o.credential, ClientOptions: o.manager, Site: c.siteName},
		DeadLetters:  deadLetters{parts.DeadLetters, parts.Entities()},
		StagingVault: c.stagingVault, Self: c.self(), Now: time.Now, Log: parts.Log,
	})
}

// deadLetters counts what the bus keeps.
type deadLetters struct {
	bus      api.DeadLetters
	entities []deadletter.Entity
}

// mostCounted is where counting ends: more of them are no other finding.
const mostCounted = 100

// DeadLettered implements doctor.DeadLetters.
func (d deadLetters) DeadLettered(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{}
	for _, entity := range d.entities {
		letters, err := d.bus.Peek(ctx, entity, 0, mostCounted)
		if err != nil {
			return nil, err
		}
		counts[entity.String()] = int64(len(letters))
	}
	return counts, nil
}
