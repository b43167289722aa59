package api

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/access"
)

// rule says who may use an operation: whoever has the role or a greater one, and,
// where owners may, the owners in Entra ID of the application that the path names.
type rule struct {
	role   access.Role
	owners bool
}

var (
	everybody          = rule{role: access.None}
	readers            = rule{role: access.Reader}
	readersAndOwners   = rule{role: access.Reader, owners: true}
	operators          = rule{role: access.Operator}
	operatorsAndOwners = rule{role: access.Operator, owners: true}
	administrators     = rule{role: access.Administrator}
)

// String says who may, for people.
func (r rule) String() string {
	switch {
	case r == everybody:
		return "For everybody."
	case r.owners:
		return "Takes the role " + r.role.String() + ", or to be an owner of the application in Entra ID."
	}
	return "Takes the role " + r.role.String() + "."
}

// rules are who may use each operation, by the pattern that it is served under. An
// operation without a line is refused to everybody.
var rules = map[string]rule{
	"GET /api/health":       everybody,
	"GET /api/openapi.json": readers,
	"GET /api/log":          readers,
	"POST /api/pause":       operators,
	"POST /api/resume":      operators,

	"GET /api/applications":                   readers,
	"GET /api/applications/{appId}":           readersAndOwners,
	"PUT /api/applications/{appId}":           operatorsAndOwners,
	"DELETE /api/applications/{appId}":        operatorsAndOwners,
	"POST /api/applications/{appId}/pause":    operatorsAndOwners,
	"POST /api/applications/{appId}/resume":   operatorsAndOwners,
	"POST /api/applications/{appId}/adopt":    operatorsAndOwners,
	"GET /api/applications/{appId}/log":       readersAndOwners,
	"GET /api/applications/{appId}/rotations": readersAndOwners,

	"POST /api/applications/{appId}/rotations":     operatorsAndOwners, // and emergencies below
	"POST /api/applications/{appId}/rollback":      operatorsAndOwners,
	"GET /api/rotations/{id}":                      readersAndOwners,
	"POST /api/rotations/{id}/cancel":              operatorsAndOwners,
	"POST /api/deployments/{id}/{targetId}/resume": operatorsAndOwners,

	"GET /api/applications/{appId}/targets/{targetId}":        readersAndOwners,
	"PUT /api/applications/{appId}/targets/{targetId}":        operators, // rekey may write where an owner may not
	"DELETE /api/applications/{appId}/targets/{targetId}":     operators,
	"POST /api/applications/{appId}/targets/{targetId}/check": operatorsAndOwners,
	"GET /api/integrations/{integration}/choices":             readers,

	"GET /api/groups":              readers,
	"GET /api/groups/{groupId}":    readers,
	"PUT /api/groups/{groupId}":    operators,
	"DELETE /api/groups/{groupId}": operators,

	"GET /api/tasks":         readers,
	"GET /api/tasks/{id}":    readers,
	"PUT /api/tasks/{id}":    administrators, // a script gets the credentials that it delivers
	"DELETE /api/tasks/{id}": administrators,

	"GET /api/notifications":            readers,
	"GET /api/notifications/{id}":       readers,
	"PUT /api/notifications/{id}":       administrators,
	"DELETE /api/notifications/{id}":    administrators,
	"POST /api/notifications/{id}/test": administrators,

	"GET /api/inventory":          readers,
	"GET /api/inventory/{appId}":  readersAndOwners,
	"POST /api/inventory/refresh": operators,
	"GET /api/advice":             readers,

	"GET /api/dependencies":    readers,
	"GET /api/doctor":          readers,
	"GET /api/doctor/findings": readers,

	"GET /api/config":             readers,
	"GET /api/config/schema.json": readers,
	"PUT /api/config":             administrators, // tasks are part of it

	"GET /api/settings": readers,
	"PUT /api/settings": administrators,

	"GET /api/deadletters":                                    readers,
	"GET /api/deadletters/{entity}/{sequenceNumber}":          readers,
	"POST /api/deadletters/{entity}/{sequenceNumber}/replay":  operators,
	"POST /api/deadletters/{entity}/{sequenceNumber}/discard": operators,

	"GET /api/keys":         administrators,
	"POST /api/keys":        administrators, // who came with a key makes none
	"DELETE /api/keys/{id}": administrators,
}

// emergencies is who may ask for one, in the body of a request for a rotation: it
// takes credentials away while they may be in use.
var emergencies = administrators

// Owners says who owns an application in Entra ID.
type Owners interface {
	// Owns reports whether an object is among the application's owners. Its errors
	// are Faults; an application that is not there has no owners.
	Owns(ctx context.Context, appID, objectID string) (bool, error)
}

// permits reports whether a principal may use an operation on an application, which
// is empty where the path names none. Whoever is confined to some applications may
// do nothing that is not about one of them.
func (r rule) permits(ctx context.Context, who access.Principal, appID string, owners Owners) (bool, error) {
	if who.Confined() && (appID == "" || !who.Reaches(appID)) {
		return false, nil
	}
	if who.Role >= r.role {
		return true, nil
	}
	if !r.owners || appID == "" || who.Kind != access.Person || owners == nil {
		return false, nil
	}
	return owners.Owns(ctx, appID, who.ID)
}

// refusedTo says which role it would take.
func (r rule) refusedTo(who access.Principal) *huma.ErrorModel {
	detail := "this takes the role " + r.role.String()
	if r.owners {
		detail += ", or to be a person who owns the application in Entra ID"
	}
	if who.Confined() && who.Role >= r.role {
		detail = "the key is for some applications alone, and this is not about one of them"
	}
	return problem(http.StatusForbidden, detail+"; "+who.Actor()+" has the role "+who.Role.String())
}

// permit is for what takes more than the operation's line says.
func (a *api) permit(ctx context.Context, r rule) error {
	who, _ := access.From(ctx)
	if who.Role < r.role {
		refusal := r.refusedTo(who)
		a.logRefusal(ctx, refusal.Detail)
		return refusal
	}
	return nil
}

// applicationIn returns the client id of the application that a path names, by itself
// or in a rotation's id, or nothing.
func applicationIn(pattern, escapedPath string) string {
	_, pattern, _ = strings.Cut(pattern, " ")
	given := strings.Split(escapedPath, "/")
	for i, segment := range strings.Split(pattern, "/") {
		if !namesApplication(segment, pattern) || i >= len(given) {
			continue
		}
		name, err := url.PathUnescape(given[i])
		if err != nil {
			return ""
		}
		if match := clientID.FindStringSubmatch(strings.ToLower(name)); match != nil {
			return match[1]
		}
		return ""
	}
	return ""
}

func namesApplication(segment, pattern string) bool {
	ofRotation := strings.HasPrefix(pattern, "/api/rotations/") || strings.HasPrefix(pattern, "/api/deployments/")
	return segment == "{appId}" || segment == "{id}" && ofRotation
}

// clientID is an application's id, alone or as the beginning of a rotation's.
var clientID = regexp.MustCompile(`^(` + guid + `)(\.(secret|certificate)\.[1-9][0-9]{0,8})?$`)
