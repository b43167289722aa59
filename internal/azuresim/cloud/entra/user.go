package entra

import (
	"cmp"

	"github.com/google/uuid"
)

// User is a person of the tenant. Nobody signs in as one.
type User struct {
	ObjectID          string
	DisplayName       string
	UserPrincipalName string
}

// AddUser adds a person. An id that is left out is made up.
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
