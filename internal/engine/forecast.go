package engine

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Forecast is how some groups and tasks will be, by their ids, for whoever checks what
// depends on them before they are saved.
type Forecast struct {
	Groups map[string]rotation.Group
	Tasks  map[string]rotation.Task
}

type forecastKey struct{}

// WithForecast returns a context for checks: Task and GroupFor answer with what will
// be. What is saved with it is saved on the strength of what is there.
func WithForecast(ctx context.Context, f Forecast) context.Context {
	return context.WithValue(ctx, forecastKey{}, f)
}

func forecast(ctx context.Context) Forecast {
	f, _ := ctx.Value(forecastKey{}).(Forecast)
	return f
}

// groups returns groups as they will be, in the order of their ids.
func (f Forecast) groups(now []rotation.Group) (all []rotation.Group) {
	for _, g := range now {
		if _, planned := f.Groups[g.ID]; !planned {
			all = append(all, g)
		}
	}
	all = slices.AppendSeq(all, maps.Values(f.Groups))
	slices.SortFunc(all, func(a, b rotation.Group) int { return strings.Compare(a.ID, b.ID) })
	return all
}
