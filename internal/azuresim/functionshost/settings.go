package functionshost

import (
	"fmt"
	"regexp"
	"strings"
)

// settings are the app's settings: https://learn.microsoft.com/azure/azure-functions/functions-app-settings
type settings map[string]string

var settingReference = regexp.MustCompile(`%[^%]+%`)

// resolve replaces every %SETTING% in a binding's property.
func (s settings) resolve(value string) (string, error) {
	var missing []string
	resolved := settingReference.ReplaceAllStringFunc(value, func(reference string) string {
		setting, found := s[strings.Trim(reference, "%")]
		if !found {
			missing = append(missing, reference)
		}
		return setting
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("%s is not an app setting", strings.Join(missing, ", "))
	}
	return resolved, nil
}

// connection finds the connection string that a binding's connection names.
func (s settings) connection(name string) (string, error) {
	for _, setting := range []string{"AzureWebJobs" + name, name} {
		if value := s[setting]; value != "" {
			return value, nil
		}
	}
	if _, identity := s[name+"__fullyQualifiedNamespace"]; identity {
		return "", fmt.Errorf("connection %q: identity-based connections are not simulated, set %s to a connection string", name, name)
	}
	return "", fmt.Errorf("connection %q: no app setting of this name", name)
}

// disabled says whether the function is switched off by its app setting.
// https://learn.microsoft.com/azure/azure-functions/disable-function
func (s settings) disabled(function string) bool {
	for _, setting := range []string{"AzureWebJobs." + function + ".Disabled", "AzureWebJobs_" + function + "_Disabled"} {
		if value := s[setting]; strings.EqualFold(value, "true") || value == "1" {
			return true
		}
	}
	return false
}
