package devops

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
)

// maxBody is more than a service connection takes.
const maxBody = 1 << 20

func (c *call) decode(into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, c.request.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return refuse(http.StatusRequestEntityTooLarge, "VssRequestContentTooLargeException", "The request is larger than %d bytes.", maxBody)
	}
	if contentType := c.request.Header.Get("Content-Type"); !strings.HasPrefix(contentType, "application/json") {
		return refuse(http.StatusUnsupportedMediaType, "VssServiceResponseException", "The content type %q is not supported.", contentType)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "VssRequestContentException", "TF400898: The request body could not be read.")
	}
	return nil
}

// putConnection replaces the whole object.
func (s *Service) putConnection(c *call) (any, error) {
	n := c.org.connection(c.path["endpoint"])
	if n == nil {
		return nil, connectionNotFound(c.path["endpoint"])
	}
	if err := c.mayWrite(n); err != nil {
		return nil, err
	}
	var document map[string]any
	if err := c.decode(&document); err != nil {
		return nil, err
	}
	if err := c.org.checkWrite(n, document); err != nil {
		return nil, err
	}
	if state, _ := n.state(c.now); state == "InProgress" {
		return nil, refuse(http.StatusConflict, "ServiceEndpointException", "An operation on the service connection %s is in progress. Try again after it has completed.", n.id)
	}
	secrets := takeSecrets(document, n.secrets)
	if err := n.checkCredential(document, secrets); err != nil {
		return nil, err
	}
	n.replace(document, secrets)
	n.failed, n.failsWith = n.failsWith, ""
	n.readyAt = c.now.Add(s.options.Processing)
	return n.show(c.now, true), nil
}

// replace keeps what the service alone sets.
func (n *connection) replace(document map[string]any, secrets map[string]string) {
	for _, own := range []string{"id", "createdBy", "owner"} {
		document[own] = n.document[own]
	}
	for _, computed := range []string{"isReady", "isShared", "operationStatus"} {
		delete(document, computed)
	}
	n.document, n.secrets = document, secrets
	n.writes++
}

// checkWrite refuses what is not a whole service connection.
func (o *organization) checkWrite(n *connection, document map[string]any) error {
	switch id := text(document, "id"); {
	case document == nil:
		return badConnection("Service Connection cannot be null.")
	case id != "" && !strings.EqualFold(id, n.id):
		return badConnection("The service connection id %s does not match the id in the request %s.", id, n.id)
	case text(document, "name") == "":
		return badConnection("Service Connection name cannot be null or empty.")
	case !strings.EqualFold(text(document, "type"), text(n.document, "type")):
		return badConnection("The type of a service connection cannot be changed.")
	case text(document, "url") == "":
		return badConnection("Service Connection url cannot be null or empty.")
	case text(object(document, "authorization"), "scheme") == "":
		return badConnection("Service Connection Authorization cannot be null.")
	case len(projectsOf(document)) == 0:
		return badConnection("Service Connection project references cannot be null or empty.")
	}
	for _, id := range projectsOf(document) {
		if o.find(id) == nil {
			return projectNotFound(id)
		}
	}
	return nil
}

// takeSecrets moves the secrets out of a document. One that is null is the one
// that was there.
func takeSecrets(document map[string]any, old map[string]string) map[string]string {
	secrets := map[string]string{}
	parameters := object(object(document, "authorization"), "parameters")
	for name, value := range parameters {
		if !isSecret(name) {
			continue
		}
		key := strings.ToLower(name)
		if given, ok := value.(string); ok {
			secrets[key] = given
		} else if kept, ok := old[key]; ok {
			secrets[key] = kept
		}
		parameters[name] = nil
	}
	return secrets
}

// checkCredential refuses what a scheme or a way of creation excludes.
func (n *connection) checkCredential(document map[string]any, secrets map[string]string) error {
	next := &connection{document: document}
	switch scheme := next.scheme(); {
	case strings.EqualFold(scheme, SchemeFederation):
		if len(secrets) > 0 {
			return badConnection("The authorization scheme %s does not accept a key or a certificate.", scheme)
		}
		return nil
	case !strings.EqualFold(scheme, SchemeServicePrincipal):
		return nil
	}
	switch kind := text(next.parameters(), "authenticationType"); {
	case next.automatic() && !maps.Equal(secrets, n.secrets):
		return badConnection("The credentials of a service connection with the creation mode Automatic are managed by Azure DevOps and cannot be changed.")
	case strings.EqualFold(kind, "spnCertificate") && secrets["serviceprincipalcertificate"] == "":
		return badConnection("The authorization parameter 'servicePrincipalCertificate' is required for the authentication type spnCertificate.")
	case (kind == "" || strings.EqualFold(kind, "spnKey")) && secrets["serviceprincipalkey"] == "":
		return badConnection("The authorization parameter 'serviceprincipalkey' is required for the authentication type spnKey.")
	case text(next.parameters(), "serviceprincipalid") == "" || text(next.parameters(), "tenantid") == "":
		return badConnection("The authorization parameters 'serviceprincipalid' and 'tenantid' are required.")
	}
	return nil
}
