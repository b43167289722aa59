package vercel

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The environments that every project has.
const (
	Production  = "production"
	Preview     = "preview"
	Development = "development"
)

// The types of variables.
const (
	Plain     = "plain"
	Encrypted = "encrypted"
	Sensitive = "sensitive"
	System    = "system"
)

// Variable is one entry of a project's environment variables.
// https://vercel.com/docs/environment-variables
type Variable struct {
	Key, Value   string
	Type         string   // Encrypted when seeded without
	Targets      []string // production, preview, development
	Environments []string // the ids of custom environments
	Branch       string   // with preview alone
	Comment      string
}

type variable struct {
	Variable
	id               string
	created, updated int64
}

// AddVariable adds a variable to a project and returns its id. What Vercel would
// refuse is a mistake of the seed.
func (s *Service) AddVariable(projectID string, v Variable) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.seeded(projectID)
	if v.Type == "" {
		v.Type = Encrypted
	}
	if refused := p.admits(v, ""); refused != nil {
		panic(refused)
	}
	return s.add(p, v).id
}

func (s *Service) add(p *project, v Variable) *variable {
	now := s.stamp()
	made := &variable{Variable: v, id: newID(""), created: now, updated: now}
	p.variables = append(p.variables, made)
	return made
}

var keyForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// https://vercel.com/docs/environment-variables#environment-variable-size
const (
	maxKey   = 256
	maxValue = 64 << 10
)

// admits says why a variable cannot be as it is, or nil. except is the id of the
// variable that it replaces.
func (p *project) admits(v Variable, except string) *refusal {
	if refused := v.check(); refused != nil {
		return refused
	}
	for _, id := range v.Environments {
		if !slices.ContainsFunc(p.environments, func(e environment) bool { return e.ID == id }) {
			return badRequest("Custom environment %q was not found in this project.", id)
		}
	}
	for _, other := range p.variables {
		if other.id != except && other.overlaps(v) {
			return conflict(v)
		}
	}
	return nil
}

func (v Variable) check() *refusal {
	switch {
	case !keyForm.MatchString(v.Key) || len(v.Key) > maxKey:
		return badRequest("The name contains invalid characters. Only letters, digits, and underscores are allowed. Furthermore, the name should not start with a digit.")
	case strings.HasPrefix(v.Key, "VERCEL_") || slices.Contains([]string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NOW_REGION"}, v.Key):
		return refuse(http.StatusBadRequest, "RESERVED_ENV_VARIABLE", "The name %s is reserved.", v.Key)
	case len(v.Value) > maxValue:
		return refuse(http.StatusBadRequest, "max_env_size_exceeded", "The value is larger than 64 KB.")
	case len(v.Targets)+len(v.Environments) == 0:
		return badRequest("Invalid request: `target` should NOT be empty.")
	case v.Branch != "" && (len(v.Environments) > 0 || !slices.Equal(v.Targets, []string{Preview})):
		return badRequest("Invalid request: `gitBranch` can only be set when the target is preview.")
	case v.Type == Sensitive && slices.Contains(v.Targets, Development):
		return badRequest("You cannot set a Sensitive Environment Variable's target to development.")
	}
	return nil
}

// overlaps reports whether two variables claim the same place.
func (v Variable) overlaps(other Variable) bool {
	within := func(names []string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	return v.Key == other.Key && v.Branch == other.Branch &&
		(slices.ContainsFunc(v.Targets, within(other.Targets)) || slices.ContainsFunc(v.Environments, within(other.Environments)))
}

// samePlaces reports whether two variables claim exactly the same places.
func (v Variable) samePlaces(other Variable) bool {
	return v.Key == other.Key && v.Branch == other.Branch && sameSet(v.Targets, other.Targets) && sameSet(v.Environments, other.Environments)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func conflict(v Variable) *refusal {
	branch := any(v.Branch)
	if v.Branch == "" {
		branch = nil
	}
	return refuse(http.StatusBadRequest, "ENV_CONFLICT", "Another variable with the name %s exists for the target %s on branch %s.",
		v.Key, strings.Join(v.Targets, ", "), orUndefined(v.Branch)).
		with("envVarKey", v.Key).with("target", v.Targets).with("gitBranch", branch)
}

func orUndefined(branch string) string {
	if branch == "" {
		return "undefined"
	}
	return branch
}
