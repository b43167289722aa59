package rotation

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/secret"
)

// A template is what a place receives where it wants more than the credential
// alone: text with placeholders in double braces.
const (
	PlaceCredential = "{{credential}}"
	PlaceClientID   = "{{clientId}}"
	PlaceTenantID   = "{{tenantId}}"
	PlaceKeyID      = "{{keyId}}"
)

var placeholder = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// CheckTemplate says which placeholder of a template does not exist.
func CheckTemplate(template string) error {
	for _, found := range placeholder.FindAllString(template, -1) {
		switch found {
		case PlaceCredential, PlaceClientID, PlaceTenantID, PlaceKeyID:
		default:
			return fmt.Errorf("%s is not a placeholder: those are %s, %s, %s and %s",
				found, PlaceCredential, PlaceClientID, PlaceTenantID, PlaceKeyID)
		}
	}
	return nil
}

// Fill puts a delivery into a template. The credential is given in the form that
// the place wants.
func (d Delivery) Fill(template string, credential secret.Value) secret.Value {
	return secret.New(strings.NewReplacer(
		PlaceCredential, credential.Reveal(),
		PlaceClientID, d.Application.AppID,
		PlaceTenantID, d.TenantID,
		PlaceKeyID, d.Credential.KeyID,
	).Replace(template))
}
