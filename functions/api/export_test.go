package api

import "github.com/rekey-dev/rekey/internal/access"

// Rule is one line of the table of who may use what.
type Rule struct {
	Role   access.Role
	Owners bool
}

// Rules is that table.
func Rules() map[string]Rule {
	all := map[string]Rule{}
	for pattern, r := range rules {
		all[pattern] = Rule{r.role, r.owners}
	}
	return all
}
