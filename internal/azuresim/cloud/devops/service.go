package devops

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// The hosts that a Service answers for.
const (
	Host        = "dev.azure.com"
	ProfileHost = "app.vssps.visualstudio.com"
)

// Authenticator tells who calls. An error means that the token is not good for
// the audience, for whatever reason.
type Authenticator interface {
	Authenticate(r *http.Request, audience string) (entra.Caller, error)
}

// Options are delays and limits. The zero value has no delays and all limits.
type Options struct {
	Processing  time.Duration // until a changed connection is ready
	PageSize    int           // of the list of projects; 100 when left out
	Calls       int           // of one caller in five minutes that pass freely; 1000 when left out
	Unthrottled bool          // leave out the limit on calls
	NoProfiles  bool          // service principals have no profile
}

// DefaultOptions are delays as short as the real service has them at its best.
func DefaultOptions() Options { return Options{Processing: 5 * time.Second} }

// Service is Azure DevOps. Its methods may be called from any goroutine.
type Service struct {
	clock    *clock.Clock
	auth     Authenticator
	tokens   http.Handler
	tenantID string
	options  Options
	routes   []route

	mu            sync.Mutex
	organizations map[string]*organization // by lower-case name
	windows       map[string]*window       // by organization and caller
}

// New returns a service without organizations. tokens answers for
// login.microsoftonline.com: there TestConnection proves a credential.
func New(clk *clock.Clock, auth Authenticator, tokens http.Handler, tenantID string, options Options) *Service {
	options.PageSize = cmp.Or(options.PageSize, 100)
	options.Calls = cmp.Or(options.Calls, 1000)
	s := &Service{
		clock: clk, auth: auth, tokens: tokens, tenantID: tenantID, options: options,
		organizations: map[string]*organization{}, windows: map[string]*window{},
	}
	s.routes = s.allRoutes()
	return s
}

// call is one authenticated request.
type call struct {
	request *http.Request
	caller  entra.Caller
	path    map[string]string // the template's placeholders
	org     *organization     // nil on the profile host
	now     time.Time
	header  http.Header // of the answer
}

// ServeHTTP passes the gates in the service's order: token, organization, its
// tenant and members, route, api-version, rate. What it takes to be allowed the
// operations say.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-TFS-ProcessId", "00000000-0000-4000-8000-000000000001")
	w.Header().Set("ActivityId", w.Header().Get("X-Ms-Request-Id"))
	body, err := s.answer(w.Header(), r)
	switch page := new(page); {
	case errors.As(err, &page):
		page.write(w)
	case err != nil:
		writeError(w, err)
	default:
		writeJSON(w, http.StatusOK, body)
	}
}

func (s *Service) answer(header http.Header, r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &call{request: r, now: s.clock.Now(), header: header}
	if err := s.enter(c); err != nil {
		return nil, err
	}
	found, path := s.match(r)
	if found == nil {
		return nil, unknownRoute(r)
	}
	r.Pattern = found.method + " " + found.template
	c.path = path
	if err := checkVersion(r, found.resourceVersion); err != nil {
		return nil, err
	}
	if err := s.spend(c); err != nil {
		return nil, err
	}
	return found.handle(c)
}

// enter finds out who calls and whether the organization lets the caller in.
func (s *Service) enter(c *call) error {
	var err error
	name, onHost := s.organizationName(c.request)
	if onHost {
		c.org = s.organizations[strings.ToLower(name)]
	}
	if c.org != nil {
		c.header.Set("X-VSS-ResourceTenant", c.org.tenantID)
	}
	if c.caller, err = s.auth.Authenticate(c.request, entra.DevOpsAudience); err != nil {
		return signIn(c.request, c.tenant(s.tenantID))
	}
	switch {
	case !onHost:
		return nil
	case c.org == nil:
		return &page{status: http.StatusNotFound, title: "Azure DevOps Services | 404 - Page not found"}
	case !strings.EqualFold(c.org.tenantID, c.caller.TenantID) || c.org.members[c.caller.ObjectID] == nil:
		return notAuthorized(c.caller.ObjectID)
	}
	return nil
}

func (c *call) tenant(fallback string) string {
	if c.org == nil {
		return fallback
	}
	return c.org.tenantID
}

// organizationName reads the first segment of a path on dev.azure.com.
func (s *Service) organizationName(r *http.Request) (name string, onHost bool) {
	if strings.EqualFold(r.Host, ProfileHost) {
		return "", false
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return name, true
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8; api-version=7.1")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // the client went away: there is nobody to tell
}

// list is how every collection is answered.
func list[T any](values []T) any {
	if values == nil {
		values = []T{}
	}
	return map[string]any{"count": len(values), "value": values}
}
