package graph

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// listOwners shows a page of those who own an application. Of users a caller without a permission to
// read them sees the type and the id alone.
// https://learn.microsoft.com/graph/api/application-list-owners
// https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects
func (s *Service) listOwners(r *request, k key) (*answer, error) {
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	if _, err := s.find(k, 0); err != nil {
		return nil, err
	}
	of, seesUsers := ownerType, mayReadUsers(r.token) == nil
	of.path = r.path
	show := func(id string) map[string]any {
		kind, shown := s.owner(id, seesUsers)
		shown["@odata.type"] = "#microsoft.graph." + kind
		return shown
	}
	owners := collection[string]{of: of, show: show, field: func(id, _ string) string { return id }}
	return owners.page(s, r, func(lag time.Duration) []string {
		app, _ := s.find(k, lag) // a replica that does not know it shows none
		return slices.Clone(app.Owners)
	})
}

// owner shows a service principal, or a user as far as the caller may see one.
func (s *Service) owner(id string, seesUsers bool) (kind string, shown map[string]any) {
	if sp, exists := s.directory.ServicePrincipal(id, 0); exists {
		return "servicePrincipal", showPrincipal(sp)
	}
	shown = map[string]any{"id": id, "displayName": nil, "userPrincipalName": nil}
	if u, exists := s.directory.User(id); exists && seesUsers {
		shown["displayName"], shown["userPrincipalName"] = u.DisplayName, u.UserPrincipalName
	}
	return "user", shown
}

// addOwner adds a user or service principal to the owners.
// https://learn.microsoft.com/graph/api/application-post-owners
func (s *Service) addOwner(r *request, k key) (*answer, error) {
	var reference struct {
		ID string `json:"@odata.id"`
	}
	if err := json.Unmarshal(r.body, &reference); err != nil {
		return nil, badRequest("BadRequest", "Unable to read JSON request payload.")
	}
	owner := reference.ID[strings.LastIndex(reference.ID, "/")+1:]
	if !strings.HasPrefix(reference.ID, base) || !guid.MatchString(owner) {
		return nil, badRequest("Request_BadRequest", "Invalid URL format specified in payload.")
	}
	err := s.write(r, k, func(app *entra.Application) error {
		if app.OwnedBy(owner) {
			return badRequest("Request_BadRequest", "One or more added object references already exist for the following modified properties: 'owners'.")
		}
		app.Owners = append(app.Owners, owner)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return noContent(), nil
}
