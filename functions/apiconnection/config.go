package apiconnection

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Settings are what a user says of one target.
type Settings struct {
	// Connection is the resource id of the API connection.
	Connection string `json:"connection"`
	// Parameters are non-secret values to write whatever the connection shows.
	Parameters map[string]string `json:"parameters,omitempty"`
	// Secrets are further secret values, which the connection does not show: for each
	// parameter the identifier of a secret in a vault, without a version.
	Secrets map[string]string `json:"secrets,omitempty"`
	// Test says whether the connection's own test has to succeed.
	Test Test `json:"test"`
}

// Test is what becomes of a connection's test link.
type Test string

// The tests. Some connectors' test calls something that only a signed-in user has.
const (
	TestRequired Test = "required"
	TestSkipped  Test = "skipped"
)

// The forms of names and identifiers.
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
var (
	guidForm       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	nameForm       = regexp.MustCompile(`^[\p{L}\p{N}_().-]{1,90}$`)
	identifierForm = regexp.MustCompile(`^https://([a-zA-Z](?:-?[0-9a-zA-Z]){2,23})\.vault\.azure\.net/secrets/([0-9a-zA-Z-]{1,127})/?$`)
)

const (
	connectionType = "Microsoft.Web/connections"
	connectionHelp = "must be the resource id of an API connection: /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Web/connections/<name>"
	settingsHelp   = "must be an object with the settings connection, parameters, secrets and test"
)

// CheckSettings decodes strictly, fills in defaults and reports every problem. It
// asks nobody: what the connection is, Check finds out.
func (t *Target) CheckSettings(_ rotation.Application, _ rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem) {
	s, problems := t.parse(settings)
	if len(problems) > 0 {
		return nil, problems
	}
	normalised, err := json.Marshal(s)
	if err != nil {
		return nil, []rotation.Problem{{Detail: err.Error()}}
	}
	return normalised, nil
}

// saved reads settings as they were saved.
func (t *Target) saved(row rotation.TargetRow) (Settings, error) {
	s, problems := t.parse(row.Settings)
	if len(problems) == 0 {
		return s, nil
	}
	var errs []error
	for _, p := range problems {
		errs = append(errs, p)
	}
	return s, rotation.Permanently("apiconnection: settings of target %q: %w", row.ID, errors.Join(errs...))
}

func (t *Target) parse(settings json.RawMessage) (s Settings, problems []rotation.Problem) {
	given, problems := fields(settings)
	wrong := func(field, detail string) {
		if !slices.ContainsFunc(problems, func(p rotation.Problem) bool { return p.Field == field }) {
			problems = append(problems, rotation.Problem{Field: field, Detail: detail})
		}
	}
	read := func(field string, into any, detail string) {
		if raw, ok := given[field]; ok && json.Unmarshal(raw, into) != nil {
			wrong(field, detail)
		}
	}
	read("connection", &s.Connection, connectionHelp)
	read("parameters", &s.Parameters, "must be an object of strings")
	read("secrets", &s.Secrets, "must be an object of strings")
	read("test", &s.Test, `must be "required" or "skipped"`)

	var legal bool
	if s.Connection, legal = normalise(s.Connection); !legal {
		wrong("connection", connectionHelp)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
		if isCredential(name) {
			wrong("parameters."+name, "is taken from the application and cannot be set")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		if detail := t.wrongSecret(name, s); detail != "" {
			wrong("secrets."+name, detail)
		}
	}
	switch s.Test {
	case "":
		s.Test = TestRequired
	case TestRequired, TestSkipped:
	default:
		wrong("test", `must be "required" or "skipped"`)
	}
	return s, problems
}

// wrongSecret says what is wrong with a reference. The staging vault holds the
// credentials of every application: a connection must not become a way to them.
func (t *Target) wrongSecret(name string, s Settings) string {
	parts := identifierForm.FindStringSubmatch(s.Secrets[name])
	switch {
	case isCredential(name):
		return "is taken from the application and cannot be set"
	case parts == nil:
		return "must be the identifier of a secret, without a version: https://<vault>.vault.azure.net/secrets/<name>"
	case strings.EqualFold(parts[1], t.config.StagingVault):
		return "must not be in the staging vault, which holds the credentials of every application"
	}
	for other := range s.Parameters {
		if strings.EqualFold(other, name) {
			return "is among the parameters as well"
		}
	}
	return ""
}

// fields reads an object. Its problems come in the order of the names.
func fields(settings json.RawMessage) (given map[string]json.RawMessage, problems []rotation.Problem) {
	if err := json.Unmarshal(settings, &given); err != nil || given == nil {
		return nil, []rotation.Problem{{Detail: settingsHelp}}
	}
	for _, field := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains([]string{"connection", "parameters", "secrets", "test"}, field) {
			problems = append(problems, rotation.Problem{Field: field, Detail: "is not a setting of an API connection: those are connection, parameters, secrets and test"})
		}
		if bytes.Equal(given[field], []byte("null")) {
			delete(given, field)
		}
	}
	return given, problems
}

// normalise keeps one spelling of a connection's resource id.
func normalise(connection string) (string, bool) {
	id, err := arm.ParseResourceID(strings.TrimSpace(connection))
	if err != nil || !strings.EqualFold(id.ResourceType.String(), connectionType) || id.Parent == nil ||
		!strings.EqualFold(id.Parent.ResourceType.String(), arm.ResourceGroupResourceType.String()) ||
		!guidForm.MatchString(id.SubscriptionID) || !nameForm.MatchString(id.ResourceGroupName) || !nameForm.MatchString(id.Name) {
		return connection, false
	}
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s",
		strings.ToLower(id.SubscriptionID), id.ResourceGroupName, connectionType, id.Name), true
}
