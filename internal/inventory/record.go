package inventory

import (
	"slices"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Application is what is known of one app registration.
type Application struct {
	ObjectID, AppID, Name string
	Owners                []Owner
	Credentials           []Credential // in the order of their ends
	ReadAt                time.Time    // when Graph last told something about it

	// Managed says that rekey rotates it. It is looked up when it is asked for.
	Managed bool
}

// Owner is a user or a service principal. Its names are empty where rekey may not
// read users:
// https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects
type Owner struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// User is the user principal name, of users alone.
	User string `json:"user,omitempty"`
	Kind string `json:"kind,omitempty"` // user or servicePrincipal
}

// Credential is a secret or a certificate, without what is secret of it.
type Credential struct {
	Kind  rotation.Kind `json:"kind"`
	KeyID string        `json:"keyId"`
	Name  string        `json:"name,omitempty"`
	Start time.Time     `json:"start"`
	End   time.Time     `json:"end"`

	// Ours says that this installation of rekey made it. It is looked up when it is
	// asked for.
	Ours bool `json:"-"`
}

// Ending is a credential that ends in the time that was asked for, with its application.
type Ending struct {
	Application
	Credential
}

// credential finds one of the application's credentials.
func (a Application) credential(keyID string) (Credential, bool) {
	i := slices.IndexFunc(a.Credentials, func(c Credential) bool { return c.KeyID == keyID })
	if i < 0 {
		return Credential{}, false
	}
	return a.Credentials[i], true
}

func (a Application) ownedBy(id string) bool {
	return slices.ContainsFunc(a.Owners, func(o Owner) bool { return o.ID == id })
}
