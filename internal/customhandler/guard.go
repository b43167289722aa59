package customhandler

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
)

// guarded turns a panic into the invocation's error.
func guarded(ctx context.Context, in Invocation, run invoke) (result Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("customhandler: function %q panicked: %v\n%s", in.Function, v, debug.Stack())
		}
	}()
	return run(ctx, in)
}

// serveGuarded turns a panic of an HTTP handler into a 500, or into a cut
// connection once the answer has begun: a torn answer must not look whole.
func (s *Server) serveGuarded(w http.ResponseWriter, r *http.Request, name string, h http.Handler) {
	answer := &startedWriter{ResponseWriter: w}
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		s.options.Logger.ErrorContext(r.Context(), "request failed", "function", name,
			"invocation", InvocationID(r.Context()), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if answer.started {
			panic(http.ErrAbortHandler)
		}
		clear(w.Header())
		writeText(w, http.StatusInternalServerError, "internal error")
	}()
	h.ServeHTTP(answer, r)
}

// startedWriter remembers whether the answer has begun.
type startedWriter struct {
	http.ResponseWriter
	started bool
}

func (w *startedWriter) WriteHeader(status int) {
	w.started = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *startedWriter) Write(p []byte) (int, error) {
	w.started = true
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *startedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
