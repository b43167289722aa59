package vercel

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Settings are what a user says of one target.
type Settings struct {
	// Project is a project's id or name, in the team of the application's group.
	Project string `json:"project"`
	// Variable is the name of the environment variable.
	Variable string `json:"variable"`
	// Environments are production, preview, development, and custom ones by slug or id.
	Environments []string `json:"environments"`
	// Sensitive makes the variable one that nobody can read back.
	Sensitive bool `json:"sensitive"`
	// Redeploy are those of Environments that are redeployed.
	Redeploy []string `json:"redeploy"`
	// Template is what the variable holds; see rotation.CheckTemplate.
	Template string `json:"template"`
	// Format is that of a certificate.
	Format Format `json:"format,omitempty"`
}

// Format is how a certificate is written.
type Format string

// The formats: key and certificate as PEM, both as PFX in base64, the certificate alone.
const (
	FormatPEM Format = "pem"
	FormatPFX Format = "pfx"
	FormatCER Format = "cer"
)

// The environments that every project has.
const (
	production  = "production"
	preview     = "preview"
	development = "development"
)

// isCustom reports whether an environment is one of the project's own.
func isCustom(environment string) bool {
	return environment != production && environment != preview && environment != development
}

// The forms of names. They also keep anything but names out of paths.
// https://vercel.com/docs/projects/overview
// https://vercel.com/docs/environment-variables
var (
	projectForm     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	variableForm    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,255}$`)
	environmentForm = regexp.MustCompile(`^(env_[A-Za-z0-9]{1,64}|[a-z0-9](-?[a-z0-9]){0,63})$`)
)

// CheckSettings decodes strictly, fills in defaults and reports every problem. It
// asks nobody: that the project exists is for Check to find out.
func (t *Target) CheckSettings(_ rotation.Application, kind rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem) {
	s, problems := parse(kind, settings)
	if len(problems) > 0 {
		return nil, problems
	}
	checked, err := json.Marshal(s)
	if err != nil {
		return nil, []rotation.Problem{{Detail: "cannot be stored: " + err.Error()}}
	}
	return checked, nil
}

// settingsOf reads the settings of a saved target.
func settingsOf(row rotation.TargetRow) (Settings, error) {
	s, problems := parse(row.Kind, row.Settings)
	if len(problems) == 0 {
		return s, nil
	}
	words := make([]string, len(problems))
	for i, p := range problems {
		words[i] = p.Error()
	}
	return s, rotation.Permanently("vercel: settings of target %q: %s", row.ID, strings.Join(words, "; "))
}

func parse(kind rotation.Kind, settings json.RawMessage) (Settings, []rotation.Problem) {
	s := Settings{Environments: []string{}, Redeploy: []string{}, Template: rotation.PlaceCredential}
	problems := s.decode(settings)
	if kind == rotation.Certificate && s.Format == "" {
		s.Format = FormatPEM
	}
	for _, p := range s.check(kind) {
		if !slices.ContainsFunc(problems, func(known rotation.Problem) bool { return known.Field == p.Field || known.Field == "" }) {
			problems = append(problems, p)
		}
	}
	return s, problems
}

// decode reads every field that is one. What is null is as if left out.
func (s *Settings) decode(settings json.RawMessage) (problems []rotation.Problem) {
	into := map[string]any{
		"project": &s.Project, "variable": &s.Variable, "environments": &s.Environments, "sensitive": &s.Sensitive,
		"redeploy": &s.Redeploy, "template": &s.Template, "format": &s.Format,
	}
	kinds := map[string]string{"environments": "a list of names", "redeploy": "a list of names", "sensitive": "true or false"}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(settings, &given); err != nil || given == nil {
		return []rotation.Problem{{Detail: "must be an object with the settings project, variable and environments"}}
	}
	for _, field := range slices.Sorted(maps.Keys(given)) {
		place, known := into[field]
		switch {
		case !known:
			names := strings.Join(slices.Sorted(maps.Keys(into)), ", ")
			problems = append(problems, rotation.Problem{Field: field, Detail: "is not a setting of a Vercel target: those are " + names})
		case string(given[field]) == "null":
		case json.Unmarshal(given[field], place) != nil:
			what := kinds[field]
			if what == "" {
				what = "a string"
			}
			problems = append(problems, rotation.Problem{Field: field, Detail: "must be " + what})
		}
	}
	return problems
}

func (s *Settings) check(kind rotation.Kind) (problems []rotation.Problem) {
	wrong := func(field, format string, args ...any) {
		problems = append(problems, rotation.Problem{Field: field, Detail: fmt.Sprintf(format, args...)})
	}
	if !projectForm.MatchString(s.Project) || strings.Trim(s.Project, ".") == "" {
		wrong("project", "must be a project's id or name")
	}
	if !variableForm.MatchString(s.Variable) {
		wrong("variable", "must be 1 to 256 letters, digits and underscores, and not begin with a digit")
	}
	s.checkEnvironments(wrong)
	if err := rotation.CheckTemplate(s.Template); err != nil {
		wrong("template", "%v", err)
	} else if !strings.Contains(s.Template, rotation.PlaceCredential) {
		wrong("template", "must contain %s", rotation.PlaceCredential)
	}
	switch {
	case kind == rotation.Certificate && !slices.Contains([]Format{FormatPEM, FormatPFX, FormatCER}, s.Format):
		wrong("format", `must be "pem", "pfx" or "cer"`)
	case kind != rotation.Certificate && s.Format != "":
		wrong("format", "is for certificates only")
	}
	return problems
}

func (s *Settings) checkEnvironments(wrong func(field, format string, args ...any)) {
	if len(s.Environments) == 0 {
		wrong("environments", "must name at least one of production, preview, development and the project's own")
	}
	for i, e := range s.Environments {
		switch {
		case !environmentForm.MatchString(e):
			wrong("environments", "must be production, preview, development, or the slug or id of a custom environment")
		case slices.Contains(s.Environments[:i], e):
			wrong("environments", "must name no environment twice")
		}
	}
	if s.Sensitive && slices.Contains(s.Environments, development) {
		wrong("sensitive", "must be false where development is among the environments: Vercel keeps no sensitive values there")
	}
	for i, e := range s.Redeploy {
		switch {
		case e == development:
			wrong("redeploy", "must not name development: it has no deployments")
		case !slices.Contains(s.Environments, e):
			wrong("redeploy", "must name only what is among the environments")
		case slices.Contains(s.Redeploy[:i], e):
			wrong("redeploy", "must name no environment twice")
		}
	}
}
