package devops

import (
	"encoding/json"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Place is the service connection that a target delivers to.
func (t *Target) Place(row rotation.TargetRow) (kind, name string) {
	var s Settings
	if json.Unmarshal(row.Settings, &s) != nil || s.ServiceConnection == "" {
		return "Azure DevOps service connection", ""
	}
	return "Azure DevOps service connection", s.Organization + "/" + s.Project + "/" + s.ServiceConnection
}
