package devops

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Settings are what a user says of one target.
type Settings struct {
	// Organization is its name; its address is accepted too.
	Organization string `json:"organization"`
	// Project is a project's name or id.
	Project string `json:"project"`
	// ServiceConnection is a service connection's name or id.
	ServiceConnection string `json:"serviceConnection"`
}

// The names of the settings, as choices are asked for.
const (
	settingOrganization = "organization"
	settingProject      = "project"
	settingConnection   = "serviceConnection"
)

func settingNames() []string { return []string{settingOrganization, settingProject, settingConnection} }

// The limits on names. They also keep anything else out of paths.
// https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions
var (
	organizationPattern = regexp.MustCompile(`^[0-9a-zA-Z](-?[0-9a-zA-Z])*$`)
	guidPattern         = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

const (
	longestOrganization = 50
	longestProject      = 64
	longestConnection   = 256
	notInProjects       = `\/:*?"<>|;#$*{},+=[]`
)

func isID(text string) bool { return guidPattern.MatchString(text) }

// CheckSettings decodes strictly, normalises and reports every problem. It asks
// nobody: whether the connection is there and can be written, Check finds out.
func (t *Target) CheckSettings(_ rotation.Application, _ rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem) {
	s, problems := parse(settings)
	if len(problems) > 0 {
		return nil, problems
	}
	normalised, err := json.Marshal(s)
	if err != nil {
		return nil, []rotation.Problem{{Detail: err.Error()}}
	}
	return normalised, nil
}

// savedSettings reads a target's row.
func savedSettings(row rotation.TargetRow) (Settings, error) {
	s, problems := parse(row.Settings)
	if len(problems) == 0 {
		return s, nil
	}
	var errs []error
	for _, p := range problems {
		errs = append(errs, p)
	}
	return s, rotation.Permanently("devops: settings of target %q: %w", row.ID, errors.Join(errs...))
}

// parse reads settings as a user gave them or as they were saved.
func parse(settings json.RawMessage) (Settings, []rotation.Problem) {
	given, problems := fields(settings)
	s := Settings{
		Organization:      organizationName(given[settingOrganization]),
		Project:           normalised(given[settingProject]),
		ServiceConnection: normalised(given[settingConnection]),
	}
	wrong := func(field, detail string) {
		if !slices.ContainsFunc(problems, func(p rotation.Problem) bool { return p.Field == field }) {
			problems = append(problems, rotation.Problem{Field: field, Detail: detail})
		}
	}
	if !isOrganization(s.Organization) {
		wrong(settingOrganization, "must be the name of an organization, as in https://dev.azure.com/<name>")
	}
	if !isProject(s.Project) {
		wrong(settingProject, "must be the name or the id of a project")
	}
	if !isConnection(s.ServiceConnection) {
		wrong(settingConnection, "must be the id of a service connection, or its name if that has no comma")
	}
	return s, problems
}

// fields reads an object of strings. Its problems come in the order of the names.
func fields(settings json.RawMessage) (map[string]string, []rotation.Problem) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(settings, &raw); err != nil {
		return nil, []rotation.Problem{{Detail: "must be an object with the settings organization, project and serviceConnection"}}
	}
	given := map[string]string{}
	var problems []rotation.Problem
	for _, field := range slices.Sorted(maps.Keys(raw)) {
		var text *string
		switch err := json.Unmarshal(raw[field], &text); {
		case !slices.Contains(settingNames(), field):
			problems = append(problems, rotation.Problem{Field: field,
				Detail: "is not a setting of an Azure DevOps target: those are organization, project and serviceConnection"})
		case err != nil:
			problems = append(problems, rotation.Problem{Field: field, Detail: "must be a string"})
		case text != nil:
			given[field] = *text
		}
	}
	return given, problems
}

// organizationName accepts a name or an address, of which it keeps the name.
func organizationName(given string) string {
	given = strings.TrimSpace(given)
	if !strings.Contains(given, "/") {
		return given
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "https" {
		return given
	}
	if name, old := strings.CutSuffix(strings.ToLower(u.Host), ".visualstudio.com"); old {
		return name
	}
	if u.Host != host {
		return given
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return name
}

// normalised keeps one spelling of an id.
func normalised(given string) string {
	given = strings.TrimSpace(given)
	if isID(given) {
		return strings.ToLower(given)
	}
	return given
}

func isOrganization(name string) bool {
	return len(name) <= longestOrganization && organizationPattern.MatchString(name)
}

func isProject(name string) bool {
	return isPrintable(name, longestProject) && !strings.ContainsAny(name, notInProjects) &&
		!strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".")
}

// isConnection refuses a comma, by which the service separates names.
func isConnection(name string) bool {
	return isPrintable(name, longestConnection) && !strings.Contains(name, ",")
}

func isPrintable(name string, longest int) bool {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	return name != "" && len([]rune(name)) <= longest && !strings.ContainsFunc(name, odd)
}
