package keyvault

import (
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

const longestName = 127

var illegal = regexp.MustCompile(`[^0-9a-zA-Z]+`)

// legalName returns the name that a secret has when its user gave none: the
// application's display name where Key Vault takes it as it is, else with a hyphen
// for each run of what Key Vault does not take. A name of which nothing is left
// gives way to the client id.
func legalName(app rotation.Application) string {
	name := app.Name
	if isSecretName(name) {
		return name
	}
	name = strings.Trim(illegal.ReplaceAllString(name, "-"), "-")
	name = strings.TrimRight(name[:min(len(name), longestName)], "-")
	if name == "" {
		return app.AppID
	}
	return name
}
