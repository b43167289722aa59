package entra

import (
	"encoding/hex"
	"time"
)

// State shows the directory as it is now; of secrets their SHA-256.
func (d *Directory) State() any {
	state := directoryState{TenantID: d.tenantID, Applications: []applicationState{}, ServicePrincipals: []principalState{}}
	for _, a := range d.Applications(0) {
		state.Applications = append(state.Applications, describe(a))
	}
	for _, sp := range d.ServicePrincipals(0) {
		state.ServicePrincipals = append(state.ServicePrincipals, principalState{
			ID: sp.ObjectID, AppID: sp.AppID, DisplayName: sp.DisplayName, Type: sp.Type,
			AccountEnabled: !sp.Disabled, Roles: append([]string{}, sp.Roles...),
		})
	}
	return state
}

type directoryState struct {
	TenantID          string             `json:"tenantId"`
	Applications      []applicationState `json:"applications"`
	ServicePrincipals []principalState   `json:"servicePrincipals"`
}

type applicationState struct {
	ID                  string          `json:"id"`
	AppID               string          `json:"appId"`
	DisplayName         string          `json:"displayName"`
	Owners              []string        `json:"owners"`
	PasswordCredentials []passwordState `json:"passwordCredentials"`
	KeyCredentials      []keyState      `json:"keyCredentials"`
}

type passwordState struct {
	KeyID         string    `json:"keyId"`
	DisplayName   string    `json:"displayName"`
	SecretSHA256  string    `json:"secretSha256"`
	StartDateTime time.Time `json:"startDateTime"`
	EndDateTime   time.Time `json:"endDateTime"`
}

type keyState struct {
	KeyID         string    `json:"keyId"`
	DisplayName   string    `json:"displayName"`
	Thumbprint    string    `json:"thumbprint"`
	StartDateTime time.Time `json:"startDateTime"`
	EndDateTime   time.Time `json:"endDateTime"`
}

type principalState struct {
	ID             string   `json:"id"`
	AppID          string   `json:"appId"`
	DisplayName    string   `json:"displayName"`
	Type           string   `json:"servicePrincipalType"`
	AccountEnabled bool     `json:"accountEnabled"`
	Roles          []string `json:"roles"`
}

func describe(a Application) applicationState {
	state := applicationState{ID: a.ObjectID, AppID: a.AppID, DisplayName: a.DisplayName, Owners: append([]string{}, a.Owners...),
		PasswordCredentials: []passwordState{}, KeyCredentials: []keyState{}}
	for _, p := range a.Passwords {
		state.PasswordCredentials = append(state.PasswordCredentials, passwordState{
			KeyID: p.KeyID, DisplayName: p.DisplayName, SecretSHA256: hex.EncodeToString(p.SecretSHA256[:]), StartDateTime: p.Start, EndDateTime: p.End})
	}
	for _, k := range a.Keys {
		state.KeyCredentials = append(state.KeyCredentials, keyState{
			KeyID: k.KeyID, DisplayName: k.DisplayName, Thumbprint: Thumbprint(k.Certificate), StartDateTime: k.Start, EndDateTime: k.End})
	}
	return state
}
