package rotation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

func TestATemplateIsFilled(t *testing.T) {
	d := rotation.Delivery{
		Application: rotation.Application{AppID: "app"}, TenantID: "tenant",
		Credential: rotation.Credential{KeyID: "key"},
	}
	// What a placeholder brings is not read again.
	filled := d.Fill(`{"id":"{{clientId}}","tenant":"{{tenantId}}","key":"{{keyId}}","secret":"{{credential}}"}`, secret.New("{{keyId}}"))
	assert.Equal(t, `{"id":"app","tenant":"tenant","key":"key","secret":"{{keyId}}"}`, filled.Reveal())
}

func TestAnUnknownPlaceholderIsNamed(t *testing.T) {
	assert.NoError(t, rotation.CheckTemplate("{{credential}} for {{clientId}} of {{tenantId}}, {{keyId}} {x}"))
	assert.EqualError(t, rotation.CheckTemplate("{{credential}}{{password}}"),
		"{{password}} is not a placeholder: those are {{credential}}, {{clientId}}, {{tenantId}} and {{keyId}}")
}
