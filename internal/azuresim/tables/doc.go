// Package tables is Table Storage on this machine: its REST protocol under the
// account, key and path style of Azurite, in memory, for any SDK or plain HTTP.
//
// It promises what the REST reference says:
//
//   - every request is signed with Shared Key or Shared Key Lite, and verified;
//   - rows have an ETag that changes with every write, and conditions are obeyed:
//     of writers who race with one ETag, one wins;
//   - an entity group transaction happens as a whole or not at all;
//   - filters compare strictly by type, pages hold 1,000 rows, rows are sorted;
//   - the limits on keys, names, properties, entities and batches are enforced;
//   - a query touches only rows within the key bounds its filter implies, and
//     writers to one partition do not wait for another.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/storageservices/table-service-rest-api
//   - https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
//   - https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
//   - https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
//   - https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
//   - https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes
//
// Where they are silent, these choices were made:
//
//   - The date of a request is held against the wall clock, because SDKs sign with
//     it; Timestamps and ETags show simulated time.
//   - Keys in the body of an update are ignored: the address names the row.
//   - A number without a type is an Edm.Int32 if it is whole and fits, otherwise
//     an Edm.Double, as OData's JSON reader decides.
//   - Properties that $select names and the row lacks are null, as the service
//     answers and Azurite does not.
//   - A continuation always leads to at least one more row.
//   - An oversized key is refused with KeyValueTooLarge, a batch that is no valid
//     multipart with InvalidInput.
//   - A deleted table's name is free at once; the service keeps it for a while.
//   - JSON only, as from version 2015-12-11 on: Atom is refused.
//   - Shared access signatures, bearer tokens, access policies, service properties
//     and queries inside a batch are not answered.
package tables
