package graph

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// servicePrincipals answers for service principals.
// https://learn.microsoft.com/graph/api/resources/serviceprincipal
func (s *Service) servicePrincipals(r *request, target resource) (*answer, error) {
	switch {
	case target.rest != "":
		return nil, noSegment(target.rest)
	case target.key.id == "" && r.Method == http.MethodPost:
		return s.createServicePrincipal(r)
	case r.Method != http.MethodGet:
		return nil, notAllowed(r.Method)
	}
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	if target.key.id == "" {
		all := collection[entra.ServicePrincipal]{of: servicePrincipalType, show: showPrincipal, field: principalField}
		return all.page(s, r, s.directory.ServicePrincipals)
	}
	return s.getServicePrincipal(r, target.key)
}

func principalField(sp entra.ServicePrincipal, property string) string {
	switch property {
	case "id":
		return sp.ObjectID
	case "appId":
		return sp.AppID
	case "displayName":
		return sp.DisplayName
	case "servicePrincipalType":
		return sp.Type
	}
	return ""
}

func (s *Service) getServicePrincipal(r *request, k key) (*answer, error) {
	if !guid.MatchString(k.id) {
		return nil, invalidID(k.id)
	}
	options, err := readOptions(r.URL.Query(), servicePrincipalType)
	if err != nil {
		return nil, err
	}
	lookUp := s.directory.ServicePrincipal
	if k.byAppID {
		lookUp = s.directory.ServicePrincipalByAppID
	}
	sp, exists := lookUp(k.id, s.readLag(k.id))
	if !exists {
		return nil, notFound(k.id)
	}
	shown := options.project(showPrincipal(sp))
	shown["@odata.context"] = metadata("servicePrincipals" + options.suffix() + "/$entity")
	return ok(shown), nil
}

// createServicePrincipal gives an application its account in the tenant.
// https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
func (s *Service) createServicePrincipal(r *request) (*answer, error) {
	var wanted struct {
		AppID string `json:"appId"`
	}
	if err := decode(r.body, &wanted); err != nil {
		return nil, err
	}
	app, err := s.find(key{id: wanted.AppID, byAppID: true}, 0)
	if err != nil {
		return nil, badRequest("Request_BadRequest", "The appId '"+wanted.AppID+"' of the service principal does not reference a valid application object.")
	}
	if err := mayWrite(r.token, app); err != nil {
		return nil, err
	}
	if _, exists := s.directory.ServicePrincipalByAppID(app.AppID, 0); exists {
		return nil, &problem{status: http.StatusConflict, code: "Request_MultipleObjectsWithSameKeyValue",
			message: "The service principal cannot be created, updated, or restored because the service principal name " + app.AppID + " is already in use."}
	}
	sp := entra.ServicePrincipal{ObjectID: uuid.NewString(), AppID: app.AppID, DisplayName: app.DisplayName, Type: entra.TypeApplication, CreatedAt: s.clock.Now()}
	s.directory.PutServicePrincipal(sp)
	shown := showPrincipal(sp)
	shown["@odata.context"] = metadata("servicePrincipals/$entity")
	return &answer{status: http.StatusCreated, body: shown}, nil
}

// organization shows the tenant.
// https://learn.microsoft.com/graph/api/organization-list
func (s *Service) organization(r *request, target resource) (*answer, error) {
	if r.Method != http.MethodGet || target.key.id != "" {
		return nil, notAllowed(r.Method)
	}
	if err := mayReadOrganization(r.token); err != nil {
		return nil, err
	}
	tenant := map[string]any{"id": s.directory.TenantID(), "displayName": "Simulated tenant", "tenantType": "AAD",
		"verifiedDomains": []map[string]any{{"name": "simulated.onmicrosoft.com", "isDefault": true, "isInitial": true}}}
	return ok(map[string]any{"@odata.context": metadata("organization"), "value": []any{tenant}}), nil
}

// listOwners shows a page of those who own an application.
// https://learn.microsoft.com/graph/api/application-list-owners
func (s *Service) listOwners(r *request, k key) (*answer, error) {
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	if _, err := s.find(k, 0); err != nil {
		return nil, err
	}
	of := directoryObjectType
	of.path = r.path
	owners := collection[string]{of: of, show: s.showOwner, field: func(id, _ string) string { return id }}
	return owners.page(s, r, func(lag time.Duration) []string {
		app, _ := s.find(k, lag) // a replica that does not know it shows none
		return slices.Clone(app.Owners)
	})
}

func (s *Service) showOwner(id string) map[string]any {
	sp, exists := s.directory.ServicePrincipal(id, 0)
	if !exists {
		return map[string]any{"@odata.type": "#microsoft.graph.user", "id": id}
	}
	shown := showPrincipal(sp)
	shown["@odata.type"] = "#microsoft.graph.servicePrincipal"
	return shown
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
