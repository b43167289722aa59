package nearexpiry

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/eventgrid/azsystemevents"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// The event types that say that something nears its end. The schema is at
// https://learn.microsoft.com/azure/event-grid/event-schema-key-vault
var kinds = map[string]rotation.Kind{
	azsystemevents.TypeKeyVaultSecretNearExpiry:      rotation.Secret,
	azsystemevents.TypeKeyVaultSecretExpired:         rotation.Secret,
	azsystemevents.TypeKeyVaultCertificateNearExpiry: rotation.Certificate,
	azsystemevents.TypeKeyVaultCertificateExpired:    rotation.Certificate,
}

// object is the Key Vault object that an event is about.
type object struct {
	Vault, Name, Version string
}

// parseData reads an event's data. One of Microsoft's own samples has a key with
// a trailing space, so keys are compared without spaces around them.
func parseData(data json.RawMessage) (object, error) {
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		return object{}, fmt.Errorf("data: must be an object: %w", err)
	}
	text := map[string]string{}
	for key, value := range raw {
		if s, ok := value.(string); ok {
			text[strings.ToLower(strings.TrimSpace(key))] = s
		}
	}
	o := object{text["vaultname"], text["objectname"], text["version"]}
	if o.Vault == "" || o.Name == "" || o.Version == "" {
		return o, fmt.Errorf("data: VaultName, ObjectName and Version must be given")
	}
	return o, nil
}
