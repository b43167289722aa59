// Package connections answers for API connections, the resource provider
// Microsoft.Web as far as Logic Apps use it: connections, the managed APIs of a
// location and custom APIs. resourcemanager.Service.Mount puts it below
// management.azure.com.
//
// It promises that
//
//   - a PUT replaces the whole connection, the values of its parameters included,
//     and that a secret value is never read back, not even by its owner;
//   - a parameter's name has to be spelled as its connector spells it:
//     token:clientId at one is token:ClientId at another;
//   - a connection's status is what Entra says: its client credentials, a secret or
//     a certificate, are presented to the token endpoint of the simulated tenant;
//   - a test link presents them again, so a credential that was removed meanwhile
//     breaks the test although the status still says Connected;
//   - api-version, permission and resource group are checked for every call.
//
// Facts come from
//   - https://github.com/Azure/azure-rest-api-specs/tree/main/specification/web/resource-manager/Microsoft.Web/stable/2016-06-01
//   - https://github.com/Azure/LogicAppsUX (what the portal's designer sends, reads
//     and filters by; the certificate parameter's shape)
//   - https://learn.microsoft.com/connectors/connector-reference (authentication
//     types, among them CertOauth with a parameter of the type clientCertificate)
//   - https://github.com/Azure/terraform-provider-azapi/issues/742 (a flat
//     parameterValueSet)
//   - https://github.com/Azure/logicapps/issues/402 (ParameterNotDefined)
//   - https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/integration#logic-app-contributor
//
// Where they are silent, these choices were made:
//
//   - The connectors' shapes are the published ones; which connector of the catalog
//     has which of them was chosen so that every shape occurs.
//   - The values of a parameter set are read back in parameterValueSet as they were
//     written, without the secret ones; a plain connection's in
//     nonSecretParameterValues.
//   - A status that is not Connected is found out anew whenever somebody looks; until
//     Options.StatusDelay after a write it is Error with the code Unauthenticated.
//   - An error of a status has code and message in itself, not below properties.
//   - Properties that nobody knows are kept and read back.
//   - A connection without a kind is of the kind V1.
//   - A user's consent survives a PUT that has the same connector and no parameters.
//   - A test link needs the permission to read the connection. A custom API has to be
//     joined to be used, as https://aka.ms/linkedauthorization describes; managed ones
//     have not, because Logic App Contributor could use none otherwise.
//   - Lists have a nextLink where there is more, as all of Resource Manager's lists do.
package connections
