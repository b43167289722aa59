package api

import (
	"context"
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// ApplicationDetail is an application with what it has.
type ApplicationDetail struct {
	Application
	EverythingPaused bool                         `json:"everythingPaused" doc:"Whether all applications are paused, this one included"`
	Kinds            map[rotation.Kind]KindStatus `json:"kinds" doc:"How each configured kind stands"`
	Credentials      []Credential                 `json:"credentials" nullable:"false"`
	Targets          []PlacedTarget               `json:"targets" nullable:"false"`
	Warnings         []string                     `json:"warnings" nullable:"false" doc:"What this answer lacks, and why"`
}

// KindStatus says how credentials of one kind stand.
type KindStatus struct {
	Generation     int        `json:"generation" doc:"The highest that was given out"`
	InFlight       string     `json:"inFlight,omitempty" doc:"The rotation that is not yet published"`
	Current        string     `json:"current,omitempty" doc:"The published rotation"`
	DueAt          *time.Time `json:"dueAt,omitempty" doc:"When the current credential is to be replaced; left out with a dueReason: now"`
	DueReason      string     `json:"dueReason,omitempty" enum:"noCredential,lifetime,end,again" doc:"The term that decided dueAt; left out while the kind is not enabled"`
	SchedulePaused bool       `json:"schedulePaused"`
}

// Credential is one credential of an application, without its secret part.
type Credential struct {
	Kind        rotation.Kind   `json:"kind"`
	KeyID       string          `json:"keyId,omitempty" doc:"Left out while it is unknown"`
	State       CredentialState `json:"state" enum:"current,new,old,unresolved,foreign"`
	Generation  *int            `json:"generation,omitempty" doc:"0: handed over; left out: foreign"`
	DisplayName string          `json:"displayName,omitempty"`
	StartsAt    *time.Time      `json:"startsAt,omitempty"`
	EndsAt      *time.Time      `json:"endsAt,omitempty"`
	DueAt       *time.Time      `json:"dueAt,omitempty" doc:"When it is to be replaced"`
}

// CredentialState is what a credential is to rekey.
type CredentialState string

// The states.
const (
	CredentialCurrent    CredentialState = "current"    // published, or handed over and in use
	CredentialNew        CredentialState = "new"        // made by the rotation in flight
	CredentialOld        CredentialState = "old"        // on its way out
	CredentialUnresolved CredentialState = "unresolved" // an attempt without an answer, perhaps never made
	CredentialForeign    CredentialState = "foreign"    // not rekey's; it can be adopted
)

func (a *api) getApplication(ctx context.Context, in *applicationPath) (*tagged[ApplicationDetail], error) {
	app, etag, err := a.Engine.Application(ctx, in.AppID.String())
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	detail := ApplicationDetail{
		Application: applicationOf(app), Kinds: map[rotation.Kind]KindStatus{},
		Credentials: []Credential{}, Targets: []PlacedTarget{}, Warnings: []string{},
	}
	for _, kind := range rotation.Kinds() {
		view, err := a.Engine.View(ctx, app.AppID, kind)
		if err != nil {
			return nil, a.refusal(ctx, err)
		}
		detail.add(view)
	}
	a.addForeign(ctx, &detail)
	return &tagged[ApplicationDetail]{etagOf(etag), detail}, nil
}

// add shows one kind.
func (d *ApplicationDetail) add(view engine.View) {
	d.EverythingPaused = view.Paused
	if _, configured := view.App.Policies[view.Kind]; configured {
		d.Kinds[view.Kind] = statusOf(view)
	}
	for _, entry := range view.Head.Kind(view.Kind).Ledger {
		d.Credentials = append(d.Credentials, credentialOf(view, entry))
	}
	for _, target := range view.Targets {
		d.Targets = append(d.Targets, placedTargetOf(view, target))
	}
}

func statusOf(view engine.View) KindStatus {
	state := view.Head.Kind(view.Kind)
	status := KindStatus{Generation: state.Generation, SchedulePaused: state.SchedulePaused}
	if view.InFlight != nil {
		status.InFlight = view.InFlight.ID.String()
	}
	if view.Current != nil {
		status.Current = view.Current.ID.String()
	}
	if view.App.Policy(view.Kind).Enabled {
		status.DueAt, status.DueReason = moment(view.Due.At), string(view.Due.Reason)
	}
	return status
}

func credentialOf(view engine.View, e rotation.Entry) Credential {
	shown := Credential{
		Kind: view.Kind, KeyID: e.KeyID, State: CredentialOld, Generation: &e.Generation,
		DisplayName: e.Marker, StartsAt: moment(e.Start), EndsAt: moment(e.End),
	}
	switch {
	case !e.Resolved():
		shown.State = CredentialUnresolved
	case e.KeyID == view.Head.Kind(view.Kind).Current:
		shown.State = CredentialCurrent
		if view.App.Policy(view.Kind).Enabled {
			shown.DueAt = moment(view.Due.At)
		}
	case view.InFlight != nil && view.InFlight.ID.Generation == e.Generation && view.InFlight.KeyID == e.KeyID:
		shown.State = CredentialNew
	}
	return shown
}

// addForeign shows what Graph has besides. The rest of the answer does not
// depend on Graph.
func (a *api) addForeign(ctx context.Context, detail *ApplicationDetail) {
	for _, kind := range rotation.Kinds() {
		found, err := a.Engine.Credentials(ctx, detail.AppID, kind)
		if err != nil {
			a.Log.WarnContext(ctx, "an application is shown without its foreign credentials", "app", detail.AppID, "error", err)
			detail.Warnings = append(detail.Warnings, "Microsoft Graph could not be read, so credentials that are not rekey's are missing here")
			return
		}
		for _, c := range found {
			detail.addForeign(kind, c)
		}
	}
}

func (d *ApplicationDetail) addForeign(kind rotation.Kind, found engine.DirectoryCredential) {
	if slices.ContainsFunc(d.Credentials, func(c Credential) bool { return c.KeyID == found.KeyID }) {
		return
	}
	d.Credentials = append(d.Credentials, Credential{
		Kind: kind, KeyID: found.KeyID, State: CredentialForeign, DisplayName: found.DisplayName,
		StartsAt: moment(found.Start), EndsAt: moment(found.End),
	})
}

// moment returns a time to be shown, or nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
