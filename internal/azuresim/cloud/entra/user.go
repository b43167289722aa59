package entra

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"
)

// User is a person of the tenant.
type User struct {
	ObjectID          string
	DisplayName       string
	UserPrincipalName string // what they sign in with
	// AppRoles are their app roles on applications of the tenant, by their client ids.
	AppRoles map[string][]string
}

// AddUser adds a person, or replaces one. An id that is left out is made up.
func (d *Directory) AddUser(u User) User {
	u.ObjectID = cmp.Or(u.ObjectID, uuid.NewString())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[u.ObjectID] = u
	return u
}

// User returns a person by object id.
func (d *Directory) User(objectID string) (User, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	u, exists := d.users[objectID]
	return u, exists
}

// SignIn is a person who signs in to a program and lets it use an API in their name:
// what the authorization code flow ends with.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
type SignIn struct {
	UserID string
	// Client is the program's client id.
	Client string
	// Resource is the API, as the client names it.
	Resource string
	// Scope is what the client may do with it, without the resource's name.
	Scope string
}

// Tokens are what the program gets. The ID token is for the client itself.
type Tokens struct{ Access, ID string }

// SignIn issues the tokens.
func (d *Directory) SignIn(s SignIn) (t Tokens, err error) {
	d.mu.RLock()
	user := d.users[s.UserID]
	d.mu.RUnlock()
	c := d.claimsFor(s.Resource, d.opts.TokenLifetime)
	c.Scopes, c.Roles = s.Scope, user.AppRoles[d.resourceOf(s.Resource)]
	c.nameUser(user)
	c.client(s.Client, provedNothing)
	if t.Access, err = d.signer.sign(c); err != nil {
		return t, err
	}
	id := c
	id.Issuer, id.Version, id.Audience = d.issuer(), "2.0", s.Client
	id.AppID, id.AppIDACR, id.Azp, id.AzpACR, id.Scopes, id.UPN, id.Unique = "", "", "", "", "", "", ""
	id.Nonce, id.Username = uuid.NewString(), user.UserPrincipalName
	id.Roles = user.AppRoles[s.Client]
	t.ID, err = d.signer.sign(id)
	return t, err
}

// nameUser says who the token is about. The subject is another one for each audience.
func (c *claims) nameUser(u User) {
	pairwise := sha256.Sum256([]byte(u.ObjectID + c.Audience))
	c.ObjectID, c.Name, c.Subject = u.ObjectID, u.DisplayName, base64.RawURLEncoding.EncodeToString(pairwise[:])
	if c.Version == "2.0" {
		c.Username = u.UserPrincipalName
		return
	}
	c.UPN, c.Unique = u.UserPrincipalName, u.UserPrincipalName
}

// RollKeys signs tokens with a new key from now on.
// https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
func (d *Directory) RollKeys() { d.signer.roll() }

// TokenFor issues a token to a principal as its own, without the proof that the token
// endpoint would ask for.
func (d *Directory) TokenFor(sp ServicePrincipal, resource string) (string, error) {
	return d.issue(sp, resource, provedBySecret, d.opts.TokenLifetime)
}
