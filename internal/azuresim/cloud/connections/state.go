package connections

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// State is every connection.
type State struct {
	Connections []ConnectionState `json:"connections"`
}

// ConnectionState is one connection; of its secrets their SHA-256.
type ConnectionState struct {
	ID      string            `json:"id"`
	API     string            `json:"api"`
	Set     string            `json:"set,omitempty"`
	Status  string            `json:"status"`
	Values  map[string]any    `json:"values"`
	Secrets map[string]string `json:"secrets"`
	// Certificates are the SHA-1 thumbprints of certificate parameters.
	Certificates map[string]string `json:"certificates,omitempty"`
}

// State returns what there is, in the order in which it was made, each with the
// status that a reader would see.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Connections: []ConnectionState{}}
	for _, c := range s.connections {
		s.settle(context.Background(), c)
		state.Connections = append(state.Connections, c.stateOf())
	}
	return state
}

func (c *connection) stateOf() ConnectionState {
	state := ConnectionState{
		ID: c.id(), API: c.connector.Name, Set: c.signIn.set, Status: c.status.state,
		Values: map[string]any{}, Secrets: map[string]string{}, Certificates: map[string]string{},
	}
	if c.signIn.form == flat {
		return state
	}
	state.Values = visible(c.signIn.values, c.parameters())
	for name, value := range c.signIn.values {
		if secret, isText := value.(string); isText && c.parameters()[name].secret() {
			sum := sha256.Sum256([]byte(secret))
			state.Secrets[name] = hex.EncodeToString(sum[:])
		}
		if c.parameters()[name].Type == "clientCertificate" {
			state.Certificates[name] = thumbprint(object(value))
		}
	}
	return state
}

// thumbprint is empty for what is no certificate.
func thumbprint(given map[string]any) string {
	pfx, err := base64.StdEncoding.DecodeString(text(given, "pfx"))
	if err != nil {
		return ""
	}
	certificates, _, err := azidentity.ParseCertificates(pfx, []byte(text(given, "password")))
	if err != nil {
		return ""
	}
	return entra.Thumbprint(certificates[0])
}
