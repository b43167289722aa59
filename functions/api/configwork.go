package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/yamldoc"
)

// work is one entry of the document, or one thing that is to be deleted, with what
// there is to do for it.
type work struct {
	kind, id string
	section  yamldoc.Section
	value    yamldoc.Value

	changes  []*change
	problems []ConfigProblem
	later    int
	notes    []ConfigNote
	same     int // how many things stay as they are
}

// change is one thing to do.
type change struct {
	ConfigChange
	do func(context.Context, *ConfigChange) error
}

// wrong adds what is wrong with fields of an entry, each where it stands.
func (w *work) wrong(problems ...rotation.Problem) {
	for _, p := range problems {
		at := w.value.At(p.Field)
		if at.Line == 0 {
			at = w.section.Position
		}
		w.problems = append(w.problems, ConfigProblem{joined(w.kind, w.id, p.Field), p.Detail, at.Line, at.Column})
	}
}

// refused adds what a check said, of the entry or of a field inside.
func (w *work) refused(within string, err error) {
	var details []rotation.Problem
	model := modelOf(err)
	for _, e := range model.Errors {
		field := strings.TrimPrefix(strings.TrimPrefix(e.Location, "body"), ".")
		if e.Location == "path.appId" {
			field = ""
		}
		details = append(details, rotation.Problem{Field: joined(within, field), Detail: e.Message})
	}
	if len(details) == 0 {
		details = []rotation.Problem{{Field: within, Detail: model.Detail}}
	}
	if w.wrong(details...); model.Status >= http.StatusInternalServerError {
		w.later += len(details)
	}
}

func (w *work) note(target, note string) {
	w.notes = append(w.notes, ConfigNote{w.kind, w.id, target, note})
}

// save adds a change of the entry, or of a target in it, unless all stays as it is.
func (w *work) save(target string, old, wanted fields, exists bool, do func(context.Context, *ConfigChange) error) {
	field := ""
	if target != "" {
		field = "targets." + target
	}
	c := ConfigChange{Kind: w.kind, ID: w.id, Target: target, Action: ActionCreate, Line: w.value.At(field).Line}
	if exists {
		c.Action, c.Fields = ActionUpdate, differences(old, wanted)
		if len(c.Fields) == 0 {
			w.same++
			return
		}
	}
	w.changes = append(w.changes, &change{c, do})
}

func (w *work) delete(target string, do func(context.Context, *ConfigChange) error) {
	w.changes = append(w.changes, &change{ConfigChange{Kind: w.kind, ID: w.id, Target: target, Action: ActionDelete}, do})
}

// joined joins parts of a path.
func joined(parts ...string) string {
	path := ""
	for _, part := range parts {
		switch {
		case part == "":
		case path == "" || part[0] == '[':
			path += part
		default:
			path += "." + part
		}
	}
	return path
}
