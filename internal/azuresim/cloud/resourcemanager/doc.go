// Package resourcemanager answers for management.azure.com as far as vaults need
// it: subscriptions with their resource providers, resource groups, Key Vault's
// control plane with its access policies, role definitions and role assignments. It owns vaults and role
// assignments; the data planes ask it through Vault and Allowed.
//
// It promises that
//
//   - every call is authorized by the actions that its caller's role assignments
//     grant, inherited from wider scopes, conditions included;
//   - a role assignment takes effect, and stops having one, only after a while;
//   - api-version is required and must be one that the resource type knows;
//   - a new vault is provisioned first, a deleted one can be recovered, without its
//     role assignments, or purged.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults
//   - https://learn.microsoft.com/rest/api/authorization/role-assignments
//   - https://learn.microsoft.com/azure/key-vault/general/access-control-default
//   - https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
//   - https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
//   - https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
//
// Where they are silent, these choices were made:
//
//   - A wildcard in an action stands for any characters, but the slashes around
//     it have to be there: vaults/*/read does not grant vaults/read. If Azure is
//     more generous, a caller is only ever refused too much here.
//   - A list at a subscription or group shows what the caller may read below it;
//     who may read nothing at or below gets AuthorizationFailed.
//   - With a principalType the directory is not asked whether the principal
//     exists, which is what that property is for; without one it is.
//   - The same assignment under its own name is 200, under another name
//     RoleAssignmentExists; a name that is taken keeps its principal, role and scope.
//   - Of conditions only the one on assignable roles is understood; any other is
//     refused, rather than ignored.
//   - Adding access policies answers 201 when an identity is new, 200 otherwise.
//   - Access policies take effect at once.
//   - Deleting what is not there is 204, for whoever might have deleted it.
//   - Every provider is registered until Unregister says otherwise; then writes by
//     those who may write are refused with MissingSubscriptionRegistration.
package resourcemanager
