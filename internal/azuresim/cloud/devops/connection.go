package devops

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// connection is one service connection. document is the whole object as clients
// see it; its secrets are null there and stand in secrets.
type connection struct {
	id        string
	document  map[string]any
	secrets   map[string]string // by name of the parameter
	writes    int
	readyAt   time.Time
	failsWith string          // what the next change ends with, or empty
	failed    string          // what the last change ended with, or empty
	roles     map[string]Role // at the connection, by object id
	orgRoles  map[string]Role // at the level of the organization
}

// The schemes of connections of type azurerm.
const (
	SchemeServicePrincipal = "ServicePrincipal"
	SchemeFederation       = "WorkloadIdentityFederation"
)

// secretNames are the parameters that are never read back, in lower case.
func secretNames() []string {
	return []string{"serviceprincipalkey", "serviceprincipalcertificate", "password", "apitoken", "accesstoken", "certificate"}
}

func isSecret(parameter string) bool {
	return slices.Contains(secretNames(), strings.ToLower(parameter))
}

// object returns a property that is an object, or an empty one.
func object(document map[string]any, name string) map[string]any {
	inner, _ := document[name].(map[string]any)
	if inner == nil {
		return map[string]any{}
	}
	return inner
}

// text returns a property that is a string, whatever the case of its name.
func text(document map[string]any, name string) string {
	for key, value := range document {
		if strings.EqualFold(key, name) {
			found, _ := value.(string)
			return found
		}
	}
	return ""
}

func (n *connection) authorization() map[string]any { return object(n.document, "authorization") }

func (n *connection) parameters() map[string]any { return object(n.authorization(), "parameters") }

func (n *connection) scheme() string { return text(n.authorization(), "scheme") }

func (n *connection) automatic() bool {
	return strings.EqualFold(text(object(n.document, "data"), "creationMode"), "Automatic")
}

// projectsOf lists the ids of the projects that refer to the connection.
func projectsOf(document map[string]any) (ids []string) {
	references, _ := document["serviceEndpointProjectReferences"].([]any)
	for _, reference := range references {
		inner, _ := reference.(map[string]any)
		ids = append(ids, strings.ToLower(text(object(inner, "projectReference"), "id")))
	}
	return ids
}

func (n *connection) isShared() bool { return len(projectsOf(n.document)) > 1 }

func (n *connection) in(p *project) bool { return slices.Contains(projectsOf(n.document), p.id) }

// state is what operationStatus says now.
func (n *connection) state(now time.Time) (state, message string) {
	switch {
	case now.Before(n.readyAt):
		return "InProgress", ""
	case n.failed != "":
		return "Failed", n.failed
	}
	return "Ready", ""
}

// show returns the object as it is read, without details what a list has of it.
func (n *connection) show(now time.Time, details bool) map[string]any {
	shown := maps.Clone(n.document)
	state, message := n.state(now)
	shown["isReady"] = state == "Ready"
	shown["isShared"] = n.isShared()
	shown["operationStatus"] = map[string]any{"state": state, "statusMessage": message}
	if details {
		return shown
	}
	authorization := maps.Clone(n.authorization())
	parameters := maps.Clone(n.parameters())
	maps.DeleteFunc(parameters, func(name string, _ any) bool { return isSecret(name) })
	authorization["parameters"] = parameters
	shown["authorization"] = authorization
	return shown
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
