package resourcemanager

import (
	"regexp"
	"strings"
)

// Identifiers of built-in roles.
// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
const (
	Owner                           = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	Contributor                     = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	Reader                          = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	UserAccessAdministrator         = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
	KeyVaultAdministrator           = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
	KeyVaultContributor             = "f25e0fa2-a7c8-4377-a976-54943a77a395"
	KeyVaultReader                  = "21090545-7ca7-4776-b22c-e363652d74d2"
	KeyVaultSecretsOfficer          = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
	KeyVaultSecretsUser             = "4633458b-17de-408a-b874-0445c86b69e6"
	KeyVaultCertificatesOfficer     = "a4417e6f-fecd-4de8-b567-7b0420556985"
	KeyVaultCertificateUser         = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba"
	KeyVaultDataAccessAdministrator = "8b54135c-b56d-4d72-a534-26097cfdc8d8"
	EventGridDataSender             = "d5a91429-5739-47e2-a06b-3470a27159e7"
	LogicAppContributor             = "87a39d53-fc1b-424a-814c-f7e04687dc9e"
)

// permission is what a role grants.
type permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
	Condition      string   `json:"condition,omitempty"`
	ConditionFrom  string   `json:"conditionVersion,omitempty"`
}

type role struct {
	id   string
	name string
	permission
}

var roles = builtInRoles()

func builtInRoles() map[string]role {
	list := []role{
		{id: Owner, name: "Owner", permission: permission{Actions: []string{"*"}}},
		{id: Contributor, name: "Contributor", permission: permission{Actions: []string{"*"}, NotActions: []string{
			"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action",
			"Microsoft.Blueprint/blueprintAssignments/write", "Microsoft.Blueprint/blueprintAssignments/delete",
			"Microsoft.Compute/galleries/share/action", "Microsoft.Purview/consents/write", "Microsoft.Purview/consents/delete"}}},
		{id: Reader, name: "Reader", permission: permission{Actions: []string{"*/read"}}},
		{id: UserAccessAdministrator, name: "User Access Administrator", permission: permission{Actions: []string{
			"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}}},
		{id: KeyVaultContributor, name: "Key Vault Contributor", permission: permission{Actions: []string{
			"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.KeyVault/*",
			"Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*"},
			NotActions: []string{"Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/hsmPools/*", "Microsoft.KeyVault/managedHsms/*"}}},
		{id: KeyVaultAdministrator, name: "Key Vault Administrator", permission: onVaults("Microsoft.KeyVault/vaults/*")},
		{id: KeyVaultReader, name: "Key Vault Reader", permission: onVaults(
			"Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action")},
		{id: KeyVaultSecretsOfficer, name: "Key Vault Secrets Officer", permission: onVaults("Microsoft.KeyVault/vaults/secrets/*")},
		{id: KeyVaultSecretsUser, name: "Key Vault Secrets User", permission: permission{DataActions: []string{
			"Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"}}},
		{id: KeyVaultCertificatesOfficer, name: "Key Vault Certificates Officer", permission: onVaults(
			"Microsoft.KeyVault/vaults/certificatecas/*", "Microsoft.KeyVault/vaults/certificates/*", "Microsoft.KeyVault/vaults/certificatecontacts/write")},
		{id: KeyVaultCertificateUser, name: "Key Vault Certificate User", permission: permission{DataActions: []string{
			"Microsoft.KeyVault/vaults/certificates/read", "Microsoft.KeyVault/vaults/secrets/getSecret/action",
			"Microsoft.KeyVault/vaults/secrets/readMetadata/action", "Microsoft.KeyVault/vaults/keys/read"}}},
		{id: KeyVaultDataAccessAdministrator, name: "Key Vault Data Access Administrator", permission: dataAccess()},
		{id: EventGridDataSender, name: "EventGrid Data Sender", permission: permission{
			Actions: []string{"Microsoft.Authorization/*/read", "Microsoft.Resources/subscriptions/resourceGroups/read",
				"Microsoft.EventGrid/topics/read", "Microsoft.EventGrid/domains/read", "Microsoft.EventGrid/partnerNamespaces/read"},
			DataActions: []string{"Microsoft.EventGrid/events/send/action"}}},
		{id: LogicAppContributor, name: "Logic App Contributor", permission: permission{Actions: []string{
			"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Logic/*", "Microsoft.Resources/deployments/*",
			"Microsoft.Resources/subscriptions/operationresults/read", "Microsoft.Resources/subscriptions/resourceGroups/read",
			"Microsoft.Storage/storageAccounts/listkeys/action", "Microsoft.Storage/storageAccounts/read", "Microsoft.Support/*",
			"Microsoft.Web/connectionGateways/*", "Microsoft.Web/connections/*", "Microsoft.Web/customApis/*",
			"Microsoft.Web/serverFarms/join/action", "Microsoft.Web/serverFarms/read", "Microsoft.Web/sites/functions/listSecrets/action"}}},
	}
	byID := map[string]role{}
	for _, r := range append(list, workRoles()...) {
		byID[r.id] = r
	}
	return byID
}

// onVaults is what the roles for a vault's objects share, with their data actions.
func onVaults(dataActions ...string) permission {
	return permission{
		Actions: []string{
			"Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",
			"Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*",
			"Microsoft.KeyVault/checkNameAvailability/read", "Microsoft.KeyVault/deletedVaults/read",
			"Microsoft.KeyVault/locations/*/read", "Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/operations/read",
		},
		DataActions: dataActions,
	}
}

func dataAccess() permission {
	assignable := strings.Join([]string{KeyVaultAdministrator, KeyVaultCertificatesOfficer,
		"14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "e147488a-f6f5-4113-8e2d-b22465e65bf6", "12338af0-0e69-4776-bea7-57ae8d297424", // Key Vault Crypto *
		KeyVaultReader, KeyVaultSecretsOfficer, KeyVaultSecretsUser}, ", ")
	return permission{
		Actions: []string{
			"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete", "Microsoft.Authorization/*/read",
			"Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/subscriptions/read",
			"Microsoft.Management/managementGroups/read", "Microsoft.Support/*", "Microsoft.KeyVault/vaults/*/read",
		},
		Condition: "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{" + assignable + "}))" +
			" AND ((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{" + assignable + "}))",
		ConditionFrom: "2.0",
	}
}

var (
	guidPattern     = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	assignableRoles = regexp.MustCompile(`(?i)RoleDefinitionId\]\s*ForAnyOfAnyValues:GuidEquals\s*\{([^}]*)\}`)
)

// fulfilled evaluates the one condition that is understood: that the role being
// assigned or removed is among those that the condition lists.
func fulfilled(condition, action, roleID string) bool {
	if condition == "" || !strings.HasPrefix(strings.ToLower(action), "microsoft.authorization/roleassignments/") || strings.HasSuffix(action, "/read") {
		return true
	}
	for _, list := range assignableRoles.FindAllStringSubmatch(condition, -1) {
		if strings.Contains(strings.ToLower(list[1]), strings.ToLower(roleID)) {
			return true
		}
	}
	return false
}
