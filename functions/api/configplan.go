package api

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/yamldoc"
)

// plan is what applying a document would do. It is made without changing anything,
// and only one without problems is carried out.
type plan struct {
	prune bool
	end   time.Time                  // what is not begun by then is left for the next time
	given map[string]map[string]bool // the ids of each kind that the document has

	works     [][]*work // by kind, in the order of writing
	deletions [][]*work // by kind, in the order of deleting
	problems  []ConfigProblem
	later     int // how many of the problems are that something could not be asked
	notes     []ConfigNote
	unchanged int

	mu       sync.Mutex
	forecast engine.Forecast
	tasks    map[string]string // each task that a target of the document names, and where
	teams    map[string]string // each application that delivers through a group, and where
}

// mostProblems ends a plan: whoever gets so many has a mistake that is behind most.
const mostProblems = 200

// makePlan finds out what is to be done for a document, which may be unread.
func (c *config) makePlan(ctx context.Context, root yamldoc.Section, unread error, prune bool) (*plan, error) {
	p := &plan{
		prune: prune, end: c.Engine.Now().Add(longestApply), given: map[string]map[string]bool{}, works: make([][]*work, len(c.kinds)),
		forecast: engine.Forecast{Groups: map[string]rotation.Group{}, Tasks: map[string]rotation.Task{}},
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

// checkEntry checks one entry. Nothing is looked for under an id that is none.
func (c *config) checkEntry(ctx context.Context, p *plan, k kind, w *work) error {
	var wrong []*yamldoc.Error
	w.value, wrong = w.section.Value()
	for _, e := range wrong {
		w.problems = append(w.problems, ConfigProblem{joined(w.kind, w.id, e.Field), e.Detail, e.Line, e.Column})
	}
	if len(wrong) == 0 {
		w.wrong(c.form.check(k.name, w.value.Data)...)
	}
	if len(w.problems) > 0 {
		return nil
	}
	now, err := k.find(ctx, w.id)
	if err != nil {
		return err
	}
	k.check(engine.WithForecast(ctx, p.forecast), p, w, now)
	w.value = yamldoc.Value{} // what was parsed takes much more memory than its text
	return nil
}

// add takes over what was found out about an entry.
func (p *plan) add(w *work) {
	slices.SortStableFunc(w.problems, func(a, b ConfigProblem) int { return cmp.Compare(a.Line, b.Line) })
	p.problems = append(p.problems, w.problems...)
	p.notes = append(p.notes, w.notes...)
	p.unchanged += w.same
	p.later += w.later
	w.problems, w.notes = nil, nil
}
