package devops

import (
	"strings"
)

// proxyRequest is a request through a connection, of which only the one named
// TestConnection is known.
type proxyRequest struct {
	DataSource struct {
		Name string `json:"dataSourceName"`
	} `json:"dataSourceDetails"`
	Details *struct {
		Type          string         `json:"type"`
		URL           string         `json:"url"`
		Data          map[string]any `json:"data"`
		Authorization map[string]any `json:"authorization"`
	} `json:"serviceEndpointDetails"`
}

type proxyResult struct {
	Result       []string `json:"result"`
	StatusCode   string   `json:"statusCode"`
	ErrorMessage string   `json:"errorMessage"`
}

// proxyRequest tests a connection as it is stored, or as the request's details
// say that it would be.
func (s *Service) proxyRequest(c *call) (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	var request proxyRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	n := c.org.connection(c.request.URL.Query().Get("endpointId"))
	switch {
	case n == nil || !n.in(p) || c.role(n) < Reader:
		return nil, connectionNotFound(c.request.URL.Query().Get("endpointId"))
	case c.role(n) < User:
		return nil, forbidden("You do not have permission to use the service endpoint %s.", n.id)
	case request.DataSource.Name != "TestConnection":
		return nil, badConnection("The data source '%s' does not exist for the service endpoint type %s.", request.DataSource.Name, text(n.document, "type"))
	}
	tested := n
	if request.Details != nil {
		document := map[string]any{"authorization": request.Details.Authorization}
		tested = &connection{secrets: takeSecrets(document, n.secrets), document: document}
	}
	if err := s.prove(tested); err != nil {
		return proxyResult{[]string{}, "badRequest", err.Error()}, nil
	}
	return proxyResult{[]string{}, "ok", ""}, nil
}

// prove signs in as the connection does.
func (s *Service) prove(n *connection) error {
	p := n.parameters()
	client := client{tenant: text(p, "tenantid"), id: text(p, "serviceprincipalid")}
	switch {
	case strings.EqualFold(n.scheme(), SchemeFederation):
		return nil // the directory trusts the organization
	case strings.EqualFold(text(p, "authenticationType"), "spnCertificate"):
		return s.proveCertificate(client, n.secrets["serviceprincipalcertificate"])
	}
	return s.proveSecret(client, n.secrets["serviceprincipalkey"])
}
