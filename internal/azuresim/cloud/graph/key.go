package graph

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

type keyCredential struct {
	CustomKeyIdentifier *string    `json:"customKeyIdentifier"`
	DisplayName         *string    `json:"displayName"`
	StartDateTime       *time.Time `json:"startDateTime"`
	EndDateTime         *time.Time `json:"endDateTime"`
	Key                 *string    `json:"key"`
	KeyID               *string    `json:"keyId"`
	Type                *string    `json:"type"`
	Usage               *string    `json:"usage"`
}

// keyring is what a list of certificates is replaced under.
type keyring struct {
	existing []entra.Key
	policy   Policy
	now      time.Time
}

// replace turns the list in a PATCH into the new list. An entry that names an
// existing one by keyId keeps it, whatever else it says; what is not in the list
// goes. https://github.com/microsoftgraph/microsoft-graph-docs/issues/3579
func (k keyring) replace(raw rawObject) ([]entra.Key, error) {
	var entries []rawObject
	if json.Unmarshal(raw, &entries) != nil || entries == nil {
		return nil, mismatch()
	}
	keys := make([]entra.Key, 0, len(entries))
	for _, entry := range entries {
		var wanted keyCredential
		if decode(entry, &wanted) != nil {
			return nil, mismatch()
		}
		key, err := k.resolve(wanted)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(other entra.Key) bool { return other.KeyID == key.KeyID }) {
			return nil, badRequest("Request_BadRequest", "The keyId '"+key.KeyID+"' occurs more than once.")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func mismatch() *problem {
	return badRequest("BadRequest", "Property keyCredentials in payload has a value that does not match schema.")
}

// resolve finds the certificate that an entry means, or makes the one it brings.
func (k keyring) resolve(wanted keyCredential) (entra.Key, error) {
	var der []byte
	if wanted.Key != nil {
		var err error
		if der, err = base64.StdEncoding.DecodeString(*wanted.Key); err != nil {
			return entra.Key{}, mismatch()
		}
	}
	for _, existing := range k.existing {
		if !strings.EqualFold(existing.KeyID, value(wanted.KeyID)) {
			continue
		}
		if der != nil && !bytes.Equal(der, existing.Certificate.Raw) {
			return existing, badRequest("Request_BadRequest", "Update to existing credential with KeyId '"+existing.KeyID+"' is not allowed.")
		}
		return existing, nil
	}
	if len(der) == 0 {
		return entra.Key{}, badRequest("Request_BadRequest", "A new key credential needs a value for the property \"key\".")
	}
	return k.register(wanted, der)
}

// register checks a new certificate.
func (k keyring) register(wanted keyCredential, der []byte) (entra.Key, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return entra.Key{}, badRequest("Request_BadRequest", "The value of the property \"key\" in one of your credentials is not a valid X.509 certificate.")
	}
	key := entra.NewKey(certificate)
	if err := wanted.describe(&key); err != nil {
		return key, err
	}
	if key.Start.Before(certificate.NotBefore) {
		return key, badRequest("KeyCredentialsInvalidStartDate", "Key credential start date is invalid.")
	}
	if key.End.After(certificate.NotAfter) || !key.End.After(key.Start) || !key.End.After(k.now) {
		return key, badRequest("KeyCredentialsInvalidEndDate", "Key credential end date is invalid.")
	}
	return key, k.policy.allowKey(key.Start, key.End)
}

// describe takes over what an entry says of its certificate.
func (w keyCredential) describe(key *entra.Key) error {
	if usage := value(w.Usage); usage != "Verify" && usage != "Sign" {
		return badRequest("Request_BadRequest", `The value for the property "usage" in one of your credentials is invalid. Acceptable values are Sign, Verify.`)
	}
	if value(w.Type) != "AsymmetricX509Cert" {
		return badRequest("Request_BadRequest", `The value for the property "type" in one of your credentials is invalid. Acceptable values are AsymmetricX509Cert.`)
	}
	if w.KeyID != nil && !guid.MatchString(*w.KeyID) {
		return mismatch()
	}
	key.Usage = *w.Usage
	replaceWith(&key.KeyID, w.KeyID)
	replaceWith(&key.DisplayName, w.DisplayName)
	replaceWith(&key.CustomKeyIdentifier, w.CustomKeyIdentifier)
	replaceWith(&key.Start, w.StartDateTime)
	replaceWith(&key.End, w.EndDateTime)
	key.Start, key.End = ticks(key.Start), ticks(key.End)
	return nil
}

func replaceWith[T any](current *T, wanted *T) {
	if wanted != nil {
		*current = *wanted
	}
}
