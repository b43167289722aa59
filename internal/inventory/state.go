package inventory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
)

// state is the row of the synchronization.
//
//	      begin           last page            last partition
//	idle ───────▶ reading ─────────▶ pruning ─────────────────▶ idle
//	 ▲ │ a page of changes
//	 └─┘
//
// What is read while reading has the new generation, and pruning removes what has an
// older one.
type state struct {
	etag string

	Phase      string // "", reading or pruning
	Generation int64
	Link       string // where reading, or the next round, goes on
	Partition  string // where pruning goes on

	Began    time.Time // when the full reading at hand began
	Ended    time.Time // when the last round ended: the inventory is as of then
	FullFrom time.Time // when the last full reading that has ended began
	Problem  string    // why the last try failed, or empty

	Holder string // of the lease
	Until  time.Time
}

const (
	idle    = ""
	reading = "reading"
	pruning = "pruning"
)

// texts, times and so on name the properties of the row.
func (s *state) texts() map[string]*string {
	return map[string]*string{
		"phase": &s.Phase, "link": &s.Link, "partition": &s.Partition, "problem": &s.Problem, "holder": &s.Holder,
	}
}

func (s *state) times() map[string]*time.Time {
	return map[string]*time.Time{"began": &s.Began, "ended": &s.Ended, "fullFrom": &s.FullFrom, "until": &s.Until}
}

// readState reads the row, or a state that is as before the first synchronization.
func (i *Inventory) readState(ctx context.Context) (s state, err error) {
	row, err := i.Store.Get(ctx, key(partitionSync, rowState))
	if errors.Is(err, engine.ErrNoRow) {
		return state{}, nil
	}
	if err != nil {
		return s, err
	}
	s.etag = row.ETag
	for name, field := range s.texts() {
		*field, _ = row.Properties[name].(string)
	}
	for name, field := range s.times() {
		if *field, err = timeIn(row, name); err != nil {
			return s, err
		}
	}
	s.Generation, _ = row.Properties["generation"].(int64)
	return s.sound()
}

// sound begins again from a row that somebody edited so that it makes no sense.
func (s state) sound() (state, error) {
	switch {
	case s.Generation < 0 || s.Generation > 1<<40:
		return s, fmt.Errorf("inventory: row %q: %w: generation %d", rowState, engine.ErrUnreadable, s.Generation)
	case s.Phase != idle && s.Phase != reading && s.Phase != pruning:
		return s, fmt.Errorf("inventory: row %q: %w: phase %q", rowState, engine.ErrUnreadable, s.Phase)
	}
	return s, nil
}

// write saves the row if it is as it was read. The zero time is left out: Table
// Storage has none before 1601.
func (i *Inventory) write(ctx context.Context, s *state) error {
	properties := map[string]any{"generation": s.Generation}
	for name, field := range s.texts() {
		properties[name] = *field
	}
	for name, field := range s.times() {
		if !field.IsZero() {
			properties[name] = *field
		}
	}
	change := engine.Change{Op: engine.Insert, Key: key(partitionSync, rowState), Properties: properties, NewETag: &s.etag}
	if s.etag != "" {
		change.Op, change.ETag = engine.Merge, s.etag
	}
	return i.Store.Write(ctx, change)
}

// leaseFor is how long a lease lasts. It is renewed with every step, and no step may
// outlive it.
const leaseFor = 90 * time.Second

// take takes the lease, or reports that somebody else has it.
func (i *Inventory) take(ctx context.Context) (s state, taken bool, err error) {
	if s, err = i.readState(ctx); err != nil {
		return s, false, err
	}
	if s.held(i.Now()) {
		return s, false, nil
	}
	s.Holder, s.Until = rand.Text(), i.Now().Add(leaseFor)
	err = i.write(ctx, &s)
	if errors.Is(err, engine.ErrConflict) {
		return s, false, nil
	}
	return s, err == nil, err
}

func (s state) held(now time.Time) bool { return s.Holder != "" && now.Before(s.Until) }

// Status says how fresh the inventory is.
type Status struct {
	// Ended is when the last synchronization ended, or zero before the first.
	Ended time.Time
	// Running says that one is at work, or goes on with the next tick of the timer.
	Running bool
	// Problem says why the last try failed, in words for people.
	Problem string
}

// Status says how fresh the inventory is.
func (i *Inventory) Status(ctx context.Context) (Status, error) {
	s, err := i.readState(ctx)
	if err != nil {
		return Status{}, err
	}
	wanted, err := i.wanted(ctx)
	return Status{Ended: s.Ended, Running: s.Phase != idle || wanted || s.held(i.Now()), Problem: s.Problem}, err
}

// Want makes a full reading due. It has a row of its own, so that it does not stop
// whoever is at work.
func (i *Inventory) Want(ctx context.Context) error {
	return i.Store.Write(ctx, put(key(partitionSync, rowWanted), map[string]any{"at": i.Now()}))
}

func (i *Inventory) wanted(ctx context.Context) (bool, error) {
	_, err := i.Store.Get(ctx, key(partitionSync, rowWanted))
	if errors.Is(err, engine.ErrNoRow) {
		return false, nil
	}
	return err == nil, err
}
