package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// ConfigPlan is what applying a document does, or did.
type ConfigPlan struct {
	DryRun    bool            `json:"dryRun" doc:"Nothing was changed: this is what would be"`
	Changes   []*ConfigChange `json:"changes" nullable:"false" doc:"In the order in which they are made"`
	Unchanged int             `json:"unchanged" doc:"How many things of the document are as it says already"`
	Notes     []ConfigNote    `json:"notes" nullable:"false" doc:"What a person should know all the same"`
}

// ConfigAction is what is done with one thing.
type ConfigAction string

// The actions.
const (
	ActionCreate ConfigAction = "create"
	ActionUpdate ConfigAction = "update"
	ActionDelete ConfigAction = "delete"
)

// ConfigChange is one thing that is created, changed or deleted.
type ConfigChange struct {
	Kind    string        `json:"kind" doc:"The section of the document"`
	ID      string        `json:"id,omitempty"`
	Target  string        `json:"target,omitempty" doc:"The target of the application, where it is one"`
	Action  ConfigAction  `json:"action" enum:"create,update,delete"`
	Fields  []ConfigField `json:"fields,omitempty" doc:"What is different, of an update"`
	Line    int           `json:"line,omitempty" doc:"Where it stands in the document"`
	Applied bool          `json:"applied" doc:"Whether it was done"`
	Problem string        `json:"problem,omitempty" doc:"Why it was not done"`
	Access  any           `json:"access,omitempty" doc:"What was granted for deliveries, or which command a person must run"`
	// AccessProblem is told of a target that was saved all the same.
	AccessProblem string `json:"accessProblem,omitempty" doc:"Why nothing could be granted; the target is saved all the same"`
}

// ConfigField is one field that is different. A value that is left out is the default.
type ConfigField struct {
	Field string `json:"field"`
	Old   any    `json:"old,omitempty"`
	New   any    `json:"new,omitempty"`
}

// ConfigNote is what a person should know of one thing.
type ConfigNote struct {
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Target string `json:"target,omitempty"`
	Note   string `json:"note"`
}

// ConfigProblem is one thing that is wrong with a document.
type ConfigProblem struct {
	Location string `json:"location" doc:"Its path, which begins with body, the document"`
	Message  string `json:"message"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
}

// configRefused is the problem document of a configuration that was not applied, or
// not to its end. Problems say where in the document they are; changes, if some were
// made, which.
type configRefused struct {
	*huma.ErrorModel
	Errors  []ConfigProblem `json:"errors,omitempty"`
	Changes []*ConfigChange `json:"changes,omitempty"`
}

var _ huma.StatusError = (*configRefused)(nil)

// refused is the answer to a plan with problems: nothing was changed.
func (p *plan) refused() error {
	for i := range p.problems {
		p.problems[i].Location = joined("body", p.problems[i].Location)
	}
	detail := fmt.Sprintf("nothing was changed: the document has %d mistakes", len(p.problems))
	if len(p.problems) == 1 {
		detail = "nothing was changed: " + p.problems[0].String()
	}
	if p.later == len(p.problems) {
		return again(&configRefused{problem(http.StatusServiceUnavailable, detail), p.problems, nil}, 10*time.Second)
	}
	if len(p.problems) >= mostProblems {
		detail = fmt.Sprintf("nothing was changed: the document has %d mistakes or more; these are the first", mostProblems)
		p.problems = p.problems[:mostProblems]
	}
	return &configRefused{problem(http.StatusUnprocessableEntity, detail), p.problems, nil}
}

// String is the problem in one line.
func (p ConfigProblem) String() string {
	text := p.Location + ": " + p.Message
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// again asks the client to come back with the same document.
func again(refused *configRefused, after time.Duration) error {
	header := http.Header{"Retry-After": {fmt.Sprint(int(after.Seconds()))}}
	return huma.ErrorWithHeaders(refused, header)
}

// modelOf returns the problem document of a refusal.
func modelOf(err error) *huma.ErrorModel {
	if model, ok := errors.AsType[*huma.ErrorModel](err); ok {
		return model
	}
	return problem(http.StatusInternalServerError, err.Error())
}
