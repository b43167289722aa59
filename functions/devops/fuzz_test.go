package devops

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// FuzzConnection changes whatever Azure DevOps might answer.
func FuzzConnection(f *testing.F) {
	const id = `"id":"11111111-2222-4333-8444-555555555555","type":"azurerm"`
	for _, seed := range []string{
		`null`, `{}`, `[]`, `{` + id + `}`, `{` + id + `,"authorization":null}`,
		`{` + id + `,"authorization":{"scheme":"ServicePrincipal","parameters":null},"data":null}`,
		`{` + id + `,"authorization":{"scheme":"ServicePrincipal","parameters":{"serviceprincipalid":"42"}},"data":{"creationMode":"Automatic"},"x":1e400}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		c, ok, err := parseConnection([]byte(answer))
		if err != nil || !ok || c.judge(rotation.Application{AppID: "42"}) != nil {
			return
		}
		body, err := change{c, rotation.Certificate, secret.New("x")}.body()
		require.NoError(t, err)
		for name, value := range c.whole {
			if name != "authorization" && name != "data" {
				assert.Equal(t, string(value), string(body[name]))
			}
		}
		_, err = json.Marshal(body)
		assert.NoError(t, err)
	})
}
