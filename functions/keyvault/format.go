package keyvault

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/certificate"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// Format is how a vault keeps a certificate.
type Format string

// The formats. A PFX is imported as a certificate of the vault; the others are
// secrets, with the private key and without it.
const (
	FormatPFX Format = "pfx"
	FormatPEM Format = "pem"
	FormatCER Format = "cer"
)

// asCertificate reports whether the target is a certificate of the vault, not a secret.
func (s Settings) asCertificate() bool { return s.Format == FormatPFX }

// noun is what the target is.
func (s Settings) noun() string {
	if s.asCertificate() {
		return "certificate"
	}
	return "secret"
}

// longestTemplate leaves room for a certificate in what a secret can hold, 25 KB.
// https://learn.microsoft.com/azure/key-vault/secrets/about-secrets
const longestTemplate = 10_000

// checkContent reports what is wrong with format and template.
func (s Settings) checkContent(kind rotation.Kind, wrong func(field, detail string)) {
	switch {
	case kind != rotation.Certificate && s.Format != "":
		wrong("format", `is for targets of the kind "certificate"`)
	case kind == rotation.Certificate && s.Format != FormatPFX && s.Format != FormatPEM && s.Format != FormatCER:
		wrong("format", `must be "pfx", "pem" or "cer"`)
	}
	if s.Template == "" {
		return
	}
	if err := rotation.CheckTemplate(s.Template); err != nil {
		wrong("template", err.Error())
	}
	switch {
	case s.asCertificate():
		wrong("template", `is for secrets: a certificate is one in the format "pem" or "cer"`)
	case !strings.Contains(s.Template, rotation.PlaceCredential):
		wrong("template", "must contain "+rotation.PlaceCredential)
	case len(s.Template) > longestTemplate:
		wrong("template", fmt.Sprintf("must have at most %d characters", longestTemplate))
	}
}

// The content types of secrets.
const (
	typeText = "text/plain"
	typeJSON = "application/json"
	typePEM  = "application/x-pem-file"
)

// text is what the target's secret is to hold.
func (s Settings) text(d rotation.Delivery) (value secret.Value, contentType string, err error) {
	value, contentType = d.Credential.Value, typeText
	if s.Format == FormatPEM || s.Format == FormatCER {
		contentType = typePEM
	}
	if s.Format == FormatCER {
		pair, err := certificate.Parse(value)
		if err != nil {
			return value, "", rotation.Permanently("keyvault: the credential of %s: %w", d.Credential.Rotation, err)
		}
		value = secret.New(pair.CER())
	}
	switch {
	case s.Template == "":
		return value, contentType, nil
	case json.Valid([]byte(s.Template)):
		return d.Fill(s.Template, inJSON(value)), typeJSON, nil
	}
	return d.Fill(s.Template, value), typeText, nil
}

// inJSON spells a value as it stands between the quotes of a JSON string: a
// template that is JSON is to stay that.
func inJSON(value secret.Value) secret.Value {
	quoted, err := json.Marshal(value.Reveal())
	if err != nil {
		return value // strings can always be marshalled
	}
	return secret.New(string(quoted[1 : len(quoted)-1]))
}
