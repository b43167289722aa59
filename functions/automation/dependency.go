package automation

import (
	"encoding/json"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Place is the task that a target has done.
func (t *Target) Place(row rotation.TargetRow) (kind, name string) {
	var s Settings
	if json.Unmarshal(row.Settings, &s) != nil {
		return "task", ""
	}
	return "task", s.Task
}
