package keyvault

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/eventgrid"
)

// Events takes what happens to objects, for whoever has subscribed.
type Events interface {
	Raise(eventgrid.SystemEvent)
}

// Options are the service's delays and limits. The zero value has no delays and
// all limits.
type Options struct {
	DeletionDelay   time.Duration // until a deleted object can be seen, recovered and purged
	RecoveryDelay   time.Duration // until a recovered object can be used
	NearExpiryDelay time.Duration // until the event of an object that expires in less than 30 days
	Unthrottled     bool          // leave out the limits on calls per vault
}

// DefaultOptions are delays as short as the real service has them at its best.
func DefaultOptions() Options {
	return Options{DeletionDelay: time.Second, RecoveryDelay: 5 * time.Second, NearExpiryDelay: 2 * time.Minute}
}

// Service answers for every vault. Its methods may be called from any goroutine.
type Service struct {
	clock   *clock.Clock
	auth    Authenticator
	access  Access
	events  Events
	options Options
	routes  *http.ServeMux

	mu     sync.Mutex
	vaults map[string]*contents // by lower-case name
}

// contents is what one vault holds.
type contents struct {
	vault    Vault              // as last seen
	objects  map[string]*object // by lower-case name
	throttle throttle
}

// New returns a service without objects.
func New(clk *clock.Clock, auth Authenticator, access Access, events Events, options Options) *Service {
	s := &Service{clock: clk, auth: auth, access: access, events: events, options: options, vaults: map[string]*contents{}}
	s.routes = http.NewServeMux()
	for pattern, op := range s.secretOperations() {
		s.routes.Handle(pattern, s.serve(op))
	}
	for pattern, op := range s.certificateOperations() {
		s.routes.Handle(pattern, s.serve(op))
	}
	s.routes.Handle("/", s.serve(operation{handle: unknownOperation}))
	return s
}

// Resolves reports whether the host is one of a vault that exists.
func (s *Service) Resolves(host string) bool {
	_, found := s.access.Vault(vaultName(host))
	return found
}

// ServeHTTP cuts the connection when the host is not that of a vault.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

func vaultName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	label, _, _ := strings.Cut(host, ".")
	return label
}

// operation is one entry of the REST reference with what it takes to be allowed.
type operation struct {
	kind       string // of the objects: secrets or certificates
	action     string // data action for roles
	permission string // verb for access policies
	creates    bool   // counts against the lower limit
	handle     func(*call) (any, error)
}

// call is one authenticated request to one vault.
type call struct {
	request *http.Request
	kind    string // of the operation
	caller  entra.Caller
	vault   Vault
	held    *contents
	now     time.Time
}

func (c *call) name() string { return c.request.PathValue("name") }

// base is the vault's address, as identifiers begin.
func (c *call) base() string { return vaultURL(c.vault) }

func vaultURL(v Vault) string { return "https://" + strings.ToLower(v.Name) + ".vault.azure.net" }

func (s *Service) serve(op operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vault, found := s.access.Vault(vaultName(r.Host))
		if !found {
			panic(http.ErrAbortHandler)
		}
		setHeaders(w.Header(), vault)
		answer, err := s.answer(w, r, vault, op)
		if err != nil {
			writeError(w, err)
			return
		}
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	})
}

// answer passes the gates in the order in which the service closes them.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, vault Vault, op operation) (any, error) {
	caller, err := s.authenticate(w, r, vault)
	if err != nil {
		return nil, err
	}
	if err := checkNetwork(r, caller, vault); err != nil {
		return nil, err
	}
	if err := checkVersion(r.URL.Query().Get("api-version")); err != nil {
		return nil, err
	}
	if err := s.authorize(r, caller, vault, op); err != nil {
		return nil, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{request: r, kind: op.kind, caller: caller, vault: vault, held: s.contentsOf(vault), now: s.clock.Now()}
	if !s.options.Unthrottled {
		if err := c.held.throttle.admit(w.Header(), c.now, op.creates); err != nil {
			return nil, err
		}
	}
	return op.handle(c)
}

// contentsOf needs the lock. What a purged vault of that name held goes with it.
func (s *Service) contentsOf(vault Vault) *contents {
	key := strings.ToLower(vault.Name)
	held := s.vaults[key]
	if held == nil || held.vault.Instance != vault.Instance {
		held = &contents{objects: map[string]*object{}}
		s.vaults[key] = held
	}
	held.vault = vault
	return held
}

func unknownOperation(c *call) (any, error) {
	return nil, &refusal{status: http.StatusNotFound, code: "NotFound", message: "The operation " + c.request.Method + " " + c.request.URL.Path + " is not known."}
}

var apiVersion = regexp.MustCompile(`^(7\.[0-6]|20[12]\d-\d\d-\d\d(-preview)?)(-preview\.\d)?$`)

func checkVersion(version string) error {
	if version == "" {
		return badParameter("api-version must be specified")
	}
	if !apiVersion.MatchString(version) {
		return badParameter("The specified version (%s) is not recognized. Consider using the latest supported version (2026-04-01).", version)
	}
	return nil
}

func setHeaders(h http.Header, vault Vault) {
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("x-ms-keyvault-region", vault.Location)
	h.Set("x-ms-keyvault-service-version", "1.9.640.1")
}

func writeError(w http.ResponseWriter, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{status: http.StatusInternalServerError, code: "InternalServerError", message: err.Error()}
	}
	writeJSON(w, refused.status, refused.body())
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies are structs of this package
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
