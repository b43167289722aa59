package functionshost

import (
	"context"
	"errors"
	"net/http"
)

var errTimeout = errors.New("functionTimeout has passed, the handler was killed")

// exchange is one request to the handler and its whole reply.
type exchange struct {
	request func(ctx context.Context, address string) (*http.Request, error)
	hangs   func(reply) bool // the host would wait for more than this reply; may be nil
}

// reply is the handler's answer, read to its end.
type reply struct {
	status  int
	header  http.Header
	content []byte
}

func (r reply) succeeded() bool { return r.status >= 200 && r.status <= 299 }

// exchange talks to a function's process within functionTimeout, at whose end the
// process is killed. When it fails because the process ended, it returns after that:
// the next call finds the process that follows.
func (h *Host) exchange(f function, x exchange) (reply, error) {
	w := h.serving[f.name]
	p, err := w.await()
	if err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), h.app.functionTimeout, errTimeout)
	defer cancel()
	r, err := p.send(ctx, x)
	if err == nil && x.hangs != nil && x.hangs(r) {
		h.log.Error("the handler answered nothing: the invocation hangs", "function", f.name)
		err = p.hang(ctx)
	}
	if err != nil && context.Cause(ctx) == errTimeout {
		w.killIf(p)
		err = errTimeout
	}
	if err != nil {
		p.awaitExit()
	}
	return r, err
}
