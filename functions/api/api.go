package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rekey-dev/rekey/internal/engine"
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
	Integrations map[string]Integration
	Doctor       Doctor // nil: there is no /api/doctor
	// Open lets everybody use everything. Without it only /api/health answers.
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
	return &door{open: config.Open, mux: sync.OnceValue(func() *http.ServeMux { return newMux(config) })}
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
	a.registerRotations(h)
	a.registerDoctor(h)
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

// mostBody is the largest body, and tooLarge what a larger one is told.
const (
	mostBody = 1 << 20
	tooLarge = "the body is larger than 1 MiB"
)

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

func (a *api) refusal(ctx context.Context, err error) error { return refusal(ctx, a.Log, err) }
