package keyvault

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func FuzzATemplateThatIsJSONStaysJSON(f *testing.F) {
	f.Add(`{"secret":"{{credential}}","id":"{{clientId}}"}`, "a \"quoted\"\nvalue\\")
	f.Add(`["{{credential}}{{credential}}"]`, "\x00\xff<&>")
	f.Add(`"{{tenantId}}"`, "")
	f.Add(`{{credential}}`, `{"a":1}`)
	f.Fuzz(func(t *testing.T, template, credential string) {
		d := rotation.Delivery{TenantID: "tenant", Application: rotation.Application{AppID: "app"},
			Credential: rotation.Credential{KeyID: "key", Value: secret.New(credential)}}
		value, contentType, err := Settings{Template: template}.text(d)
		require.NoError(t, err)
		asJSON := template != "" && json.Valid([]byte(template))
		assert.Equal(t, asJSON, contentType == typeJSON)
		if asJSON {
			assert.True(t, json.Valid([]byte(value.Reveal())))
		} else if template == "{{credential}}" {
			assert.Equal(t, credential, value.Reveal())
		}
	})
}
