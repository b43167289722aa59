package api

import (
	"context"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Adoption names a credential that is handed over.
type Adoption struct {
	KeyID string        `json:"keyId" pattern:"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" patternDescription:"the credential's key id, a GUID"`
	Kind  rotation.Kind `json:"kind,omitempty" enum:"secret,certificate" doc:"secret, if left out"`
}

type postAdoption struct {
	AppID appID `path:"appId"`
	Body  Adoption
}

// adopt answers with the application, which has the credential among its own.
func (a *api) adopt(ctx context.Context, in *postAdoption) (*tagged[ApplicationDetail], error) {
	kind := in.Body.Kind
	if kind == "" {
		kind = rotation.Secret
	}
	if err := a.Engine.Adopt(ctx, in.AppID.String(), kind, strings.ToLower(in.Body.KeyID), actor); err != nil {
		return nil, a.refusal(ctx, err)
	}
	return a.getApplication(ctx, &applicationPath{in.AppID})
}
