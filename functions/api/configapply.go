package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/yamldoc"
)

type putConfig struct {
	DryRun      bool   `query:"dryRun" doc:"Answer what would be done, and change nothing"`
	Prune       bool   `query:"prune" doc:"Also delete what is not in the document: things of each section that it has, and targets of the applications that it has. Credentials stay as they are"`
	IfMatch     string `header:"If-Match" doc:"The ETag of the last GET: the request fails with 412 if anything was changed since"`
	ContentType string `header:"Content-Type" doc:"application/yaml or application/json"`
	RawBody     []byte `contentType:"application/yaml" maxLength:"8388608"`
}

// put applies a document. All is checked before anything is changed.
func (c *config) put(ctx context.Context, in *putConfig) (*answer[ConfigPlan], error) {
	read, err := in.reader()
	if err != nil {
		return nil, err
	}
	root, unread := read(in.RawBody)
	p, err := c.makePlan(ctx, root, unread, in.Prune)
	if err != nil {
		return nil, c.refusal(ctx, err)
	}
	if err := c.matches(ctx, in.IfMatch); err != nil {
		return nil, err
	}
	if len(p.problems) > 0 {
		return nil, p.refused()
	}
	if !in.DryRun {
		if err := c.carryOut(ctx, p); err != nil {
			return nil, err
		}
	}
	return &answer[ConfigPlan]{ConfigPlan{
		DryRun: in.DryRun, Changes: p.changes(), Unchanged: p.unchanged, Notes: append([]ConfigNote{}, p.notes...),
	}}, nil
}

// reader returns what reads the form that the document is in.
func (in *putConfig) reader() (func([]byte) (yamldoc.Section, error), error) {
	form, _, _ := mime.ParseMediaType(in.ContentType)
	switch {
	case form == typeJSON:
		return yamldoc.ReadJSON, nil
	case in.ContentType == "" || slices.Contains([]string{typeYAML, "application/x-yaml", "text/yaml"}, form):
		return yamldoc.Read, nil
	}
	return nil, problem(http.StatusUnsupportedMediaType, "the Content-Type must be application/yaml or application/json")
}

// matches refuses to go on where anything was changed since the ETag was given. It is
// asked after the plan was made: what is changed later, each write finds out itself.
func (c *config) matches(ctx context.Context, ifMatch string) error {
	if ifMatch == "" || ifMatch == "*" {
		return nil
	}
	switch etag, err := c.etag(ctx); {
	case err != nil:
		return c.refusal(ctx, err)
	case ifMatch != etag:
		return changedMeanwhile()
	}
	return nil
}

// errNoTime is why changes were not begun.
var errNoTime = errors.New("there was no time left for it")

// carryOut does what was planned, kind after kind, several entries at a time. After
// the first refusal nothing is begun any more.
func (c *config) carryOut(ctx context.Context, p *plan) error {
	var err error
	for _, works := range slices.Concat(p.works, p.deletions) {
		if err == nil {
			err = c.doAll(ctx, works, p.end)
		}
	}
	changes := p.changes()
	c.logApplied(ctx, changes)
	if err == nil {
		return nil
	}
	return c.halfApplied(ctx, changes, err)
}

func (c *config) doAll(ctx context.Context, works []*work, end time.Time) error {
	group, failed := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, w := range works {
		group.Go(func() error {
			for _, change := range w.changes {
				switch {
				case failed.Err() != nil:
					return nil // another one has failed, and says why
				case c.Engine.Now().After(end):
					return errNoTime
				}
				err := c.patiently(ctx, end, func() error { return change.do(ctx, &change.ConfigChange) })
				if err != nil {
					change.Problem = c.notDone(ctx, err).Detail
					return err
				}
				change.Applied = true
			}
			return nil
		})
	}
	return group.Wait()
}

func (p *plan) changes() []*ConfigChange {
	all := []*ConfigChange{}
	for _, works := range slices.Concat(p.works, p.deletions) {
		for _, w := range works {
			for _, change := range w.changes {
				all = append(all, &change.ConfigChange)
			}
		}
	}
	return all
}

func applied(changes []*ConfigChange) (n int) {
	for _, change := range changes {
		if change.Applied {
			n++
		}
	}
	return n
}

// halfApplied says what was done and what was not.
func (c *config) halfApplied(ctx context.Context, changes []*ConfigChange, err error) error {
	detail := fmt.Sprintf("%d of %d changes were made; apply the document again to go on: ", applied(changes), len(changes))
	if errors.Is(err, errNoTime) {
		return again(&configRefused{problem(http.StatusServiceUnavailable, detail+err.Error()), nil, changes}, time.Second)
	}
	model := c.notDone(ctx, err)
	refused := &configRefused{problem(model.Status, detail+model.Detail), nil, changes}
	if model.Status == http.StatusServiceUnavailable {
		return again(refused, 10*time.Second)
	}
	return refused
}

// notDone says why a change was not made.
func (c *config) notDone(ctx context.Context, err error) *huma.ErrorModel {
	if errors.Is(err, engine.ErrPrecondition) || errors.Is(err, engine.ErrConflict) {
		return problem(http.StatusConflict, "somebody else changed it at the same time")
	}
	return modelOf(c.refusal(ctx, err))
}

// logApplied leaves a line in the tenant's log, unless nothing was done.
func (c *config) logApplied(ctx context.Context, changes []*ConfigChange) {
	if n := applied(changes); n > 0 {
		c.Engine.LogChange(ctx, rotation.LogEntry{
			What: "configuration", Detail: fmt.Sprintf("applied from a document: %d of %d changes", n, len(changes)), Actor: actorOf(ctx),
		})
	}
}
