package engine

import (
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// LogFilter chooses lines of the log. What is empty in it chooses all.
type LogFilter struct {
	AppID       string
	Rotation    string
	Target      string
	Kind        rotation.Kind
	What        string
	Actor       string
	Correlation string
	Failure     bool      // only failures
	From, To    time.Time // From <= at < To
}

// takes reports whether a line is chosen. Its time is a matter of where is looked.
func (f LogFilter) takes(l rotation.LogEntry) bool {
	return isAsked(f.AppID, l.AppID) && isAsked(f.Rotation, l.Rotation) && isAsked(f.Target, l.Target) &&
		isAsked(f.Kind, l.Kind) && isAsked(f.What, l.What) && isAsked(f.Actor, l.Actor) &&
		isAsked(f.Correlation, l.Correlation) && (!f.Failure || l.Failure)
}

// isAsked reports whether a value is the one that is asked for, if one is.
func isAsked[T ~string](asked, value T) bool { return asked == "" || asked == value }

// choosy reports whether lines can be left out, so that more must be read than are found.
func (f LogFilter) choosy() bool {
	f.AppID, f.From, f.To = "", time.Time{}, time.Time{}
	return f != LogFilter{}
}

// names returns the names of lines from which and to which a time span reaches.
func (f LogFilter) names() (from, to string) {
	if !f.To.IsZero() {
		from = reverse(within64(f.To).Add(-1))
	}
	if !f.From.IsZero() {
		to = after(reverse(within64(f.From)))
	}
	return from, to
}

// within64 is the nearest time that can be told in nanoseconds since 1970.
func within64(t time.Time) time.Time {
	first, last := time.Unix(1, 0), time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
	switch {
	case t.Before(first):
		return first
	case t.After(last):
		return last
	}
	return t
}
