package api

import (
	"context"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Adoption names a credential that is handed over.
type Adoption struct {
	KeyID string        `json:"keyId" pattern:"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" patternDescription:"the credential's key id, a GUID"`
	Kind  rotation.Kind `json:"kind,omitempty" enum:"secret,certificate" doc:"Left out, Microsoft Graph says which it is"`
}

type postAdoption struct {
	AppID appID `path:"appId"`
	Body  Adoption
}

// adopt answers with the application, which has the credential among its own.
func (a *api) adopt(ctx context.Context, in *postAdoption) (*tagged[ApplicationDetail], error) {
	appID, keyID, kind := in.AppID.String(), strings.ToLower(in.Body.KeyID), in.Body.Kind
	if kind == "" {
		kind = a.kindOf(ctx, appID, keyID)
	}
	if err := a.Engine.Adopt(ctx, appID, kind, keyID, actorOf(ctx)); err != nil {
		return nil, a.refusal(ctx, err)
	}
	return a.getApplication(ctx, &applicationPath{in.AppID})
}

// kindOf finds out of which kind a credential is. What is no certificate is left to
// Adopt, which says what is wrong with it.
func (a *api) kindOf(ctx context.Context, appID, keyID string) rotation.Kind {
	found, err := a.Engine.Credentials(ctx, appID, rotation.Certificate)
	isIt := func(c engine.DirectoryCredential) bool { return strings.EqualFold(c.KeyID, keyID) }
	if err == nil && slices.ContainsFunc(found, isIt) {
		return rotation.Certificate
	}
	return rotation.Secret
}
