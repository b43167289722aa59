package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// integrationOfTasks is the word of the integration whose targets name a task.
const integrationOfTasks = "automation"

func (e *Engine) tasks() shared[rotation.Task] {
	return shared[rotation.Task]{engine: e, table: TableTasks, what: "task"}
}

// Task returns a task and its ETag, or ErrUnknownRecord.
func (e *Engine) Task(ctx context.Context, id string) (rotation.Task, string, error) {
	if planned, ok := forecast(ctx).Tasks[id]; ok {
		return planned, "", nil
	}
	return e.tasks().get(ctx, id)
}

// Tasks returns tasks in the order of their ids, from the one after a given id.
// Next is empty after the last.
func (e *Engine) Tasks(ctx context.Context, from string, limit int) (tasks []rotation.Task, next string, err error) {
	return e.tasks().list(ctx, from, limit)
}

// SaveTask saves a task that was checked and returns its new ETag. Targets that
// name it do what it says with the next credential; a delivery that is on its way
// ends with an error that says so.
func (e *Engine) SaveTask(ctx context.Context, task rotation.Task, etag, actor string) (string, error) {
	old, actual, err := e.Task(ctx, task.ID)
	if err != nil && !errors.Is(err, ErrUnknownRecord) {
		return "", err
	}
	saved, err := e.tasks().save(ctx, task.ID, task, etag)
	if err == nil {
		e.LogChange(ctx, rotation.LogEntry{What: "task", Detail: taskWords(actual != "", old, task), Actor: actor})
	}
	return saved, err
}

// taskWords name what changed, and of the steps no more: a script can be anything.
func taskWords(known bool, old, task rotation.Task) string {
	if !known {
		return fmt.Sprintf("task %q added, of %d steps", task.ID, len(task.Steps))
	}
	return fmt.Sprintf("task %q: %s", task.ID, changed(old, task))
}

// DeleteTask deletes a task that no target names.
func (e *Engine) DeleteTask(ctx context.Context, id, etag, actor string) error {
	if _, _, err := e.Task(ctx, id); err != nil {
		return err
	}
	if err := e.TaskUnused(ctx, id); err != nil {
		return err
	}
	if err := e.tasks().delete(ctx, id, etag); err != nil {
		return err
	}
	e.LogChange(ctx, rotation.LogEntry{What: "task", Detail: fmt.Sprintf("task %q deleted", id), Actor: actor})
	return nil
}

// TaskUnused says which targets keep a task from being deleted: an error that is
// ErrRefused.
func (e *Engine) TaskUnused(ctx context.Context, id string) error {
	users, err := e.users(ctx, func(t rotation.TargetRow) bool { return TaskOf(t) == id })
	if err != nil || len(users) == 0 {
		return err
	}
	return fmt.Errorf("%w: task %q is used by %s; delete those targets first, or let them name another task", ErrRefused, id, strings.Join(users, ", "))
}

// TaskOf returns the id of the task that a target names, or empty.
func TaskOf(t rotation.TargetRow) string {
	var settings struct {
		Task string `json:"task"`
	}
	if t.Integration != integrationOfTasks || json.Unmarshal(t.Settings, &settings) != nil {
		return ""
	}
	return settings.Task
}
