package access

import "fmt"

// Role is what somebody may do. A greater one may do whatever a smaller one may.
type Role int

// The roles. Nobody has the first one given to them: it is the lack of all others.
const (
	None          Role = iota
	Reader             // sees everything; no secret is there to be seen
	Operator           // manages applications and their targets, and rotates
	Administrator      // and writes scripts, rotates in an emergency, and makes API keys
)

var roleWords = [...]string{"none", "reader", "operator", "administrator"}

func (r Role) String() string {
	if r < None || r > Administrator {
		return fmt.Sprintf("Role(%d)", int(r))
	}
	return roleWords[r]
}

// ParseRole reads one of the three roles.
func ParseRole(word string) (Role, error) {
	for role := Reader; role <= Administrator; role++ {
		if word == role.String() {
			return role, nil
		}
	}
	return None, fmt.Errorf("role %q: must be reader, operator or administrator", word)
}

// AppRole is the role's value among the app roles of rekey's registration.
// https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
func (r Role) AppRole() string {
	return [...]string{"", "Rekey.Reader", "Rekey.Operator", "Rekey.Administrator"}[r]
}

// greatest returns the greatest role among the values of app roles. Case counts, as
// it does in Entra ID.
func greatest(values []string) Role {
	found := None
	for _, value := range values {
		for role := Reader; role <= Administrator; role++ {
			if value == role.AppRole() {
				found = max(found, role)
			}
		}
	}
	return found
}
