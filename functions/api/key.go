package api

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/engine"
)

// KeySettings is what the user chose for an API key.
type KeySettings struct {
	Name         string    `json:"name" minLength:"1" maxLength:"100" doc:"Who uses it, for people"`
	Role         string    `json:"role" enum:"reader,operator,administrator"`
	Applications []appID   `json:"applications,omitempty" nullable:"false" maxItems:"100" doc:"The client ids of the only applications that it is for; left out, it is for all"`
	Expires      time.Time `json:"expires" doc:"Within the next 365 days"`
}

// APIKey is what is known of an API key; the key itself is not.
type APIKey struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Role         string     `json:"role" enum:"reader,operator,administrator"`
	Applications []string   `json:"applications" nullable:"false" doc:"The only ones that it is for; empty: all"`
	Created      time.Time  `json:"created"`
	CreatedBy    string     `json:"createdBy"`
	Expires      time.Time  `json:"expires"`
	LastUsed     *time.Time `json:"lastUsed" nullable:"true" doc:"To the hour; null before it is used"`
}

// NewAPIKey is an API key when it is made.
type NewAPIKey struct {
	APIKey
	Key string `json:"key" readOnly:"true" doc:"What to send as X-Api-Key, or as a bearer token; it is shown this once"`
}

type postKey struct{ Body KeySettings }

type keyPath struct {
	ID keyID `path:"id"`
}

// keyID is an API key's id in a path.
type keyID string

const keyPattern = `^[a-z2-7]{16}$`

var keyCursor = regexp.MustCompile(keyPattern)

// Schema implements huma.SchemaProvider.
func (keyID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: keyPattern, PatternDescription: "an API key's id"}
}

// registerKeys has no If-Match for DELETE: a key has nothing that somebody could have
// changed meanwhile, and revoking one must not wait for anything.
func (a *api) registerKeys(h huma.API) {
	const path = "/api/keys"
	huma.Register(h, operation("listKeys", http.MethodGet, path, "The API keys, in the order of their ids"), a.listKeys)
	huma.Register(h, withStatus(http.StatusCreated,
		operation("createKey", http.MethodPost, path, "Make an API key, which is shown once")), a.createKey)
	huma.Register(h, withStatus(http.StatusNoContent,
		operation("deleteKey", http.MethodDelete, path+"/{id}", "Revoke an API key")), a.deleteKey)
}

func keyOf(k engine.APIKey) APIKey {
	shown := APIKey{
		ID: k.ID, Name: k.Name, Role: k.Role, Applications: append([]string{}, k.Applications...),
		Created: k.Created, CreatedBy: k.CreatedBy, Expires: k.Expires,
	}
	if !k.LastUsed.IsZero() {
		shown.LastUsed = &k.LastUsed
	}
	return shown
}

func (a *api) listKeys(ctx context.Context, in *Paging) (*answer[Page[APIKey]], error) {
	return listed(ctx, a, in, keyCursor, a.Engine.APIKeys, keyOf)
}

// createKey refuses whoever came with a key: one that got into wrong hands would
// otherwise outlive its own revocation.
func (a *api) createKey(ctx context.Context, in *postKey) (*accepted[NewAPIKey], error) {
	if who, _ := access.From(ctx); who.Kind == access.Key {
		return nil, problem(http.StatusForbidden, "an API key makes no API keys; sign in, or use an access token of Entra ID")
	}
	wanted := engine.APIKey{Name: in.Body.Name, Role: in.Body.Role, Expires: in.Body.Expires.UTC()}
	for _, id := range in.Body.Applications {
		wanted.Applications = append(wanted.Applications, id.String())
	}
	made, key, err := a.Engine.MakeAPIKey(ctx, wanted, actorOf(ctx))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &accepted[NewAPIKey]{"/api/keys/" + made.ID, NewAPIKey{keyOf(made), key.Reveal()}}, nil
}

func (a *api) deleteKey(ctx context.Context, in *keyPath) (*none, error) {
	if err := a.Engine.RevokeAPIKey(ctx, string(in.ID), actorOf(ctx)); err != nil {
		return nil, a.refusal(ctx, err)
	}
	return nil, nil
}
