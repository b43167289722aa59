package main

import (
	"log/slog"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/rekey-dev/rekey/functions"
	"github.com/rekey-dev/rekey/internal/doctor"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/entra"
	"github.com/rekey-dev/rekey/internal/eventgrid"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// newDoctor connects the checks with what they look at.
func newDoctor(
	c config, e *engine.Engine, directory *entra.Client, targets map[string]functions.Target, log *slog.Logger,
	credential azcore.TokenCredential, manager azcore.ClientOptions,
) *doctor.Doctor {
	checkers := map[string]rotation.Checker{}
	for word, target := range targets {
		if checker, ok := target.(rotation.Checker); ok {
			checkers[word] = checker
		}
	}
	vaults, _ := targets["keyvault"].(doctor.Vaults) // without it its checks are not made
	return doctor.New(doctor.Config{
		Records: e, Schedule: e, Book: e, Pen: e, Place: e, Checkers: checkers,
		Identity: directory, Directory: directory, Policies: directory, Clock: directory,
		Vaults: vaults, Subscriptions: eventgrid.Subscriptions{Credential: credential, ClientOptions: manager, Site: c.siteName},
		StagingVault: c.stagingVault, Self: c.self(), Now: time.Now, Log: log,
	})
}
