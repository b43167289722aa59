package automation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// Settings are what a user says of one target.
type Settings struct {
	Task string `json:"task"`
	// Parameters are added to those of the task's scripts, and take the place of
	// parameters of the same name, so that one task serves many applications.
	Parameters map[string]string `json:"parameters,omitempty"`
}

var taskPattern = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){0,62}$`)

// CheckSettings decodes strictly and reports every problem. It asks nobody: that
// the task exists, and that it would work, is for Check to find out.
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

func parse(settings json.RawMessage) (s Settings, problems []rotation.Problem) {
	decoder := json.NewDecoder(bytes.NewReader(settings))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return s, []rotation.Problem{{Detail: "must be an object with the settings task, a text, and parameters, an object of texts"}}
	}
	if !taskPattern.MatchString(s.Task) {
		problems = append(problems, rotation.Problem{Field: "task", Detail: "must be the id of a task"})
	}
	return s, append(problems, rotation.CheckParameters(s.Parameters)...)
}

// configured reads what a target says, and the task that it names.
func (t *Target) configured(ctx context.Context, row rotation.TargetRow) (Settings, rotation.Task, error) {
	s, problems := parse(row.Settings)
	if len(problems) > 0 {
		var errs []error
		for _, p := range problems {
			errs = append(errs, p)
		}
		return s, rotation.Task{}, rotation.Permanently("automation: settings of target %q: %w", row.ID, errors.Join(errs...))
	}
	task, err := t.task(ctx, s.Task)
	return s, task, err
}

func (t *Target) task(ctx context.Context, id string) (rotation.Task, error) {
	task, _, err := t.config.Tasks.Task(ctx, id)
	if errors.Is(err, engine.ErrUnknownRecord) {
		return task, &rotation.Fault{Class: rotation.Permanent, Err: fmt.Errorf("automation: there is no task %q", id), Remedy: "make the task, or let the target name another one"}
	}
	if err != nil {
		return task, transient(fmt.Sprintf("read task %q", id), err)
	}
	if problems := task.Check(); len(problems) > 0 { // rows are not only written by who checked them
		return task, rotation.Permanently("automation: task %q is not one: %w", id, problems[0])
	}
	if t.config.StagingVault != "" && task.UsesVault(t.config.StagingVault) {
		return task, &rotation.Fault{Class: rotation.Permanent,
			Err:    fmt.Errorf("automation: task %q names the staging vault %q, which holds the credentials of every application", id, t.config.StagingVault),
			Remedy: "name the vault of a Key Vault target in it"}
	}
	return task, nil
}
