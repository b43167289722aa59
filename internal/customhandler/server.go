package customhandler

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// maxCall bounds the body of a trigger call. The largest message of the standard
// tier has 256 KiB, which is less than a megabyte however it is encoded.
const maxCall = 16 << 20

// functionName is the host's own rule, which is also the rule for its folders.
var functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)

// Options are what a server needs besides its functions.
type Options struct {
	Logger *slog.Logger // nil drops what it is told
	// Timeout ends the context of every invocation. It must be shorter than
	// functionTimeout in host.json, at which the host kills the process with all
	// that is in flight, and for Service Bus shorter than the lock's renewal of five
	// minutes. Zero means four minutes.
	Timeout time.Duration
	// HTTPEnvelope takes calls of HTTP functions in the envelope of triggers, as the
	// host sends them without enableForwardingHttpRequest. Leave it off with it.
	HTTPEnvelope bool
}

// Server answers the host. It is safe for concurrent use.
type Server struct {
	triggers map[string]Function
	routes   []route
	options  Options
}

// NewServer returns the handler of these functions, by name. It refuses names that
// the host would not call and HTTP routes that are not of the form OnHTTP takes.
func NewServer(functions map[string]Function, o Options) (*Server, error) {
	if o.Timeout == 0 {
		o.Timeout = 4 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{triggers: map[string]Function{}, options: o}
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if err := s.add(name, functions[name]); err != nil {
			return nil, fmt.Errorf("customhandler: register function %q: %w", name, err)
		}
	}
	sortRoutes(s.routes)
	return s, nil
}

func (s *Server) add(name string, f Function) error {
	if !functionName.MatchString(name) {
		return fmt.Errorf("the name must match %s", functionName)
	}
	if f.trigger != nil {
		s.triggers[name] = f
		return nil
	}
	r, err := newRoute(name, f)
	if err != nil {
		return err
	}
	s.routes = append(s.routes, r)
	return nil
}

// ServeHTTP tells the host's calls from what it forwards by the request target as
// it was sent; nothing is decoded or cleaned before that.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isProbe(r) {
		writeText(w, http.StatusOK, "ready")
		return
	}
	if len(r.RequestURI) > 0 && r.RequestURI[0] == '/' {
		name := r.RequestURI[1:]
		if f, found := s.triggers[name]; found {
			s.serveCall(w, r, name, func(ctx context.Context, in Invocation) (Result, error) {
				return Result{}, f.trigger(ctx, in)
			})
			return
		}
		if target, found := s.envelopeTarget(name); found {
			s.serveCall(w, r, name, target.invoke)
			return
		}
	}
	s.forward(w, r)
}

func isProbe(r *http.Request) bool {
	return r.Method == http.MethodGet && r.RequestURI == "/" && r.Header.Get(invocationHeader) == ""
}

type invoke func(context.Context, Invocation) (Result, error)

// serveCall answers a request on the path of a function, if the host called it.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request, name string, run invoke) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeText(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	log := s.options.Logger.With("function", name, "invocation", r.Header.Get(invocationHeader))
	if reason := whyNotHost(r); reason != "" {
		log.WarnContext(r.Context(), "call refused", "reason", reason)
		writeText(w, http.StatusForbidden, "only the Functions host calls this")
		return
	}
	start := time.Now()
	result, err := s.run(w, r, name, run)
	if err != nil {
		log.ErrorContext(r.Context(), "invocation failed", "error", err, "duration", time.Since(start))
		writeText(w, http.StatusInternalServerError, "invocation failed")
		return
	}
	log.DebugContext(r.Context(), "invocation succeeded", "duration", time.Since(start))
	w.Header().Set("Content-Type", "application/json")
	w.Write(result)
}

// run decodes the call, runs the function within its time and encodes its result.
func (s *Server) run(w http.ResponseWriter, r *http.Request, name string, run invoke) (answer []byte, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		return nil, fmt.Errorf("customhandler: read call of function %q: %w", name, err)
	}
	in, err := ParseInvocation(name, r.Header.Get(invocationHeader), body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(withInvocation(r.Context(), in.ID), s.options.Timeout)
	defer cancel()
	result, err := guarded(ctx, in, run)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}
