package entra

import (
	"context"

	"github.com/google/uuid"
	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// ReplaceKeys sets the whole list of certificates. An entry that is there already
// is named by its key id and sent without its key, which Graph then keeps.
// https://learn.microsoft.com/graph/api/application-update
// https://learn.microsoft.com/graph/applications-how-to-add-certificate
func (c *Client) ReplaceKeys(ctx context.Context, objectID string, keys []engine.DirectoryCredential) error {
	wanted := make([]models.KeyCredentialable, 0, len(keys))
	for _, key := range keys {
		entry, err := keyCredential(key)
		if err != nil {
			return rotation.Permanently("graph: replace the certificates of %q: key id %q is not a GUID", objectID, key.KeyID)
		}
		wanted = append(wanted, entry)
	}
	body := models.NewApplication()
	body.SetOdataType(nil) // Graph knows what it is, and some of its versions refuse to be told
	body.SetKeyCredentials(wanted)
	if _, err := c.application(objectID).Patch(ctx, body, nil); err != nil {
		return fault("replace the certificates of", objectID, err)
	}
	return nil
}

// keyType is the only type of a certificate's public part.
// https://learn.microsoft.com/graph/api/resources/keycredential
const keyType = "AsymmetricX509Cert"

func keyCredential(key engine.DirectoryCredential) (models.KeyCredentialable, error) {
	id, err := uuid.Parse(key.KeyID)
	if err != nil {
		return nil, err
	}
	entry := models.NewKeyCredential()
	entry.SetKeyId(&id)
	entry.SetTypeEscaped(new(keyType))
	entry.SetUsage(optional(key.Usage))
	entry.SetDisplayName(optional(key.DisplayName))
	entry.SetStartDateTime(optional(key.Start.UTC()))
	entry.SetEndDateTime(optional(key.End.UTC()))
	entry.SetCustomKeyIdentifier(key.Identifier)
	entry.SetKey(key.Certificate)
	return entry, nil
}

func keyOf(k models.KeyCredentialable) engine.DirectoryCredential {
	key := engine.DirectoryCredential{
		DisplayName: value(k.GetDisplayName()), Usage: value(k.GetUsage()), Identifier: k.GetCustomKeyIdentifier(),
		Start: value(k.GetStartDateTime()), End: value(k.GetEndDateTime()), Certificate: k.GetKey(),
	}
	if id := k.GetKeyId(); id != nil {
		key.KeyID = id.String()
	}
	return key
}

// optional leaves a zero value out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
