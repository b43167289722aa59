package resourcemanager

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/keyvault"
)

var _ keyvault.Access = (*Service)(nil)

// Authenticator tells who calls. An error means that the token is not good for
// the audience, for whatever reason.
type Authenticator interface {
	Authenticate(r *http.Request, audience string) (entra.Caller, error)
}

// Principals is the directory as Resource Manager sees it, replication lag included.
type Principals interface {
	ServicePrincipalVisible(objectID string) bool
}

// Options are delays and limits. The zero value has no delays and all limits.
type Options struct {
	RolePropagation time.Duration // until a role assignment, or its removal, takes effect
	Provisioning    time.Duration // until a new vault's name resolves
	PageSize        int           // of lists; 100 when left out
	Unthrottled     bool          // leave out the limits on calls per subscription
}

// DefaultOptions are delays as short as the real service has them at its best.
func DefaultOptions() Options {
	return Options{RolePropagation: 15 * time.Second, Provisioning: 5 * time.Second}
}

// Service is Resource Manager for one tenant. Its methods may be called from any
// goroutine.
type Service struct {
	clock      *clock.Clock
	auth       Authenticator
	principals Principals
	tenantID   string
	options    Options
	routes     []route

	mu            sync.Mutex
	subscriptions map[string]*subscription // by lower-case id
	vaults        []*vault                 // deleted ones included
	assignments   []*assignment            // removed ones until that has taken effect
	budgets       map[string]*budget
	onDelete      func(resourceID string)
}

type subscription struct {
	id     string
	name   string
	groups map[string]*group // by lower-case name

	unregistered map[string]bool // resource providers, by lower-case namespace
}

type group struct {
	name     string
	location string
	tags     map[string]string
}

// New returns a tenant's Resource Manager without any resource.
func New(clk *clock.Clock, auth Authenticator, principals Principals, tenantID string, options Options) *Service {
	if options.PageSize == 0 {
		options.PageSize = 100
	}
	s := &Service{
		clock: clk, auth: auth, principals: principals, tenantID: tenantID, options: options,
		subscriptions: map[string]*subscription{},
		budgets:       map[string]*budget{},
		onDelete:      func(string) {},
	}
	s.routes = s.allRoutes()
	return s
}

// OnDelete has f called with the identifier of every resource that is deleted, for
// those who keep things that go with it. f must not call back.
func (s *Service) OnDelete(f func(resourceID string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onDelete = f
}

// call is one authenticated request.
type call struct {
	request *http.Request
	caller  entra.Caller
	path    map[string]string // the template's placeholders
	now     time.Time
	header  http.Header // of the answer
}

// answer is a status with its body; a nil body is sent as none.
type answer struct {
	status int
	body   any
}

func ok(body any) (answer, error) { return answer{http.StatusOK, body}, nil }

// ServeHTTP passes the gates in Resource Manager's order: token, route,
// api-version, subscription, rate; what it takes to be allowed the operations say.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	a, err := s.answer(w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, a.status, a.body)
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) (answer, error) {
	caller, err := s.authenticate(w, r)
	if err != nil {
		return answer{}, err
	}
	found, path, err := s.route(r)
	if err != nil {
		return answer{}, err
	}
	r.Pattern = found.method + " " + found.template
	if err := checkVersion(r.URL.Query().Get("api-version"), found.provider); err != nil {
		return answer{}, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{request: r, caller: caller, path: path, now: s.clock.Now(), header: w.Header()}
	if err := s.checkSubscription(c); err != nil {
		return answer{}, err
	}
	if err := s.spend(c); err != nil {
		return answer{}, err
	}
	return found.handle(c)
}

func (s *Service) authenticate(w http.ResponseWriter, r *http.Request) (entra.Caller, error) {
	challenge := `Bearer authorization_uri="https://login.windows.net/` + s.tenantID + `", error="invalid_token", error_description=`
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", challenge+`"The authentication failed because of missing 'Authorization' header."`)
		return entra.Caller{}, refuse(http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	}
	caller, err := s.auth.Authenticate(r, entra.ResourceManagerAudience)
	if err == nil {
		return caller, nil
	}
	w.Header().Set("WWW-Authenticate", challenge+`"The access token is invalid."`)
	return entra.Caller{}, refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: %v", err)
}

func (s *Service) checkSubscription(c *call) error {
	id := c.path["subscription"]
	if id == "" {
		id = scopeSubscription(c.path["scope"])
	}
	if id == "" || s.subscriptions[strings.ToLower(id)] != nil {
		return nil
	}
	return refuse(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", id)
}
