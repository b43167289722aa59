package vercel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// The types of variables. https://vercel.com/docs/rest-api/projects
const (
	typePlain     = "plain"
	typeEncrypted = "encrypted"
	typeSensitive = "sensitive"
	typeSystem    = "system"
)

// variable is one entry of a project's environment variables, without its value.
type variable struct {
	ID        string   `json:"id"`
	Key       string   `json:"key"`
	Type      string   `json:"type"`
	Target    places   `json:"target"`
	Custom    []string `json:"customEnvironmentIds"`
	Branch    string   `json:"gitBranch"`
	UpdatedAt int64    `json:"updatedAt"` // Unix milliseconds by Vercel's clock
}

// places is one environment or a list of them: both occur.
type places []string

// UnmarshalJSON implements json.Unmarshaler.
func (p *places) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*p = nil
		if one != "" {
			*p = places{one}
		}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(p))
}

// everywhere is every environment that the entry covers, custom ones by id.
func (v variable) everywhere() []string { return slices.Concat(v.Target, v.Custom) }

// change is what an edit sets; what is nil stays as it is.
type change struct {
	Value  *string   `json:"value,omitempty"`
	Type   string    `json:"type,omitempty"`
	Target *[]string `json:"target,omitempty"`
	Custom *[]string `json:"customEnvironmentIds,omitempty"`
}

// creation is a new entry.
type creation struct {
	Key     string   `json:"key"`
	Value   string   `json:"value"`
	Type    string   `json:"type"`
	Target  []string `json:"target"`
	Custom  []string `json:"customEnvironmentIds,omitempty"`
	Comment string   `json:"comment"`
}

func variablesPath(project string) string { return "/projects/" + url.PathEscape(project) + "/env" }

// listVariables never asks for values.
// https://vercel.com/docs/rest-api/projects/retrieve-the-environment-variables-of-a-project-by-id-or-name
func (c *client) listVariables(ctx context.Context, project string) (all []variable, err error) {
	var answer struct {
		Envs       []variable `json:"envs"`
		Pagination pagination `json:"pagination"`
	}
	r := request{doing: fmt.Sprintf("list env of project %q", project), method: http.MethodGet, path: "/v10" + variablesPath(project), into: &answer}
	err = c.pages(ctx, r, "until", func() (pagination, error) {
		if answer.Envs == nil {
			return pagination{}, nonsense(r.doing, "envs")
		}
		all = append(all, answer.Envs...)
		page := answer.Pagination
		answer.Envs, answer.Pagination = nil, pagination{}
		return page, nil
	})
	return all, err
}

// https://vercel.com/docs/rest-api/projects/edit-an-environment-variable
func (c *client) editVariable(ctx context.Context, project string, v variable, set change) (edited variable, err error) {
	doing := fmt.Sprintf("update env %q", v.Key)
	err = c.do(ctx, request{
		doing: doing, method: http.MethodPatch, path: "/v9" + variablesPath(project) + "/" + url.PathEscape(v.ID), body: set, into: &edited,
	})
	if err == nil && (edited.ID == "" || edited.UpdatedAt == 0) {
		err = nonsense(doing, "id and time")
	}
	return edited, err
}

// createVariable reads failed too: a creation that failed is answered by 201 as well.
// https://vercel.com/docs/rest-api/projects/create-one-or-more-environment-variables
func (c *client) createVariable(ctx context.Context, project string, made creation) (created variable, err error) {
	var answer struct {
		Created json.RawMessage           `json:"created"`
		Failed  []struct{ Error problem } `json:"failed"`
	}
	doing := fmt.Sprintf("create env %q", made.Key)
	err = c.do(ctx, request{doing: doing, method: http.MethodPost, path: "/v10" + variablesPath(project), body: made, into: &answer})
	if err != nil {
		return created, err
	}
	if len(answer.Failed) > 0 {
		p := answer.Failed[0].Error
		return created, &rotation.Fault{
			Class: classify(http.StatusBadRequest, p.Code), Err: fmt.Errorf("vercel: %s: %w", doing, errors.New(c.said(p))),
		}
	}
	if json.Unmarshal(answer.Created, &created) != nil || created.ID == "" || created.UpdatedAt == 0 {
		return created, nonsense(doing, "created variable")
	}
	return created, nil
}
