package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/yamldoc"
)

// plan is what applying a document would do. It is made without changing anything,
// and only one without problems is carried out.
type plan struct {
	prune bool
	given map[string]map[string]yamldoc.Section // the ids of each kind that the document has

	works     [][]*work // by kind, in the order of writing
	deletions []*work
	problems  []ConfigProblem
	later     bool // nothing is wrong but that something could not be asked
	notes     []ConfigNote
	unchanged int

	mu       sync.Mutex
	forecast engine.Forecast
	tasks    map[string]string // each task that a target of the document names, and where
	teams    map[string]string // each application that delivers through a group, and where
}

// work is one entry of the document, or one thing that is to be deleted, with what
// there is to do for it.
type work struct {
	kind, id string
	section  yamldoc.Section
	value    yamldoc.Value

	changes  []*change
	problems []ConfigProblem
	later    bool
	notes    []ConfigNote
	same     int // how many things stay as they are
}

// change is one thing to do.
type change struct {
	ConfigChange
	do func(context.Context, *ConfigChange) error
}

// mostProblems ends a plan: whoever gets so many has a mistake that is behind most.
const mostProblems = 200

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
	w.later = w.later || model.Status >= http.StatusInternalServerError
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
	w.wrong(details...)
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

// makePlan finds out what is to be done for a document, which may be unread.
func (c *config) makePlan(ctx context.Context, root yamldoc.Section, unread error, prune bool) (*plan, error) {
	p := &plan{
		prune: prune, given: map[string]map[string]yamldoc.Section{}, works: make([][]*work, len(c.kinds)),
		forecast: engine.Forecast{Groups: map[string]*rotation.Group{}, Tasks: map[string]*rotation.Task{}},
		tasks:    map[string]string{}, teams: map[string]string{},
	}
	sections := c.sections(p, root, unread)
	for i, k := range c.kinds {
		section, there := sections[k.name]
		if !there {
			continue
		}
		p.works[i] = c.entries(p, k, section)
		if err := c.checkAll(ctx, p, k, p.works[i]); err != nil {
			return nil, err
		}
	}
	if prune && len(p.problems) == 0 {
		if err := c.planDeletions(ctx, p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// checkAll checks the entries of one kind, several at a time.
func (c *config) checkAll(ctx context.Context, p *plan, k kind, works []*work) error {
	ctx = engine.WithForecast(ctx, p.forecast)
	for batch := range slices.Chunk(works, pageOfKind) {
		if len(p.problems) >= mostProblems {
			break
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(atOnce)
		for _, w := range batch {
			group.Go(func() error { return c.checkEntry(ctx, p, k, w) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for _, w := range batch {
			p.add(w)
		}
	}
	return nil
}

func (c *config) checkEntry(ctx context.Context, p *plan, k kind, w *work) error {
	var wrong []*yamldoc.Error
	w.value, wrong = w.section.Value()
	for _, e := range wrong {
		w.problems = append(w.problems, ConfigProblem{joined(w.kind, w.id, e.Field), e.Detail, e.Line, e.Column})
	}
	if len(w.problems) == 0 {
		w.wrong(c.form.check(k.name, w.value.Data)...)
	}
	if len(w.problems) > 0 {
		return nil
	}
	now, err := k.find(ctx, w.id)
	if err != nil {
		return err
	}
	k.check(ctx, p, w, now)
	w.value = yamldoc.Value{} // what was parsed takes much more memory than its text
	return nil
}

// add takes over what was found out about an entry.
func (p *plan) add(w *work) {
	slices.SortStableFunc(w.problems, func(a, b ConfigProblem) int { return cmp.Compare(a.Line, b.Line) })
	p.problems = append(p.problems, w.problems...)
	p.notes = append(p.notes, w.notes...)
	p.unchanged += w.same
	p.later = p.later || w.later
	w.problems, w.notes = nil, nil
}

// sections returns the sections of the document by the names of their kinds.
func (c *config) sections(p *plan, root yamldoc.Section, err error) map[string]yamldoc.Section {
	var entries []yamldoc.Entry
	if err == nil {
		entries, err = root.Entries()
	}
	if err != nil {
		p.unread("", err)
		return nil
	}
	all := map[string]yamldoc.Section{}
	for _, e := range unrepeatedEntries(p, "", entries) {
		if e.Key == "$schema" || e.Key == "version" {
			c.checkHead(p, e)
			continue
		}
		if _, known := c.form.kinds[e.Key]; !known {
			p.problems = append(p.problems, ConfigProblem{e.Key, "is not a field here; the fields are in " + schemaPath, e.Line, e.Column})
			continue
		}
		all[e.Key] = e.Section
	}
	return all
}

// checkHead checks what the document says of itself.
func (c *config) checkHead(p *plan, e yamldoc.Entry) {
	value, wrong := e.Value()
	if len(wrong) > 0 {
		p.unread(e.Key, wrong[0])
		return
	}
	for _, problem := range c.form.against(c.form.root.Properties[e.Key], value.Data) {
		p.problems = append(p.problems, ConfigProblem{e.Key, problem.Detail, e.Line, e.Column})
	}
}

// entries returns the work for the entries of one kind.
func (c *config) entries(p *plan, k kind, section yamldoc.Section) (works []*work) {
	if k.ids == nil {
		return []*work{{kind: k.name, section: section}}
	}
	entries, err := section.Entries()
	if err != nil {
		p.unread(k.name, err)
		return nil
	}
	for i := range entries {
		entries[i].Key = strings.ToLower(entries[i].Key)
	}
	ids := map[string]yamldoc.Section{}
	p.given[k.name] = ids
	for _, e := range unrepeatedEntries(p, k.name, entries) {
		for _, problem := range c.form.checkID(k.name, e.Key) {
			p.problems = append(p.problems, ConfigProblem{joined(k.name, e.Key), "the id " + problem.Detail, e.Line, e.Column})
		}
		ids[e.Key] = e.Section
		works = append(works, &work{kind: k.name, id: e.Key, section: e.Section})
	}
	return works
}

// unrepeatedEntries drops entries that were there before, and says so.
func unrepeatedEntries(p *plan, within string, entries []yamldoc.Entry) []yamldoc.Entry {
	first := make(map[string]int, len(entries))
	return slices.DeleteFunc(entries, func(e yamldoc.Entry) bool {
		line, twice := first[e.Key]
		if twice {
			p.problems = append(p.problems, ConfigProblem{joined(within, e.Key), "is there twice: first in line " + strconv.Itoa(line), e.Line, e.Column})
		} else {
			first[e.Key] = e.Line
		}
		return twice
	})
}

// unread adds why a part of the document could not be read.
func (p *plan) unread(path string, err error) {
	e, ok := err.(*yamldoc.Error)
	if !ok {
		e = &yamldoc.Error{Detail: err.Error()}
	}
	p.problems = append(p.problems, ConfigProblem{joined(path, e.Field), e.Detail, e.Line, e.Column})
}
