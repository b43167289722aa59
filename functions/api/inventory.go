package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Registration is an app registration of the tenant, managed or not.
type Registration struct {
	AppID       string                   `json:"appId"`
	ObjectID    string                   `json:"objectId"`
	Name        string                   `json:"name"`
	Managed     bool                     `json:"managed" doc:"Whether rekey rotates its credentials"`
	Owners      []RegistrationOwner      `json:"owners" nullable:"false"`
	Credentials []RegistrationCredential `json:"credentials" nullable:"false" doc:"In the order of their ends; those that were asked for"`
	ReadAt      time.Time                `json:"readAt" doc:"When Microsoft Graph last told something about it"`
}

// RegistrationOwner owns an app registration.
type RegistrationOwner struct {
	ID   string `json:"id" doc:"The object id"`
	Name string `json:"name,omitempty" doc:"Left out where rekey may not read users"`
	User string `json:"user,omitempty" doc:"A user's principal name"`
	Type string `json:"type,omitempty" doc:"user or servicePrincipal"`
}

// RegistrationCredential is a credential that Microsoft Entra ID knows.
type RegistrationCredential struct {
	Kind  rotation.Kind `json:"kind"`
	KeyID string        `json:"keyId"`
	Name  string        `json:"name"`
	Start *time.Time    `json:"start,omitempty"`
	End   *time.Time    `json:"end,omitempty" doc:"Left out where Microsoft Graph gives none"`
	Ours  bool          `json:"ours" doc:"Whether this installation of rekey made it"`
}

// Freshness says as of when the inventory is.
type Freshness struct {
	Ended   *time.Time `json:"ended,omitempty" doc:"When the last synchronization ended; left out before the first has"`
	Running bool       `json:"running" doc:"Whether one is at work, or goes on with the next tick of the timer"`
	Problem string     `json:"problem,omitempty" doc:"Why the last try failed, and what a person can do"`
}

// RegistrationPage is a page of the inventory.
type RegistrationPage struct {
	Page[Registration]
	Freshness Freshness `json:"freshness"`
}

// FreshRegistration is one of the inventory.
type FreshRegistration struct {
	Registration
	Freshness Freshness `json:"freshness"`
}

type inventoryQuery struct {
	ExpiresWithin span          `query:"expiresWithin" doc:"Credentials that end from now on within this time: a number of days or hours as 30d or 12h, or an ISO 8601 duration of days and hours as P30D, PT12H or P1DT12H. The answer is then in the order of the ends, and an application stands there once for each such credential, with it alone"`
	Expired       bool          `query:"expired" doc:"Credentials that have ended already, likewise in the order of their ends"`
	Managed       string        `query:"managed" enum:"true,false" doc:"Those that rekey manages, or those that it does not"`
	Owner         ownerID       `query:"owner" doc:"The object id of an owner"`
	Kind          rotation.Kind `query:"kind" enum:"secret,certificate" doc:"Credentials of this kind, and applications that have some"`
	Name          string        `query:"name" maxLength:"120" doc:"A part of the application's name, in any case"`
	Paging
}

type refreshInventory struct {
	Body *struct {
		Full bool `json:"full,omitempty" doc:"Read everything anew, and not only what has changed"`
	}
}

func (a *api) registerInventory(h huma.API) {
	list := operation("listInventory", http.MethodGet, "/api/inventory", "The tenant's app registrations and when their credentials end")
	list.Description = "One request looks at 1,000 registrations at most, so a page may have few items, or none, and still a next one."
	huma.Register(h, list, a.listInventory)
	huma.Register(h, operation("getInventory", http.MethodGet, "/api/inventory/{appId}", "One app registration of the tenant"), a.getInventory)
	huma.Register(h, withStatus(http.StatusAccepted,
		operation("refreshInventory", http.MethodPost, "/api/inventory/refresh", "Bring the inventory up to date now, as far as it comes in a few seconds; the timer does the rest")), a.refreshInventory)
}

// inventoryCursor is the form of what the inventory gives as next.
var inventoryCursor = regexp.MustCompile(`^(app\.[0-9a-f] ` + guid + `|owner\.[0-9a-f] ` + guid + `\|` + guid +
	`|ends\.[0-9]{4} [0-9]{4}-[0-9:.T-]{6,22}Z\|` + guid + `\|` + guid + `)$`)

func (a *api) listInventory(ctx context.Context, in *inventoryQuery) (*answer[RegistrationPage], error) {
	from, err := in.from(inventoryCursor)
	if err != nil {
		return nil, err
	}
	found, err := a.Inventory.List(ctx, in.query(a.Engine.Now()), from, in.Limit)
	if errors.Is(err, inventory.ErrCursor) {
		return nil, notACursor()
	}
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	fresh, err := a.freshness(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]Registration, len(found.Items))
	for n, app := range found.Items {
		items[n] = registrationOf(app)
	}
	return &answer[RegistrationPage]{RegistrationPage{pageOf(items, found.Next), fresh}}, nil
}

// longAgo is before any credential.
var longAgo = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (in *inventoryQuery) query(now time.Time) inventory.Query {
	q := inventory.Query{Owner: in.Owner.String(), Kind: in.Kind, Name: in.Name}
	if in.Managed != "" {
		q.Managed = new(in.Managed == "true")
	}
	if in.ExpiresWithin != "" || in.Expired {
		q.Ends = inventory.Window{From: now, To: now.Add(in.ExpiresWithin.duration())}
	}
	if in.Expired {
		q.Ends.From = longAgo
	}
	return q
}

func (a *api) getInventory(ctx context.Context, in *applicationPath) (*answer[FreshRegistration], error) {
	app, err := a.Inventory.Application(ctx, in.AppID.String())
	if errors.Is(err, inventory.ErrUnknown) {
		return nil, problem(http.StatusNotFound, "the inventory has no app registration with this client id; it may be newer than the last synchronization")
	}
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	fresh, err := a.freshness(ctx)
	return &answer[FreshRegistration]{FreshRegistration{registrationOf(app), fresh}}, err
}

func (a *api) freshness(ctx context.Context) (Freshness, error) {
	status, err := a.Inventory.Status(ctx)
	if err != nil {
		return Freshness{}, a.refusal(ctx, err)
	}
	return Freshness{Ended: given(status.Ended), Running: status.Running, Problem: status.Problem}, nil
}

// refreshFor is how long a request for a synchronization works at it.
const refreshFor = 10 * time.Second

func (a *api) refreshInventory(ctx context.Context, in *refreshInventory) (*answer[Freshness], error) {
	if in.Body != nil && in.Body.Full {
		if err := a.Inventory.Want(ctx); err != nil {
			return nil, a.refusal(ctx, err)
		}
		a.Engine.LogChange(ctx, rotation.LogEntry{What: "inventory", Detail: "a full reading of the inventory was asked for", Actor: actorOf(ctx)})
	}
	if _, err := a.Inventory.Refresh(ctx, a.Engine.Now().Add(refreshFor)); err != nil {
		return nil, a.refusal(ctx, err)
	}
	fresh, err := a.freshness(ctx)
	return &answer[Freshness]{fresh}, err
}

func registrationOf(app inventory.Application) Registration {
	shown := Registration{
		AppID: app.AppID, ObjectID: app.ObjectID, Name: app.Name, Managed: app.Managed, ReadAt: app.ReadAt,
		Owners: make([]RegistrationOwner, len(app.Owners)), Credentials: make([]RegistrationCredential, len(app.Credentials)),
	}
	for n, o := range app.Owners {
		shown.Owners[n] = RegistrationOwner{o.ID, o.Name, o.User, o.Kind}
	}
	for n, c := range app.Credentials {
		shown.Credentials[n] = RegistrationCredential{c.Kind, c.KeyID, c.Name, given(c.Start), given(c.End), c.Ours}
	}
	return shown
}

// given leaves the zero time out.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ownerID is the object id of a user or a service principal.
type ownerID string

var (
	_ huma.SchemaProvider = ownerID("")
	_ huma.SchemaProvider = span("")
)

// Schema implements huma.SchemaProvider.
func (ownerID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: appPattern, PatternDescription: "the object id of an owner, a GUID"}
}

func (id ownerID) String() string { return strings.ToLower(string(id)) }
