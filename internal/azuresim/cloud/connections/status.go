package connections

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

// status is what a connection says of itself.
type status struct {
	state         string // Connected, Error or Ready
	target        string
	code, message string
}

const (
	connected = "Connected"
	failed    = "Error"
	ready     = "Ready" // for whoever's managed identity comes
)

func (s status) json() map[string]any {
	shown := map[string]any{"status": s.state}
	if s.state == failed {
		shown["target"], shown["error"] = s.target, map[string]any{"code": s.code, "message": s.message}
	}
	return shown
}

func unauthenticated() status {
	return status{failed, "token", "Unauthenticated", "This connection is not authenticated."}
}

// settle finds out the status of what is not connected yet.
func (s *Service) settle(ctx context.Context, c *connection) {
	if c.status.state == connected {
		return
	}
	if s.clock.Now().Before(c.changed.Add(s.options.StatusDelay)) {
		c.status = unauthenticated()
		return
	}
	c.status = s.judge(ctx, c)
}

// judge decides by the way the connection signs in.
func (s *Service) judge(ctx context.Context, c *connection) status {
	switch {
	case c.managedIdentity():
		return status{state: ready}
	case c.signIn.form == flat:
		return unauthenticated()
	case c.lacks() != "":
		return status{failed, c.lacks(), "ParameterMissing", "The value of parameter '" + c.lacks() + "' is missing."}
	case c.usesClientCredentials():
		return s.signedIn(ctx, c)
	case c.parameters()["token"].Type == "oauthSetting":
		return unauthenticated()
	}
	return status{state: connected}
}

// lacks returns the first required parameter without a value, or nothing.
func (c *connection) lacks() string {
	parameters := c.parameters()
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if parameters[name].Required && c.signIn.values[name] == nil {
			return name
		}
	}
	return ""
}

func (c *connection) usesClientCredentials() bool {
	grant := text(c.signIn.values, "token:grantType")
	return text(c.signIn.values, "token:clientId") != "" && (grant == "" || grant == "client_credentials")
}

// signedIn gets a token from Entra with the connection's client credentials.
func (s *Service) signedIn(ctx context.Context, c *connection) status {
	refusal := s.prove(ctx, c)
	if refusal == "" {
		return status{state: connected}
	}
	return status{failed, "token", "Unauthorized", "Failed to refresh access token for service: " + c.connector.Name +
		". Correlation Id=" + uuid.NewString() + ", UTC TimeStamp=" + stamp(s.clock.Now()) + ", Error: Failed to acquire token from AAD: " + refusal}
}

// testConnection answers a test link as the connector's own service would: with
// a token it is content, without one it is not.
func (s *Service) testConnection(r *resourcemanager.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.opened(r)
	if err != nil {
		return 0, nil, err
	}
	if found.connector.TestPath == "" || !strings.HasSuffix(r.URL.Path, "/"+found.connector.TestPath) {
		return 0, nil, resourcemanager.Refuse(http.StatusNotFound, "NotFound", "The API '%s' has no such operation.", found.connector.Name)
	}
	if found.testStatus != 0 {
		return 0, nil, resourcemanager.Refuse(found.testStatus, http.StatusText(found.testStatus), "The service behind API '%s' refused the test.", found.connector.Name)
	}
	if found.usesClientCredentials() {
		found.status = s.signedIn(r.Context(), found)
	}
	s.settle(r.Context(), found)
	if found.status.state == failed {
		return 0, nil, resourcemanager.Refuse(http.StatusUnauthorized, found.status.code, "%s", found.status.message)
	}
	return http.StatusOK, map[string]any{}, nil
}
