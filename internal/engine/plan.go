package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// A Plan is what a rotation would do, and why it would be refused.
type Plan struct {
	rotation.Plan
	App rotation.Application
	// Joins says that the rotation is in flight already: a request would find it.
	Joins bool
	// Refusals say why a request would be refused, or come to nothing: then there may
	// be no steps.
	Refusals []string
	// Foreign are the credentials of the kind that rekey did not make and was not
	// handed. They stay as they are.
	Foreign []DirectoryCredential
	// Superseded is the rotation that an emergency would end, or nothing.
	Superseded rotation.ID

	tenant string
	before rotation.Snapshot
}

// Plan says what asking for a rotation would lead to. It reads rows, and the
// application in Graph, and changes nothing.
func (e *Engine) Plan(ctx context.Context, ask Ask) (Plan, error) {
	w, err := e.open(ctx, ask.AppID, ask.Kind)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{App: w.App, tenant: e.Tenant}
	if err := w.mayBegin(ask); err != nil {
		p.Refusals = append(p.Refusals, strings.TrimPrefix(err.Error(), ErrRefused.Error()+": "))
		return p, nil
	}
	if p.Foreign, err = w.foreign(ctx); err != nil {
		if _, known := errors.AsType[*rotation.Fault](err); !known {
			return p, err
		}
		p.Refusals = append(p.Refusals, err.Error())
	}
	w.foresee(&p, ask)
	p.before, p.Plan = w.Snapshot, rotation.PlanOf(w.Snapshot)
	return p, nil
}

// Delivery returns the delivery to a target, as it would be without its credential,
// and whether access was granted for it before.
func (p Plan) Delivery(target string) (d rotation.Delivery, prepared bool) {
	holding := p.before.Holding(target)
	for _, t := range p.before.Targets {
		if t.ID == target {
			d.Target = t
		}
	}
	d.Application, d.TenantID, d.Tries = p.App, p.tenant, 1
	d.Credential.Rotation = p.Rotation.ID
	d.Name = deliveryName(rotation.Deployment{Rotation: p.Rotation.ID, Target: target, Delivery: holding.Delivery})
	return d, holding.Prepared >= holding.Delivery
}

// foreign reads the application's credentials that are not in the ledger.
func (w *work) foreign(ctx context.Context) (foreign []DirectoryCredential, err error) {
	credentials, err := w.Credentials(ctx, w.App.AppID, w.Kind)
	for _, c := range credentials {
		if w.state().ByKeyID(c.KeyID) == nil {
			foreign = append(foreign, c)
		}
	}
	return foreign, err
}

// foresee puts the rotation that would be asked for in flight, in memory alone.
func (w *work) foresee(p *Plan, ask Ask) {
	if r := w.InFlight; r != nil && (r.Emergency || !ask.Emergency) {
		p.Joins = true
		r.RevokeNow = r.RevokeNow || r.Emergency && ask.RevokeNow
		return
	}
	if w.InFlight != nil {
		p.Superseded = w.InFlight.ID
	}
	w.begin(rotation.Rotation{Source: ask.Source, Actor: ask.Actor, Emergency: ask.Emergency, RevokeNow: ask.RevokeNow})
}

// Calls says which calls to Microsoft Graph, to Entra ID and to the staging vault a
// step of this plan makes that change something, or prove the credential.
func (p Plan) Calls(step rotation.PlannedStep) []rotation.Call {
	switch step.Do {
	case rotation.Create:
		return p.creation(step.Entry)
	case rotation.Verify:
		token := rotation.Call{Service: "Entra ID", Method: "POST", Path: "/{tenantId}/oauth2/v2.0/token"}
		calls := make([]rotation.Call, p.App.Policy(p.Rotation.ID.Kind).Waits.VerifySuccesses)
		for i := range calls {
			calls[i] = token
		}
		return calls
	case rotation.Retire:
		return p.retirement(step.Entry)
	}
	return nil
}

func (p Plan) creation(e rotation.Entry) []rotation.Call {
	staged := stagedName(p.Rotation.ID, e.Attempt)
	if p.Rotation.ID.Kind == rotation.Certificate {
		return []rotation.Call{
			stagingCall("POST", "/certificates/"+staged+"/import"),
			p.graphCall("PATCH", ""),
		}
	}
	return []rotation.Call{p.graphCall("POST", "/addPassword"), stagingCall("PUT", "/secrets/"+staged)}
}

func (p Plan) retirement(e rotation.Entry) (calls []rotation.Call) {
	call := p.graphCall("POST", "/removePassword")
	collection := "/secrets/"
	if p.Rotation.ID.Kind == rotation.Certificate {
		call, collection = p.graphCall("PATCH", ""), "/certificates/"
	}
	calls = append(calls, call)
	if e.Staged != "" {
		calls = append(calls, stagingCall("DELETE", collection+e.Staged))
	}
	return calls
}

func (p Plan) graphCall(method, action string) rotation.Call {
	return rotation.Call{Service: "Microsoft Graph", Method: method, Path: fmt.Sprintf("/v1.0/applications/%s%s", p.App.ObjectID, action)}
}

func stagingCall(method, path string) rotation.Call {
	return rotation.Call{Service: "staging vault", Method: method, Path: path}
}
