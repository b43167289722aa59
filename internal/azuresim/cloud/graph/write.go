package graph

import (
	"context"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// writes knows, for each application, what is being written to it.
type writes struct {
	mu   sync.Mutex
	open map[string]*ongoing
}

type ongoing struct {
	count    int
	overlaps int
	ended    time.Time
}

func newWrites() *writes { return &writes{open: map[string]*ongoing{}} }

// begin admits a write or refuses it. Of those that overlap another one every
// second is refused; the others are admitted and, because they started from the
// same state, the last of them to finish undoes the rest.
// The state is read while no other write can begin.
func (w *writes) begin(objectID string, now time.Time, window time.Duration, read func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.open[objectID]
	if one == nil {
		one = &ongoing{}
		w.open[objectID] = one
	}
	if one.count > 0 {
		one.overlaps++
		if one.overlaps%2 == 1 {
			return concurrent()
		}
	} else if now.Sub(one.ended) < window {
		return concurrent()
	}
	if err := read(); err != nil {
		return err
	}
	one.count++
	return nil
}

// end lets the next write in. One that changed nothing opens no window.
func (w *writes) end(objectID string, now time.Time, changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.open[objectID]
	if one.count--; one.count == 0 {
		one.overlaps = 0
	}
	if changed {
		one.ended = now
	}
}

// write changes one application. What change gets is the state at the beginning,
// however long the write takes.
func (s *Service) write(r *request, k key, change func(*entra.Application) error) (err error) {
	app, err := s.find(k, 0)
	if err != nil {
		return err
	}
	if err := mayWrite(r.token, app); err != nil {
		return err
	}
	read := func() error {
		app, err = s.find(k, 0)
		return err
	}
	if err := s.writes.begin(app.ObjectID, s.clock.Now(), s.opts.WriteWindow, read); err != nil {
		return err
	}
	defer func() { s.writes.end(app.ObjectID, s.clock.Now(), err == nil) }()
	s.wait(r.Context(), s.opts.WriteLatency)
	changed := app.Clone()
	if err := change(&changed); err != nil {
		return err
	}
	return s.commit(changed)
}

func (s *Service) commit(changed entra.Application) error {
	if len(changed.Passwords)+len(changed.Keys) > s.opts.MaxCredentials {
		return tooLarge()
	}
	if _, err := s.find(key{id: changed.ObjectID}, 0); err != nil {
		return err // it was deleted meanwhile
	}
	s.directory.PutApplication(changed)
	return nil
}

func (s *Service) wait(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	done := make(chan struct{})
	stop := s.clock.AfterFunc(d, func() { close(done) })
	defer stop()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
