package graph

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// DefaultMaxCredentials is how many credentials an application holds before its
// object is too large; about 600 was seen.
// https://github.com/microsoftgraph/microsoft-graph-docs/issues/21469
const DefaultMaxCredentials = 600

// Values of Options with which Graph behaves as it is known to, although nothing
// of it is promised or measured: a read may miss a write of a few seconds ago, and
// writes one right after the other collide.
const (
	DefaultReadLag      = 2 * time.Second
	DefaultWriteLatency = 100 * time.Millisecond
	DefaultWriteWindow  = 500 * time.Millisecond
)

// Options say how Graph behaves. With the zero value reads are current, writes
// take no time, and nothing is throttled.
type Options struct {
	// ReadLag is how much further each replica is behind than the one before; the
	// first one is current.
	ReadLag time.Duration
	// Replicas is how many take turns at reading, entra.DefaultReplicas if zero.
	Replicas int
	// WriteLatency is how long a write takes: writes that begin meanwhile overlap it.
	WriteLatency time.Duration
	// WriteWindow is for how long after a write the next one is refused.
	WriteWindow time.Duration
	// Limits turns throttling at the documented limits on.
	Limits bool
	// MaxCredentials is DefaultMaxCredentials if zero.
	MaxCredentials int
	// Policy is the tenant's app management policy.
	Policy Policy
}

// Service answers for graph.microsoft.com.
type Service struct {
	clock     *clock.Clock
	logger    *slog.Logger
	directory *entra.Directory
	opts      Options
	limits    *limits
	writes    *writes

	mu     sync.Mutex
	policy Policy
	// assigned are the policies of single applications, by their object ids.
	assigned  map[string]Policy
	turns     map[string]int
	forgotten time.Time // delta tokens of before are
	signIns   map[string]SignIn
	mailboxes []string
	mails     []Mail
}

// New returns Graph for one tenant.
func New(c *clock.Clock, logger *slog.Logger, directory *entra.Directory, opts Options) *Service {
	opts.Replicas = cmp.Or(opts.Replicas, entra.DefaultReplicas)
	opts.MaxCredentials = cmp.Or(opts.MaxCredentials, DefaultMaxCredentials)
	return &Service{
		clock:     c,
		logger:    cmp.Or(logger, slog.New(slog.DiscardHandler)),
		directory: directory,
		opts:      opts,
		limits:    newLimits(directory.TenantID()),
		writes:    newWrites(),
		policy:    opts.Policy,
		assigned:  map[string]Policy{},
		turns:     map[string]int{},
		signIns:   map[string]SignIn{},
	}
}

// request is one call, on its own or within a batch.
type request struct {
	*http.Request
	beta  bool
	path  string
	body  []byte
	token entra.Token
}

// answer is what a call is answered with; a nil body means none.
type answer struct {
	status int
	header http.Header
	body   any
}

func ok(body any) *answer { return &answer{status: http.StatusOK, body: body} }

func noContent() *answer { return &answer{status: http.StatusNoContent} }

// ServeHTTP answers one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ids := identify(w, r)
	given, err := s.serve(r)
	if err != nil {
		given = s.failed(err, ids)
	}
	for name, values := range given.header {
		w.Header()[name] = values
	}
	if given.body == nil {
		w.WriteHeader(given.status)
		return
	}
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.WriteHeader(given.status)
	json.NewEncoder(w).Encode(given.body) // the client went away: there is nobody to tell
}

// serve authenticates, throttles and dispatches.
func (s *Service) serve(r *http.Request) (*answer, error) {
	token, err := s.directory.Verify(r, entra.GraphAudience)
	if err != nil {
		return nil, unauthenticated(err)
	}
	version, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if version != "v1.0" && (version != "beta" || path != "$batch" && !strings.HasPrefix(path, "reports/")) {
		return nil, badRequest("BadRequest", "Invalid version: the simulated Graph answers v1.0 and, of beta, reports.")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badRequest("BadRequest", "Unable to read JSON request payload.")
	}
	call := &request{Request: r, beta: version == "beta", path: path, body: body, token: token}
	if path == "$batch" {
		return s.batch(call)
	}
	return s.limited(call)
}

// limited answers one call if the limits allow it.
func (s *Service) limited(call *request) (*answer, error) {
	if !s.opts.Limits {
		return s.dispatch(call)
	}
	usage, err := s.limits.spend(call, s.clock.Now())
	if err != nil {
		return nil, err
	}
	given, err := s.dispatch(call)
	if given != nil {
		given.header = usage.annotate(given.header)
	}
	return given, err
}

// ids are the two that every answer carries.
type ids struct{ request, client string }

// identify sets the request ids; a client that sends none gets ours back.
func identify(w http.ResponseWriter, r *http.Request) ids {
	id := cmp.Or(w.Header().Get("X-Ms-Request-Id"), uuid.NewString())
	both := ids{request: id, client: cmp.Or(r.Header.Get("Client-Request-Id"), id)}
	w.Header().Del("X-Ms-Request-Id")
	w.Header().Set("Request-Id", both.request)
	w.Header().Set("Client-Request-Id", both.client)
	return both
}

// decode reads a JSON object of known properties. OData annotations are allowed everywhere.
func decode(body []byte, into any) error {
	var properties map[string]json.RawMessage
	if err := json.Unmarshal(body, &properties); err != nil {
		return badRequest("BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	plain, err := json.Marshal(withoutAnnotations(properties))
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return badRequest("Request_BadRequest", "Invalid request body: "+err.Error()+".")
	}
	return nil
}

func withoutAnnotations(properties map[string]json.RawMessage) map[string]json.RawMessage {
	for name := range properties {
		if strings.HasPrefix(name, "@odata.") {
			delete(properties, name)
		}
	}
	return properties
}
