package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Fault is one way in which an effect goes wrong.
type Fault string

// The faults.
const (
	Refused    Fault = "refused"           // it fails, without effect
	Lost       Fault = "answer lost"       // it takes effect, and seems to have failed
	Throttled  Fault = "throttled"         // refused, to be repeated after a time
	Late       Fault = "late"              // no answer in time, and it may take effect afterwards
	KillBefore Fault = "killed before"     // the process dies, and it does not take effect
	KillAfter  Fault = "killed after"      // the process dies once it has taken effect
	KillDuring Fault = "killed on the way" // the process dies, and it takes effect later
	Outage     Fault = "outage"            // it is out of reach, or refused, for hours
	Old        Fault = "old answer"        // a read answers what was so a while ago
	flawless   Fault = ""
)

// How long things take. What takes effect after its caller has gone does so within
// a time for which the engine waits, or keeps others out.
const (
	slowestCall   = 3 * time.Second
	afterDeadline = 20 * time.Second
	afterDeath    = 40 * time.Second
	mostThrottle  = 90 * time.Second
)

// effects lists everything that an invocation does outside its own memory.
func effects() []string {
	return []string{
		"store get", "store query", "store write", "bus send",
		"graph read", "graph addPassword", "graph removePassword", "graph replaceKeys", "entra token",
		"stage writable", "stage put", "stage get", "stage delete",
		"keyvault grant", "keyvault set", "devops put", "devops prove", "vercel edit", "vercel redeploy", "vercel look",
		"apiconnection put", "apiconnection status", "automation run", "automation stop",
	}
}

// Faults lists the faults that every effect can meet.
func Faults() []Fault {
	return []Fault{Refused, Lost, Throttled, Late, KillBefore, KillAfter, KillDuring}
}

// effect lets an invocation do something outside its own memory. The invocation
// gives way while the request and the answer travel, so others run in between,
// and chance decides what becomes of it. Outside of an invocation, act just runs.
func effect[T any](ctx context.Context, w *world, name string, act func() (T, error)) (answer T, err error) {
	inv := invocationOf(ctx)
	if inv == nil {
		return act()
	}
	defer func() { inv.tell(name, err) }()
	if err := w.weather.outage(name); err != nil {
		w.coverage.met(name, Outage)
		inv.pause(w.travel())
		return answer, err
	}
	fault := w.weather.fault(name)
	w.coverage.met(name, fault)
	if fault == Late {
		return answer, lateEffect(ctx, w, name, act)
	}
	if fault == KillDuring {
		w.later(w.between(0, afterDeath), func() { _, _ = act() })
		inv.kill(name, fault)
	}
	inv.pause(w.travel())
	switch fault {
	case KillBefore:
		inv.kill(name, fault)
	case Refused:
		return answer, w.refusal(name)
	case Throttled:
		return answer, &rotation.Fault{Class: rotation.Throttled, After: w.between(0, mostThrottle), Err: fmt.Errorf("%s: too many requests", name)}
	}
	answer, err = act()
	if fault == KillAfter {
		inv.kill(name, fault)
	}
	inv.pause(w.travel())
	if fault == Lost {
		var none T
		return none, &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: the connection was cut", name)}
	}
	return answer, err
}

// refusal is an error without effect. The caller cannot always tell.
func (w *world) refusal(name string) error {
	class := pick(w.chance, []rotation.Class{rotation.Transient, rotation.Conflict})
	return &rotation.Fault{Class: class, Err: fmt.Errorf("%s: not now", name)}
}

// lateEffect keeps the caller waiting until its deadline, and takes effect later or
// not at all.
func lateEffect[T any](ctx context.Context, w *world, name string, act func() (T, error)) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return w.refusal(name)
	}
	wait := max(0, time.Until(deadline))
	if w.oneIn(2) {
		w.later(wait+w.between(0, afterDeadline), func() { _, _ = act() })
	}
	invocationOf(ctx).pause(wait)
	return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: %w", name, context.DeadlineExceeded)}
}

// travel is how long a request or an answer is on its way. Most are quick.
func (w *world) travel() time.Duration {
	if w.oneIn(10) {
		return w.between(0, slowestCall)
	}
	return time.Duration(w.IntN(50)) * time.Millisecond
}

// done turns an effect without an answer into one.
func done(act func() error) func() (struct{}, error) {
	return func() (struct{}, error) { return struct{}{}, act() }
}

// errKilled ends a coroutine whose process is gone. Nothing catches it but its end.
var errKilled = errors.New("the process was killed")
