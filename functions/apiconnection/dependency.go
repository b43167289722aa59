package apiconnection

import (
	"encoding/json"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Place is the API connection that a target delivers to, by its resource id, whose case
// means nothing.
func (t *Target) Place(row rotation.TargetRow) (kind, name string) {
	var s Settings
	if json.Unmarshal(row.Settings, &s) != nil {
		return "API connection", ""
	}
	return "API connection", strings.ToLower(s.Connection)
}
