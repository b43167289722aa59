// Package deploymentscripts is Microsoft.Resources/deploymentScripts of the kind
// AzurePowerShell, with the two things that a script needs beside it: the storage
// account that it names (Microsoft.Storage) and the identity that it runs as
// (Microsoft.ManagedIdentity). It is mounted into package resourcemanager.
//
// What scripts do is decided by a seed, a function of the environment that arrived;
// the script's text is kept and shown in State.
//
// It promises that
//
//   - a secure value and a storage key can be read back nowhere; State has their
//     SHA-256;
//   - the identity is user-assigned, exists, and whoever writes the script may
//     assign it (Microsoft.ManagedIdentity/userAssignedIdentities/assign/action);
//   - a storage account is used through its key: where shared keys are blocked the
//     script is accepted, and fails before it runs;
//   - the subscription has registered Microsoft.Storage and
//     Microsoft.ContainerInstance;
//   - refusals of the service itself nest error.error.
//
// Facts come from
//   - https://learn.microsoft.com/rest/api/resources/deployment-scripts
//   - https://learn.microsoft.com/azure/azure-resource-manager/bicep/deployment-script-develop
//   - https://learn.microsoft.com/azure/azure-resource-manager/templates/deployment-script-template
//   - https://learn.microsoft.com/rest/api/storagerp/storage-accounts
//   - https://github.com/Azure/bicep/issues/14325 (shared keys that are blocked)
//
// Where they are silent, these choices were made:
//
//   - A PUT over a script that has not ended is a Conflict. Over one that has, it
//     runs again where anything changed, and changes nothing otherwise.
//   - A script's effect takes place when it starts to run; deleting it earlier keeps
//     it from running.
//   - There are no logs before the script runs.
//   - A name without a storage account is refused: making one on the way is not
//     simulated.
package deploymentscripts
