package graph

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// getApplication shows one application; with $select=keyCredentials its keys too.
// https://learn.microsoft.com/graph/api/application-get
func (s *Service) getApplication(r *request, k key) (*answer, error) {
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	options, err := readOptions(r.URL.Query(), applicationType)
	if err != nil {
		return nil, err
	}
	app, err := s.find(k, s.readLag(k.id))
	if err != nil {
		return nil, err
	}
	shown := showApplication(app)
	if options.selects("keyCredentials") {
		shown["keyCredentials"] = showAll(app.Keys, showKeyWithValue)
	}
	shown = options.project(shown)
	shown["@odata.context"] = metadata("applications" + options.suffix() + "/$entity")
	return ok(shown), nil
}

// listApplications shows a page of applications.
// https://learn.microsoft.com/graph/api/application-list
func (s *Service) listApplications(r *request) (*answer, error) {
	if err := mayReadApplications(r.token); err != nil {
		return nil, err
	}
	apps := collection[entra.Application]{of: applicationType, show: showApplication, field: applicationField}
	return apps.page(s, r, s.directory.Applications)
}

func applicationField(a entra.Application, property string) string {
	switch property {
	case "id":
		return a.ObjectID
	case "appId":
		return a.AppID
	case "displayName":
		return a.DisplayName
	}
	return ""
}

// createApplication registers an application; with OwnedBy its creator owns it.
// https://learn.microsoft.com/graph/api/application-post-applications
func (s *Service) createApplication(r *request) (*answer, error) {
	if err := mayCreateApplications(r.token); err != nil {
		return nil, err
	}
	app := entra.Application{
		ObjectID: uuid.NewString(), AppID: uuid.NewString(), SignInAudience: "AzureADMyOrg",
		CreatedAt: s.clock.Now(), Owners: []string{r.token.ObjectID},
	}
	if err := s.assign(&app, r.body); err != nil {
		return nil, err
	}
	if app.DisplayName == "" {
		return nil, badRequest("Request_BadRequest", "Property 'displayName' is required but is either missing or null.")
	}
	s.directory.PutApplication(app)
	shown := showApplication(app)
	shown["@odata.context"] = metadata("applications/$entity")
	return &answer{status: http.StatusCreated, header: http.Header{"Location": {base + "applications/" + app.ObjectID}}, body: shown}, nil
}

// updateApplication changes the properties that the body names.
// https://learn.microsoft.com/graph/api/application-update
func (s *Service) updateApplication(r *request, k key) (*answer, error) {
	err := s.write(r, k, func(app *entra.Application) error { return s.assign(app, r.body) })
	if err != nil {
		return nil, err
	}
	return noContent(), nil
}

// deleteApplication deletes an application together with its credentials.
// https://learn.microsoft.com/graph/api/application-delete
func (s *Service) deleteApplication(r *request, k key) (*answer, error) {
	app, err := s.find(k, 0)
	if err != nil {
		return nil, err
	}
	if err := mayWrite(r.token, app); err != nil {
		return nil, err
	}
	s.directory.DeleteApplication(app.ObjectID)
	return noContent(), nil
}

// assign writes the properties of a body into an application.
func (s *Service) assign(app *entra.Application, body []byte) error {
	var properties map[string]rawObject
	if err := json.Unmarshal(body, &properties); err != nil {
		return badRequest("BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	for name, raw := range withoutAnnotations(properties) {
		if err := s.assignOne(app, name, raw); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) assignOne(app *entra.Application, name string, raw rawObject) (err error) {
	plain := map[string]any{
		"displayName": &app.DisplayName, "description": &app.Description, "notes": &app.Notes,
		"signInAudience": &app.SignInAudience, "tags": &app.Tags, "identifierUris": &app.IdentifierURIs,
	}
	into, simulated := plain[name]
	switch {
	case name == "keyCredentials":
		app.Keys, err = keyring{existing: app.Keys, policy: s.policyOf(*app), now: s.clock.Now()}.replace(raw)
		return err
	case name == "passwordCredentials":
		return badRequest("Request_BadRequest", "New password credentials must be generated with service actions.")
	case simulated && json.Unmarshal(raw, into) != nil:
		return badRequest("Request_BadRequest", "Invalid value specified for property '"+name+"' of resource 'Application'.")
	case simulated:
		return nil
	case applicationType.knows(name):
		return &problem{status: http.StatusNotImplemented, code: "NotSimulated", message: "The simulated Graph does not keep the property '" + name + "'."}
	}
	return badRequest("Request_BadRequest", "Invalid property '"+name+"'.")
}
