package devops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

const area = "serviceendpoint" // what the API calls service connections

// session is what one delivery has to say to Azure DevOps about its connection.
// No error of it repeats the credential, whatever call it comes back in.
type session struct {
	*client
	Settings
	credential secret.Value
}

func (s session) send(ctx context.Context, r request) (answer, error) {
	r.organization, r.sent = s.Organization, s.credential
	return s.client.send(ctx, r)
}

// get returns a connection that lets the caller do the action, if one is named.
//
// https://learn.microsoft.com/rest/api/azure/devops/serviceendpoint/endpoints/get
func (s session) get(ctx context.Context, id, action string) (connection, error) {
	r := request{
		doing:  fmt.Sprintf("read service connection %q", id),
		method: http.MethodGet, path: []string{s.Project, "_apis", area, "endpoints", id},
	}
	if action != "" {
		r.query = url.Values{"actionFilter": {action}}
	}
	a, err := s.send(ctx, r)
	if err != nil {
		return connection{}, err
	}
	found, ok, err := parseConnection(a.body)
	switch {
	case err != nil:
		return found, refusal(rotation.Transient, "", "devops: %s: %w", r.doing, err)
	case !ok:
		return found, notThere(rotation.NotFound, s.Settings)
	}
	return found, nil
}

// list returns the connections to Azure of a project, or those with a name. It
// shows none that is being changed.
//
// https://learn.microsoft.com/rest/api/azure/devops/serviceendpoint/endpoints/get-service-endpoints
func (s session) list(ctx context.Context, name string) ([]connection, error) {
	r := request{
		doing:  fmt.Sprintf("list the service connections of project %q", s.Project),
		method: http.MethodGet, path: []string{s.Project, "_apis", area, "endpoints"},
		query: url.Values{"type": {typeAzure}, "includeFailed": {"true"}},
	}
	if name != "" {
		r.query.Set("endpointNames", name)
	}
	a, err := s.send(ctx, r)
	if err != nil {
		return nil, err
	}
	return decodeList[connection](r, a)
}

// idOf looks the connection up by its name. It is empty where none is shown.
func (s session) idOf(ctx context.Context) (string, error) {
	found, err := s.list(ctx, s.ServiceConnection)
	if err != nil {
		return "", err
	}
	for _, one := range found {
		if strings.EqualFold(one.Name, s.ServiceConnection) {
			return one.ID, nil
		}
	}
	return "", nil
}

// put replaces the whole object. The project plays no part in it.
//
// https://learn.microsoft.com/rest/api/azure/devops/serviceendpoint/endpoints/update-service-endpoint
func (s session) put(ctx context.Context, next change) (connection, error) {
	r := request{
		doing:  fmt.Sprintf("change service connection %q", next.Name),
		method: http.MethodPut, path: []string{"_apis", area, "endpoints", next.ID},
	}
	body, err := next.body()
	if err != nil {
		return connection{}, rotation.Permanently("devops: %s: what was read of it is no service connection", r.doing)
	}
	r.body = body
	a, err := s.send(ctx, r)
	if err != nil {
		return connection{}, err
	}
	stored, ok, err := parseConnection(a.body)
	if err == nil && (!ok || !strings.EqualFold(stored.ID, next.ID)) {
		err = errors.New("the answer is another service connection or none")
	}
	if err != nil {
		return stored, refusal(rotation.Transient, "", "devops: %s: %w", r.doing, err)
	}
	return stored, nil
}

// testRequest asks Azure DevOps to sign in.
type testRequest struct {
	DataSourceDetails           dataSource                 `json:"dataSourceDetails"`
	ResultTransformationDetails struct{}                   `json:"resultTransformationDetails"`
	ServiceEndpointDetails      map[string]json.RawMessage `json:"serviceEndpointDetails,omitempty"`
}

type dataSource struct {
	Name string `json:"dataSourceName"`
}

type testResult struct {
	StatusCode   string `json:"statusCode"`
	ErrorMessage string `json:"errorMessage"`
}

// test signs in as the connection is stored.
func (s session) test(ctx context.Context, stored connection) error {
	return s.runTest(ctx, stored.ID, request{doing: fmt.Sprintf("test service connection %q", stored.Name)}, nil)
}

// testChange signs in as the connection would be. Nothing is stored.
func (s session) testChange(ctx context.Context, next change) error {
	r := request{doing: fmt.Sprintf("test service connection %q with the new credential", next.Name)}
	body, err := next.body()
	if err != nil {
		return rotation.Permanently("devops: %s: what was read of it is no service connection", r.doing)
	}
	details := map[string]json.RawMessage{}
	for _, part := range []string{"authorization", "data", "type", "url"} {
		if value, ok := body[part]; ok {
			details[part] = value
		}
	}
	return s.runTest(ctx, next.ID, r, details)
}

// https://learn.microsoft.com/rest/api/azure/devops/serviceendpoint/endpointproxy/execute-service-endpoint-request
func (s session) runTest(ctx context.Context, id string, r request, details map[string]json.RawMessage) error {
	r.method, r.path = http.MethodPost, []string{s.Project, "_apis", area, "endpointproxy"}
	r.query = url.Values{"endpointId": {id}}
	r.body = testRequest{DataSourceDetails: dataSource{"TestConnection"}, ServiceEndpointDetails: details}
	a, err := s.send(ctx, r)
	if err != nil {
		return err
	}
	result, err := decode[testResult](r, a)
	switch {
	case err != nil:
		return err
	case result.StatusCode == "":
		return refusal(rotation.Transient, "", "devops: %s: the answer makes no sense: it has no status", r.doing)
	case !strings.EqualFold(result.StatusCode, "ok"):
		return refusal(rotation.Transient, "", "devops: %s: %s: %s", r.doing, result.StatusCode, hushed(result.ErrorMessage, s.credential))
	}
	return nil
}
