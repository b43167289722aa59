package vercel

import (
	"encoding/json"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Place is the project that a target delivers to, as its settings name it: in the team of
// its application's group.
func (t *Target) Place(row rotation.TargetRow) (kind, name string) {
	var s Settings
	if json.Unmarshal(row.Settings, &s) != nil {
		return "Vercel project", ""
	}
	return "Vercel project", s.Project
}
