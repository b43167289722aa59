package keyvault

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Place is the vault that a target delivers to, by its name, which no other vault in the
// world has.
func (t *Target) Place(row rotation.TargetRow) (kind, name string) {
	var s Settings
	if json.Unmarshal(row.Settings, &s) != nil || s.Vault == "" {
		return "Key Vault", ""
	}
	return "Key Vault", strings.ToLower(path.Base(s.Vault))
}
