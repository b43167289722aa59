package rotation

import (
	"errors"
	"fmt"
	"time"
)

// Class says what an error means for what happens next. Adapters and targets
// classify; the engine decides.
type Class int

// The classes of errors.
const (
	// Transient: it may work again, and whether it took effect is unknown.
	Transient Class = iota
	// Throttled: refused without effect, to be repeated after a time.
	Throttled
	// Conflict: refused without effect because somebody else changed it; load it again.
	Conflict
	// NotFound: the thing itself does not exist.
	NotFound
	// Denied: refused without effect for want of a permission.
	Denied
	// Permanent: refused without effect, and it will be refused again.
	Permanent
)

func (c Class) String() string {
	return [...]string{"transient", "throttled", "conflict", "not found", "denied", "permanent"}[c]
}

// Fault is an error whose class is known.
type Fault struct {
	Class Class
	After time.Duration // Throttled: when to come back, or 0
	Err   error
	// Remedy is what a person can do, or empty.
	Remedy string
}

func (f *Fault) Error() string {
	if f.Remedy == "" {
		return f.Err.Error()
	}
	return f.Err.Error() + "; " + f.Remedy
}

func (f *Fault) Unwrap() error { return f.Err }

// Permanently returns an error that no repetition will heal.
func Permanently(format string, args ...any) error {
	return &Fault{Class: Permanent, Err: fmt.Errorf(format, args...)}
}

// ClassOf returns the class of an error. What nobody classified is transient:
// repeating it is bounded by age, giving up too early is not undone.
func ClassOf(err error) Class {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Class
	}
	return Transient
}

// AfterOf returns when a throttled call may be repeated, or 0.
func AfterOf(err error) time.Duration {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.After
	}
	return 0
}

// HadNoEffect reports whether the refused call surely changed nothing.
func HadNoEffect(err error) bool { return ClassOf(err) != Transient }
