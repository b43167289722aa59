package vercel

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
)

// https://vercel.com/docs/rest-api/projects/retrieve-the-environment-variables-of-a-project-by-id-or-name
func (s *Service) listVariables(c *call) (any, error) {
	p, err := s.project(c)
	if err != nil {
		return nil, err
	}
	all := []variableAnswer{}
	for _, v := range p.variables {
		branch, id := c.query("gitBranch"), c.query("customEnvironmentId")
		if branch != "" && v.Branch != branch || id != "" && !slices.Contains(v.Environments, id) {
			continue
		}
		all = append(all, v.answer(c.query("decrypt") == "true"))
	}
	slices.Reverse(all)
	if c.query("limit") == "" && c.query("until") == "" {
		return map[string]any{"envs": all, "pagination": pagination{Count: len(all)}}, nil
	}
	shown, pages, err := page(c, "until", all, func(v variableAnswer) int64 { return v.Created })
	return map[string]any{"envs": shown, "pagination": pages}, err
}

// https://vercel.com/docs/rest-api/projects/retrieve-the-decrypted-value-of-an-environment-variable-of-a-project-by-id
func (s *Service) getVariable(c *call) (any, error) {
	_, v, err := s.variable(c)
	if err != nil {
		return nil, err
	}
	return v.answer(true), nil
}

func (s *Service) variable(c *call) (*project, *variable, error) {
	p, err := s.project(c)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(p.variables, func(v *variable) bool { return v.id == c.request.PathValue("id") })
	if i < 0 {
		return nil, nil, refuse(http.StatusNotFound, "ENV_NOT_FOUND", "The environment variable was not found.")
	}
	return p, p.variables[i], nil
}

// variableBody is the body of a creation and of an edit.
type variableBody struct {
	Key          *string   `json:"key"`
	Value        *string   `json:"value"`
	Type         *string   `json:"type"`
	Target       *targets  `json:"target"`
	Branch       *string   `json:"gitBranch"`
	Environments *[]string `json:"customEnvironmentIds"`
	Comment      *string   `json:"comment"`
}

// targets is one environment or a list of them.
type targets []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *targets) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = targets{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

func readVariable(text []byte) (b variableBody, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		return b, badRequest("Invalid request: %v.", err)
	}
	return b, b.check()
}

func (b variableBody) check() error {
	if b.Type != nil && !slices.Contains([]string{System, Encrypted, Plain, Sensitive}, *b.Type) {
		return badRequest("Invalid request: `type` should be equal to one of the allowed values \"system, encrypted, plain, sensitive\".")
	}
	if b.Target == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, target := range *b.Target {
		if !slices.Contains([]string{Production, Preview, Development}, target) || seen[target] {
			return badRequest("Invalid request: `target` should be unique values of \"production, preview, development\".")
		}
		seen[target] = true
	}
	return nil
}

// onto puts what the body has over what was there.
func (b variableBody) onto(v Variable) Variable {
	v.Key, v.Value, v.Type = or(b.Key, v.Key), or(b.Value, v.Value), or(b.Type, v.Type)
	v.Branch, v.Comment = or(b.Branch, v.Branch), or(b.Comment, v.Comment)
	v.Targets = or((*[]string)(b.Target), v.Targets)
	v.Environments = or(b.Environments, v.Environments)
	return v
}

func or[T any](given *T, otherwise T) T {
	if given != nil {
		return *given
	}
	return otherwise
}

// https://vercel.com/docs/rest-api/projects/create-one-or-more-environment-variables
func (s *Service) createVariables(c *call) (any, error) {
	p, err := s.project(c)
	if err != nil {
		return nil, err
	}
	text, err := c.body()
	if err != nil {
		return nil, err
	}
	c.status = http.StatusCreated
	var several []json.RawMessage
	if json.Unmarshal(text, &several) != nil || several == nil {
		made, err := s.create(c, p, text)
		return map[string]any{"created": made, "failed": []any{}}, err
	}
	created, failed := []variableAnswer{}, []any{}
	for _, one := range several {
		made, err := s.create(c, p, one)
		if refused, ok := err.(*refusal); ok {
			failed = append(failed, map[string]any{"error": refused.fields})
			continue
		}
		created = append(created, made)
	}
	return map[string]any{"created": created, "failed": failed}, nil
}

func (s *Service) create(c *call, p *project, text []byte) (made variableAnswer, err error) {
	body, err := readVariable(text)
	if err != nil {
		return made, err
	}
	for name, missing := range map[string]bool{"key": body.Key == nil, "value": body.Value == nil, "type": body.Type == nil} {
		if missing {
			return made, badRequest("Invalid request: missing required property `%s`.", name)
		}
	}
	v := c.underPolicy(body.onto(Variable{}))
	if i := slices.IndexFunc(p.variables, func(o *variable) bool { return o.samePlaces(v) }); i >= 0 && c.query("upsert") == "true" {
		return s.replace(p, p.variables[i], v)
	}
	if refused := p.admits(v, ""); refused != nil {
		return made, refused
	}
	return s.add(p, v).answer(false), nil
}

// underPolicy makes a new variable sensitive where the team wants that.
func (c *call) underPolicy(v Variable) Variable {
	if c.team != nil && c.team.SensitivePolicy && v.Type == Encrypted && !slices.Contains(v.Targets, Development) {
		v.Type = Sensitive
	}
	return v
}

// https://vercel.com/docs/rest-api/projects/edit-an-environment-variable
func (s *Service) editVariable(c *call) (any, error) {
	p, v, err := s.variable(c)
	if err != nil {
		return nil, err
	}
	text, err := c.body()
	if err != nil {
		return nil, err
	}
	body, err := readVariable(text)
	if err != nil {
		return nil, err
	}
	return s.replace(p, v, body.onto(v.Variable))
}

func (s *Service) replace(p *project, old *variable, v Variable) (answer variableAnswer, err error) {
	switch {
	case old.Type == Sensitive && v.Type != Sensitive:
		return answer, badRequest("You cannot change the type of a Sensitive Environment Variable.")
	case old.Type == Sensitive && v.Key != old.Key:
		return answer, badRequest("You cannot change the key of a Sensitive Environment Variable.")
	}
	if refused := p.admits(v, old.id); refused != nil {
		return answer, refused
	}
	old.Variable, old.updated = v, s.stamp()
	return old.answer(false), nil
}
