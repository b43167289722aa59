package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Plan is what a request for a rotation would lead to, if every call were answered
// well and nobody changed anything meanwhile.
type Plan struct {
	Rotation   string     `json:"rotation,omitempty" doc:"The id that it would have, or has"`
	InFlight   bool       `json:"inFlight" doc:"It is in flight already: a request would find it"`
	Supersedes string     `json:"supersedes,omitempty" doc:"The rotation that an emergency would end"`
	Refusals   []string   `json:"refusals" nullable:"false" doc:"Why it would be refused or come to nothing; empty: nothing speaks against it"`
	Steps      []PlanStep `json:"steps" nullable:"false" doc:"In the order of their times"`
	Kept       []PlanKept `json:"kept" nullable:"false" doc:"The credentials of the kind that would still be there"`
	DueAt      *time.Time `json:"dueAt,omitempty" doc:"When the new credential would be replaced"`
	EndsAt     *time.Time `json:"endsAt,omitempty" doc:"When the new credential would end"`
}

// PlanStep is one step of a plan.
type PlanStep struct {
	Step    string          `json:"step" enum:"create,verify,publish,deliver,complete,retire,fail"`
	At      time.Time       `json:"at" doc:"At the earliest"`
	What    string          `json:"what" doc:"One sentence, for people"`
	Target  string          `json:"target,omitempty"`
	KeyID   string          `json:"keyId,omitempty" doc:"Of the credential that is made or removed"`
	Calls   []rotation.Call `json:"calls" nullable:"false" doc:"The calls that change something outside, or prove the credential, in their order"`
	Refusal string          `json:"refusal,omitempty" doc:"Why it would fail now, and what a person can do"`
	Notes   []string        `json:"notes,omitempty"`
}

// PlanKept is a credential that a plan leaves as it is.
type PlanKept struct {
	KeyID  string     `json:"keyId"`
	Name   string     `json:"name,omitempty"`
	EndsAt *time.Time `json:"endsAt,omitempty"`
	Why    string     `json:"why"`
}

// answeredWithPlan documents the answer to a dry run beside that to a request.
func answeredWithPlan(h huma.API, o huma.Operation) huma.Operation {
	o.Responses = map[string]*huma.Response{
		"200":     answerWith(h, "With dryRun: the plan; nothing was changed", "application/json", Plan{}),
		"202":     answerWith(h, "The rotation", "application/json", Rotation{}),
		"default": answerWith(h, "Error", "application/problem+json", huma.ErrorModel{}),
	}
	o.Responses["202"].Headers = map[string]*huma.Header{"Location": {Schema: &huma.Schema{Type: huma.TypeString}}}
	return o
}

// answerWith documents an answer with a body of one type.
func answerWith(h huma.API, description, mediaType string, of any) *huma.Response {
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(of), true, "")
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{mediaType: {Schema: schema}}}
}

func (a *api) planRotation(ctx context.Context, ask engine.Ask) (*rotationAnswer, error) {
	p, err := a.Engine.Plan(ctx, ask)
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	shown := Plan{
		InFlight: p.Joins, Refusals: append([]string{}, p.Refusals...), Steps: []PlanStep{}, Kept: keptOf(p),
		DueAt: moment(p.Due.At), EndsAt: moment(p.End),
	}
	if p.Rotation.ID.Generation > 0 {
		shown.Rotation = p.Rotation.ID.String()
	}
	if p.Superseded.Generation > 0 {
		shown.Supersedes = p.Superseded.String()
	}
	a.planFindings(ctx, ask, &shown)
	for _, step := range p.Steps {
		shown.Steps = append(shown.Steps, a.planStep(ctx, p, step))
	}
	return &rotationAnswer{Status: http.StatusOK, Body: shown}, nil
}

// planFindings adds what the doctor knows to speak against the rotation: what Entra ID
// would refuse. What a target would refuse stands at its step.
func (a *api) planFindings(ctx context.Context, ask engine.Ask, shown *Plan) {
	if a.Doctor == nil {
		return
	}
	results, err := a.Doctor.Look(ctx, ask.AppID)
	if err != nil {
		a.Log.WarnContext(ctx, "a plan was made without the doctor", "app", ask.AppID, "error", err)
		return
	}
	for _, r := range results {
		for _, f := range r.Findings {
			if refuses := f.Check == "ownership" || f.Check == "policies" && f.Subject == string(ask.Kind); refuses && f.Severity == rotation.SeverityError {
				shown.Refusals = append(shown.Refusals, f.Finding+"; "+f.Remedy)
			}
		}
	}
}

// stepWords are the actions as a plan calls them.
var stepWords = map[rotation.Action]string{
	rotation.Create: "create", rotation.Verify: "verify", rotation.Publish: "publish", rotation.Deliver: "deliver",
	rotation.Close: "complete", rotation.Retire: "retire", rotation.Fail: "fail",
}

func (a *api) planStep(ctx context.Context, p engine.Plan, step rotation.PlannedStep) PlanStep {
	shown := PlanStep{
		Step: stepWords[step.Do], At: step.At.UTC(), Target: step.Target, KeyID: step.Entry.KeyID,
		What: planWords(p, step), Calls: append([]rotation.Call{}, p.Calls(step)...),
	}
	if step.Do == rotation.Deliver {
		a.planDelivery(ctx, p, &shown)
	}
	return shown
}

func planWords(p engine.Plan, step rotation.PlannedStep) string {
	kind := p.Rotation.ID.Kind
	switch step.Do {
	case rotation.Create:
		return fmt.Sprintf("a new %s that ends at %s is created and kept in the staging vault", kind, step.Entry.End.UTC().Format(time.RFC3339))
	case rotation.Verify:
		return "Entra ID accepts it several times in a row"
	case rotation.Publish:
		return "it becomes the current one"
	case rotation.Deliver:
		return "it is delivered and confirmed"
	case rotation.Close:
		return "every target has confirmed it"
	case rotation.Retire:
		return "the credential is removed from Entra ID, and its copy from the staging vault"
	}
	return step.Why
}

// planDelivery asks the integration which calls it would make, and whether they
// would work.
func (a *api) planDelivery(ctx context.Context, p engine.Plan, shown *PlanStep) {
	delivery, prepared := p.Delivery(shown.Target)
	integration := a.Integrations[delivery.Target.Integration]
	shown.What = fmt.Sprintf("%s brings it to the target", delivery.Target.Integration)
	if planner, ok := integration.(rotation.Planner); ok {
		calls, err := planner.Plan(ctx, delivery, prepared)
		shown.Calls = append(shown.Calls, calls...)
		if err != nil {
			shown.Refusal = err.Error()
		}
	}
	if checker, ok := integration.(rotation.Checker); ok {
		notes, err := checker.Check(ctx, p.App, delivery.Target)
		shown.Notes = notes
		if err != nil {
			shown.Refusal = err.Error()
		}
	}
}

// keptOf lists what is kept, with what rekey did not make.
func keptOf(p engine.Plan) []PlanKept {
	kept := []PlanKept{}
	for _, k := range p.Kept {
		why := k.Objection.Clause
		if !k.Objection.Until.IsZero() {
			why += ", at the latest until " + k.Objection.Until.UTC().Format(time.RFC3339)
		}
		kept = append(kept, PlanKept{KeyID: k.Entry.KeyID, Name: k.Entry.Marker, EndsAt: moment(k.Entry.End), Why: why})
	}
	for _, c := range p.Foreign {
		kept = append(kept, PlanKept{KeyID: c.KeyID, Name: c.DisplayName, EndsAt: moment(c.End), Why: "rekey did not make it and was not handed it"})
	}
	return kept
}
