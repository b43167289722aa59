package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// TaskSettings is what the user chose for a task.
type TaskSettings struct {
	Name  string              `json:"name" doc:"For people"`
	Steps []rotation.TaskStep `json:"steps" nullable:"false" doc:"What is done, in this order; each is a runCommand, a runbook or a powershell"`
}

// Task is work that is done with every new credential.
type Task struct {
	ID string `json:"id"`
	TaskSettings
}

type taskPath struct {
	ID targetID `path:"id"`
}

type putTask struct {
	ID targetID `path:"id"`
	Conditions
	Body TaskSettings
}

type deleteTask struct {
	ID      targetID `path:"id"`
	IfMatch string   `header:"If-Match" doc:"The ETag of the last GET"`
}

// taskCursor is the form of what the engine gives as next.
var taskCursor = regexp.MustCompile(targetPattern)

func (a *api) registerTasks(h huma.API) {
	const path = "/api/tasks/{id}"
	huma.Register(h, operation("listTasks", http.MethodGet, "/api/tasks", "The tasks, in the order of their ids"), a.listTasks)
	huma.Register(h, operation("getTask", http.MethodGet, path, "One task"), a.getTask)
	huma.Register(h, operation("putTask", http.MethodPut, path, "Work that targets can have done with every new credential"), a.putTask)
	huma.Register(h, withStatus(http.StatusNoContent,
		operation("deleteTask", http.MethodDelete, path, "Delete a task that no target uses")), a.deleteTask)
}

func taskOf(t rotation.Task) Task { return Task{t.ID, TaskSettings{t.Name, t.Steps}} }

func (t TaskSettings) domain(id string) rotation.Task {
	return rotation.Task{ID: id, Name: t.Name, Steps: t.Steps}.WithDefaults()
}

func (a *api) listTasks(ctx context.Context, in *Paging) (*answer[Page[Task]], error) {
	return listed(ctx, a, in, taskCursor, a.Engine.Tasks, taskOf)
}

func (a *api) getTask(ctx context.Context, in *taskPath) (*tagged[Task], error) {
	task, etag, err := a.Engine.Task(ctx, string(in.ID))
	if err != nil {
		return nil, a.refusal(ctx, err)
	}
	return &tagged[Task]{etagOf(etag), taskOf(task)}, nil
}

func (a *api) putTask(ctx context.Context, in *putTask) (*saved[Task], error) {
	task := in.Body.domain(string(in.ID))
	if problems := task.Check(); len(problems) > 0 {
		return nil, invalid(within("body", problems)...)
	}
	_, _, err := a.Engine.Task(ctx, task.ID)
	exists := !errors.Is(err, engine.ErrUnknownRecord)
	if err != nil && exists {
		return nil, a.refusal(ctx, err)
	}
	etag, err := in.Conditions.etag(exists)
	if err != nil {
		return nil, err
	}
	newTag, err := a.Engine.SaveTask(ctx, task, etag, actorOf(ctx))
	if err != nil {
		return nil, a.refused(ctx, in.IfMatch, err)
	}
	answer := savedAs(exists, newTag, "/api/tasks/"+task.ID, taskOf(task))
	return &answer, nil
}

func (a *api) deleteTask(ctx context.Context, in *deleteTask) (*none, error) {
	etag, err := stored(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.Engine.DeleteTask(ctx, string(in.ID), etag, actorOf(ctx)); err != nil {
		return nil, a.refused(ctx, in.IfMatch, err)
	}
	return nil, nil
}
