package vercel

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

// Options are the service's delays. The zero value builds at once.
type Options struct {
	BuildTime time.Duration // from a deployment's creation to its end
}

// Service answers for api.vercel.com. Its methods may be called from any goroutine.
type Service struct {
	clock   *clock.Clock
	options Options
	routes  *http.ServeMux

	mu       sync.Mutex
	teams    []*team
	projects []*project
	tokens   map[string]*token
	latest   int64 // when the newest thing was made
}

// New returns a service without teams.
func New(clk *clock.Clock, options Options) *Service {
	s := &Service{clock: clk, options: options, routes: http.NewServeMux(), tokens: map[string]*token{}}
	for pattern, handle := range map[string]func(*call) (any, error){
		"GET /v2/teams":                                  s.listTeams,
		"GET /v2/teams/{team}":                           s.getTeam,
		"GET /v10/projects":                              s.listProjects,
		"GET /v9/projects/{project}":                     s.getProject,
		"GET /v9/projects/{project}/custom-environments": s.listEnvironments,
		"GET /v10/projects/{project}/env":                s.listVariables,
		"POST /v10/projects/{project}/env":               s.createVariables,
		"GET /v1/projects/{project}/env/{id}":            s.getVariable,
		"PATCH /v9/projects/{project}/env/{id}":          s.editVariable,
		"PATCH /v10/projects/{project}/env/{id}":         s.editVariable,
		"GET /v7/deployments":                            s.listDeployments,
		"POST /v13/deployments":                          s.createDeployment,
		"GET /v13/deployments/{id}":                      s.getDeployment,
	} {
		s.routes.Handle(pattern, s.serve(handle))
	}
	s.routes.Handle("/", s.serve(func(c *call) (any, error) {
		return nil, refuse(http.StatusNotFound, "not_found", "There is no endpoint %s %s.", c.request.Method, c.request.URL.Path)
	}))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// call is one request by a token in the scope of a team; none is the token
// owner's own account.
type call struct {
	request *http.Request
	token   *token
	team    *team
	now     time.Time
	status  int // of the answer, 200 if not set
}

func (c *call) query(name string) string { return c.request.URL.Query().Get(name) }

func (s *Service) serve(handle func(*call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := &call{request: r, now: s.clock.Now(), status: http.StatusOK}
		answer, err := s.answer(c, handle)
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, c.status, answer)
	})
}

// answer passes the gates in the order in which the service closes them.
func (s *Service) answer(c *call, handle func(*call) (any, error)) (any, error) {
	if err := s.authenticate(c); err != nil {
		return nil, err
	}
	if err := s.enter(c); err != nil {
		return nil, err
	}
	if c.token.ReadOnly && c.request.Method != http.MethodGet {
		return nil, forbidden("You don't have permission to change this resource.")
	}
	return handle(c)
}

// maxBody is more than any request that is simulated here needs.
const maxBody = 4 << 20

// body reads the request's body as it is.
func (c *call) body() ([]byte, error) {
	text, err := io.ReadAll(http.MaxBytesReader(nil, c.request.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "request_body_too_large", "The body is larger than %d bytes.", maxBody)
	}
	if err != nil || !json.Valid(text) {
		return nil, badRequest("Invalid JSON")
	}
	return text, nil
}
