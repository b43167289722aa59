// Package keyvault answers for the data plane of Azure Key Vault: every host
// under vault.azure.net. It holds the objects of the vaults; the vaults
// themselves, their access policies and the role assignments belong to Resource
// Manager, which is asked through Access on every call.
//
// It promises what the REST reference and the error pages say:
//
//   - an unauthenticated call gets the 401 challenge, whatever it asks for;
//   - every call is authorized by itself, by role or by access policy;
//   - deletion is always soft, and both deletion and recovery take a moment;
//   - every write of a secret and every import of a certificate is a new version,
//     and events follow its life;
//   - what a certificate holds is the value of a secret with its name and version,
//     which only the certificate's operations change;
//   - the limits on names, values, tags, pages and rates are enforced.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/keyvault/secrets
//   - https://learn.microsoft.com/rest/api/keyvault/certificates
//   - https://learn.microsoft.com/azure/key-vault/certificates/about-certificates
//   - https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
//   - https://learn.microsoft.com/azure/key-vault/general/service-limits
//   - https://learn.microsoft.com/azure/key-vault/general/rbac-guide
//   - https://learn.microsoft.com/azure/event-grid/event-schema-key-vault
//
// Where they are silent, these choices were made:
//
//   - A host whose vault does not exist, is deleted or still registers its DNS
//     name has no address in Azure, so an SDK sees a transport error and retries
//     it. Here the connection is cut without an answer, which is the same to it.
//   - The token is checked before the api-version, the firewall after the token
//     (its refusal names the caller), permissions before the request's content.
//   - A certificate is imported, not made: there are no issuers, no pending
//     requests, no contacts and no renewal, and its key cannot be used here.
//   - A certificate and a secret of one name meet 409; changing the secret of a
//     certificate by itself meets 403. Lists of secrets show it
//     as managed, and it has no tags.
//   - An import raises the certificate's event alone, and counts as a creation.
//   - nbf and exp are those of the certificate, whatever a request says.
//   - The key of a certificate that is not exportable is missing in its secret.
//   - A secret that is being deleted or recovered does not exist for reads; a
//     write, recovery or purge meets 409 with the matching inner code.
//   - Versions are listed by identifier, which is not the order of creation.
//   - Names are matched without case and shown as they were first written.
//   - NBF and EXP of events are numbers or null, as the schema says, although
//     the published examples show strings.
//   - Both expiry events go only to subscriptions older than the version, and
//     only while the version is the current one of a secret that is not deleted.
package keyvault
