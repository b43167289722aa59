package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/advice"
	"github.com/rekey-dev/rekey/internal/deadletter"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Route is the route in function.json.
const Route = "api/{*path}"

// Integration is what the API must know of one integration.
type Integration interface {
	// CheckSettings decodes strictly, fills in defaults and reports every problem,
	// each with the field inside the settings. What it returns is what is stored.
	CheckSettings(app rotation.Application, kind rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem)
}

// An Accessor is an Integration that can grant what delivery to a target needs.
type Accessor interface {
	// Access grants it, and says what it did or which command a person must run.
	// What it returns becomes JSON. It must be idempotent, and its errors are Faults.
	Access(ctx context.Context, app rotation.Application, target rotation.TargetRow) (any, error)
}

// Config is what the API needs.
type Config struct {
	Engine       *engine.Engine
	Inventory    *inventory.Inventory
	Advice       *advice.Finder
	Integrations map[string]Integration
	DeadLetters  DeadLetters
	Entities     []deadletter.Entity // of the bus, whose dead letters there can be
	Notifier     Notifier
	Doctor       Doctor
	// Gate says who sent a request. Without one only /api/health answers.
	Gate Gate
	// Owners says who owns an application; without it owners are nobody.
	Owners Owners
	// Open lets everybody use everything, whatever the gate says.
	Open    bool
	Version string
	Log     *slog.Logger
}

// api answers the operations.
type api struct{ Config }

// New returns the handler of everything under /api/. Its operations are described
// when the first request comes: that takes longer than the rest of the process's
// start, and most processes answer other functions.
func New(config Config) http.Handler {
	if config.Gate == nil || config.Open {
		config.Gate = access.New(access.Config{Open: config.Open})
	}
	return &door{
		gate: config.Gate, owners: config.Owners, log: config.Log, refused: (&api{config}).logRefusal,
		mux: sync.OnceValue(func() *http.ServeMux { return newMux(config) }),
	}
}

func newMux(config Config) *http.ServeMux {
	minded()
	mux := http.NewServeMux()
	h := humago.New(mux, settings(config.Version))
	a := &api{config}
	a.registerSystem(h)
	a.registerApplications(h)
	a.registerTargets(h)
	a.registerGroups(h)
	a.registerTasks(h)
	a.registerNotifications(h)
	a.registerRotations(h)
	a.registerLog(h)
	a.registerKeys(h)
	a.registerSettings(h)
	a.registerDeadLetters(h)
	a.registerDependencies(h)
	a.registerInventory(h)
	a.registerAdvice(h)
	a.registerDoctor(h)
	a.registerConfig(h)
	secured(h.OpenAPI())
	mux.Handle("GET /api/openapi.json", document(h.OpenAPI()))
	return mux
}

// minded makes huma refuse fields of which only the case is wrong. It has no
// setting for one API, so this is done once, before the first request.
var minded = sync.OnceFunc(func() { huma.ValidateStrictCasing = true })

func settings(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "rekey", Version: version, Description: "Rotates the credentials of Entra ID applications."},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{presentable},
	}
}

// mostBody is the largest body of a request about one thing.
const mostBody = 1 << 20

// tooLarge is what a body is told that is larger than an operation takes.
func tooLarge(most int64) string { return fmt.Sprintf("the body is larger than %d MiB", most>>20) }

// operation describes one operation. The time to read a body is left to the host,
// which has read it: huma's own limit would end the request with it.
func operation(id, method, path, summary string) huma.Operation {
	return huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary,
		MaxBodyBytes:    mostBody + 1, // huma refuses a body of just that size
		BodyReadTimeout: -1,
	}
}

func withStatus(status int, o huma.Operation) huma.Operation {
	o.DefaultStatus = status
	return o
}

// refusal says in HTTP what an error of the engine means. What its rules refuse is in the log.
func (a *api) refusal(ctx context.Context, err error) error {
	if errors.Is(err, engine.ErrRefused) {
		a.logRefusal(ctx, refusedWords(err))
	}
	return refusal(ctx, a.Log, err)
}
