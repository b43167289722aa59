// Package devops answers for dev.azure.com and app.vssps.visualstudio.com: the
// organizations, projects and service connections of Azure DevOps as far as
// somebody needs them who changes the credential of a service connection. In the
// REST API a service connection is a service endpoint.
//
// It promises that
//
//   - a call without a good token meets the sign-in page: 203 with HTML, a
//     redirect for a browser, 401 for whoever sends X-TFS-FedAuthRedirect: Suppress;
//   - an organization lets in its members alone, and only principals of the tenant
//     that it is connected to, which X-VSS-ResourceTenant names on every answer;
//   - a connection is seen by its readers, tested by its users and written by its
//     administrators; one that several projects share needs an administrator at the
//     level of the organization;
//   - a write replaces the whole object: what is left out is gone, what nobody
//     knows is kept, and secrets are never read back;
//   - a connection that was created automatically refuses another credential, and
//     one with workload identity federation takes none;
//   - TestConnection really signs in at the directory, with the secret or with an
//     assertion that the certificate's key signs;
//   - a changed connection is ready only after a while, lists hide it until then,
//     and answers ask to slow down before calls are refused.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/azure/devops/serviceendpoint
//   - https://learn.microsoft.com/rest/api/azure/devops/core/projects
//   - https://learn.microsoft.com/rest/api/azure/devops/profile
//   - https://learn.microsoft.com/rest/api/azure/devops/account
//   - https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits
//   - https://learn.microsoft.com/azure/devops/pipelines/policies/permissions
//   - https://github.com/microsoft/azure-devops-go-api, whose client discovers
//     where everything is by OPTIONS and resource areas
//
// Where they are silent, these choices were made:
//
//   - A connection that does not exist, or that the caller may not see or may not
//     do actionFilter with, is 200 with the body null, as clients expect it; a
//     write to one that the caller may not see is 404.
//   - A secret that is null in a write, or in the details of a test, stays what it
//     is, because that is how it was read; one that is left out is gone.
//   - While a change is being processed, the next one is refused with 409.
//   - Type and owner of a connection cannot change; its url can.
//   - An organization that does not exist is 404 with a page, not with JSON.
//   - Of the rate only calls count: so many in five minutes pass, as many again
//     pass with Retry-After, and the rest is 429.
//   - What a principal's profile is, is documented for users only. Here those of
//     an organization have one; Options.NoProfiles takes it away.
//   - TestConnection of a connection of type azurerm asks for a token and does not
//     go on to list the subscription.
//
// Connections are neither created, shared nor deleted through the API.
package devops
