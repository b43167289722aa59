package simulation

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
	"time"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// process is one instance of the handler, of one version of the code, with a clock
// of its own.
type process struct {
	name    string
	version *version
	engine  *engine.Engine
	targets map[string]rotation.Target
	skew    time.Duration
	dead    bool
	running []*invocation
}

// invocation is one run of a function or of a person's request: a coroutine that
// gives way at each effect.
type invocation struct {
	world   *world
	process *process
	id      string
	began   time.Time
	next    func() (time.Duration, bool)
	stop    func()
	yield   func(time.Duration) bool
	ended   bool // it returned; else its process was killed
	err     error
	done    func(*invocation)
	read    readings
	tokens  int // issued to it in a row
}

type invocationKey struct{}

func invocationOf(ctx context.Context) *invocation {
	inv, _ := ctx.Value(invocationKey{}).(*invocation)
	return inv
}

// functionTimeout is how long an invocation may take, as in host.json.
const functionTimeout = 5 * time.Minute

// start begins an invocation in one of the processes. done is told once it has
// ended, whichever way.
func (w *world) start(what string, run func(context.Context, *process, string) error, done func(*invocation)) {
	w.invocations++
	p := pick(w.chance, w.processes)
	inv := &invocation{world: w, process: p, id: fmt.Sprintf("%s#%d", what, w.invocations), began: time.Now(), done: done}
	inv.next, inv.stop = iter.Pull(func(yield func(time.Duration) bool) {
		defer inv.recoverKill()
		inv.yield = yield
		ctx, cancel := context.WithTimeout(context.WithValue(w.t.Context(), invocationKey{}, inv), functionTimeout)
		defer cancel()
		inv.err = run(ctx, p, inv.id)
		inv.ended = true
	})
	p.running = append(p.running, inv)
	w.tell("%s begins on %s", inv.id, p.name)
	w.resume(inv)
}

func (inv *invocation) recoverKill() {
	if r := recover(); r != nil && r != any(errKilled) {
		panic(fmt.Sprintf("%s: %v\n%s", inv.id, r, debug.Stack()))
	}
}

// resume lets an invocation run to its next effect.
func (w *world) resume(inv *invocation) {
	if inv.process.dead && inv.yield != nil {
		return // it was stopped with its process
	}
	wait, more := inv.next()
	if more {
		w.later(wait, func() { w.resume(inv) })
		return
	}
	if inv.process.dead {
		w.bury(inv.process)
		return
	}
	w.end(inv)
}

// end settles what asked for an invocation.
func (w *world) end(inv *invocation) {
	inv.process.forget(inv)
	w.promises.silent("the error of an invocation", inv.err)
	inv.done(inv)
}

func (p *process) forget(inv *invocation) {
	for i, running := range p.running {
		if running == inv {
			p.running = append(p.running[:i], p.running[i+1:]...)
			return
		}
	}
}

// pause gives way for a while.
func (inv *invocation) pause(d time.Duration) {
	if !inv.yield(d) {
		panic(errKilled)
	}
}

// kill ends the process that the invocation runs in, as SIGKILL does.
func (inv *invocation) kill(name string, fault Fault) {
	inv.world.tell("%s is %s %q", inv.process.name, fault, name)
	inv.process.dead = true
	panic(errKilled)
}

// bury ends everything that ran in a process that was killed, and starts another.
func (w *world) bury(p *process) {
	running := p.running
	p.running = nil
	for _, inv := range running {
		inv.stop()
		w.end(inv)
	}
	for i := range w.processes {
		if w.processes[i] == p {
			w.processes[i] = w.newProcess(i)
		}
	}
}

// tell writes one effect into the history.
func (inv *invocation) tell(name string, err error) {
	if !inv.world.telling {
		return
	}
	if err != nil {
		inv.world.tell("%s: %s: %v", inv.id, name, err)
		return
	}
	inv.world.tell("%s: %s", inv.id, name)
}
