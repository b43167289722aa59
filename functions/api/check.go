package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Check says whether a delivery to a target would work.
type Check struct {
	OK     bool     `json:"ok"`
	Reason string   `json:"reason,omitempty" doc:"Why not, and what a person can do"`
	Notes  []string `json:"notes" nullable:"false" doc:"What a person should know all the same"`
}

// Choices are the values that a setting can have.
type Choices struct {
	Items []rotation.Choice `json:"items" nullable:"false"`
}

func (a *api) checkTarget(ctx context.Context, in *targetPath) (*answer[Check], error) {
	app, _, err := a.Engine.Application(ctx, in.AppID.String())
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	target, _, err := a.Engine.Target(ctx, app.AppID, string(in.TargetID))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	checker, ok := a.Integrations[target.Integration].(rotation.Checker)
	if !ok {
		return nil, problem(http.StatusConflict, "the integration "+target.Integration+" cannot check its targets")
	}
	notes, err := checker.Check(ctx, app, target)
	result := Check{OK: err == nil, Notes: append([]string{}, notes...)}
	if err != nil {
		result.Reason = err.Error()
	}
	return &answer[Check]{result}, nil
}

// checked refuses a target to which a delivery would not work. A disabled one may
// be saved as it is.
func (a *api) checked(ctx context.Context, app rotation.Application, target rotation.TargetRow) ([]string, error) {
	checker, ok := a.Integrations[target.Integration].(rotation.Checker)
	if !ok || !target.Enabled {
		return nil, nil
	}
	notes, err := checker.Check(ctx, app, target)
	if err == nil {
		return notes, nil
	}
	a.Log.WarnContext(ctx, "a target was refused", "app", app.AppID, "target", target.ID, "error", err)
	return nil, unusable(err, "body.settings")
}

// unusable says why a service does not let a setting be used. Its words are shown:
// they hold no secret and name what is missing.
func unusable(err error, field string) error {
	fault, ok := errors.AsType[*rotation.Fault](err)
	if !ok {
		return later(10*time.Second, "it could not be checked; the cause is in rekey's log")
	}
	switch fault.Class {
	case rotation.Transient, rotation.Throttled, rotation.Conflict:
		return later(max(fault.After, 10*time.Second), "it could not be checked, and nothing was changed: "+fault.Error())
	}
	return invalid(rotation.Problem{Field: field, Detail: fault.Error()})
}

// choicesQuery takes any parameter: they are the settings that were chosen before.
type choicesQuery struct {
	Integration string `path:"integration" doc:"The word of an integration"`
	Setting     string `query:"setting" required:"true" doc:"The setting to choose a value for; what was chosen for others is given as parameters of their names"`

	chosen map[string]string
}

func choicesOperation() huma.Operation {
	o := operation("listChoices", http.MethodGet, "/api/integrations/{integration}/choices", "What can be chosen for a setting of an integration's targets")
	o.SkipValidateParams = true // any other setting is a parameter
	return o
}

// Resolve implements huma.Resolver.
func (q *choicesQuery) Resolve(ctx huma.Context) []error {
	q.chosen = map[string]string{}
	address := ctx.URL()
	for name, values := range address.Query() {
		if name != "setting" {
			q.chosen[name] = values[0]
		}
	}
	if q.Setting == "" {
		return []error{&huma.ErrorDetail{Location: "query.setting", Message: "must be there"}}
	}
	return nil
}

func (a *api) listChoices(ctx context.Context, in *choicesQuery) (*answer[Choices], error) {
	integration, ok := a.Integrations[in.Integration]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(a.Integrations)), ", ")
		return nil, problem(http.StatusNotFound, fmt.Sprintf("there is no integration %q; there are %s", in.Integration, known))
	}
	lister, ok := integration.(rotation.Lister)
	if !ok {
		return nil, problem(http.StatusNotFound, "the integration "+in.Integration+" offers no choices")
	}
	choices, err := lister.Choices(ctx, in.Setting, in.chosen)
	if wrong, ok := errors.AsType[rotation.Problem](err); ok {
		return nil, invalid(within("query", []rotation.Problem{wrong})...)
	}
	if err != nil {
		a.Log.WarnContext(ctx, "choices could not be listed", "integration", in.Integration, "setting", in.Setting, "error", err)
		return nil, unlisted(err)
	}
	return &answer[Choices]{Choices{append([]rotation.Choice{}, choices...)}}, nil
}

// unlisted says why a service did not list what can be chosen.
func unlisted(err error) error {
	fault, ok := errors.AsType[*rotation.Fault](err)
	if !ok {
		return later(10*time.Second, "nothing could be listed; the cause is in rekey's log")
	}
	switch fault.Class {
	case rotation.Transient, rotation.Throttled, rotation.Conflict:
		return later(max(fault.After, 10*time.Second), fault.Error())
	}
	return problem(http.StatusConflict, fault.Error())
}
