package graph

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

var (
	guid         = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	alternateKey = regexp.MustCompile(`^(applications|servicePrincipals)\(appId='([^']*)'\)$`)
)

// key addresses one object, by object id or by client id.
type key struct {
	id      string
	byAppID bool
}

// resource is a path taken apart: applications/{id}/addPassword.
type resource struct {
	collection string
	key        key
	rest       string
}

func parse(path string) resource {
	first, rest, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if match := alternateKey.FindStringSubmatch(first); match != nil {
		return resource{collection: match[1], key: key{id: match[2], byAppID: true}, rest: rest}
	}
	id, rest, _ := strings.Cut(rest, "/")
	return resource{collection: first, key: key{id: id}, rest: rest}
}

// dispatch finds the operation that answers a call.
func (s *Service) dispatch(r *request) (*answer, error) {
	target := parse(r.path)
	if r.beta {
		return s.reports(r, target)
	}
	switch target.collection {
	case "applications":
		return s.applications(r, target)
	case "servicePrincipals":
		return s.servicePrincipals(r, target)
	case "users":
		return s.users(r, target)
	case "organization":
		return s.organization(r, target)
	case "policies":
		return s.tenantPolicy(r, target)
	}
	return nil, noSegment(target.collection)
}

func noSegment(segment string) *problem {
	return badRequest("BadRequest", "Resource not found for the segment '"+segment+"'.")
}

func invalidID(id string) *problem {
	return badRequest("Request_BadRequest", "Invalid object identifier '"+id+"'.")
}

func notAllowed(method string) *problem {
	return &problem{status: http.StatusMethodNotAllowed, code: "Request_BadRequest",
		message: "Specified HTTP method is not allowed for the request target: " + method + "."}
}

func (s *Service) applications(r *request, target resource) (*answer, error) {
	if target.key.id == "" || target.key.id == "delta" || target.key.id == "delta()" {
		return s.applicationCollection(r, target)
	}
	if !guid.MatchString(target.key.id) {
		return nil, invalidID(target.key.id)
	}
	switch r.Method + " " + strings.TrimPrefix(target.rest, "microsoft.graph.") {
	case "GET ":
		return s.getApplication(r, target.key)
	case "PATCH ":
		return s.updateApplication(r, target.key)
	case "DELETE ":
		return s.deleteApplication(r, target.key)
	case "POST addPassword":
		return s.addPassword(r, target.key)
	case "POST removePassword":
		return s.removePassword(r, target.key)
	case "GET appManagementPolicies":
		return s.listPolicies(r, target.key)
	case "GET owners":
		return s.listOwners(r, target.key)
	case "POST owners/$ref":
		return s.addOwner(r, target.key)
	case "GET federatedIdentityCredentials":
		return s.listFederated(r, target.key)
	}
	return nil, noSegment(target.rest)
}

func (s *Service) applicationCollection(r *request, target resource) (*answer, error) {
	switch {
	case target.rest != "":
		return nil, noSegment(target.rest)
	case target.key.id != "" && r.Method == http.MethodGet:
		return s.delta(r)
	case r.Method == http.MethodGet:
		return s.listApplications(r)
	case r.Method == http.MethodPost && target.key.id == "":
		return s.createApplication(r)
	}
	return nil, notAllowed(r.Method)
}

// readLag is how far the replica is behind whose turn it is to read something.
func (s *Service) readLag(what string) time.Duration { return s.lag(s.nextReplica(what)) }

func (s *Service) lag(replica int) time.Duration { return time.Duration(replica) * s.opts.ReadLag }

func (s *Service) nextReplica(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	turn := s.turns[what]
	s.turns[what] = (turn + 1) % s.opts.Replicas
	return turn
}

// find returns the application as of a lag.
func (s *Service) find(k key, lag time.Duration) (entra.Application, error) {
	lookUp := s.directory.Application
	if k.byAppID {
		lookUp = s.directory.ApplicationByAppID
	}
	app, exists := lookUp(k.id, lag)
	if !exists {
		return app, notFound(k.id)
	}
	return app, nil
}
