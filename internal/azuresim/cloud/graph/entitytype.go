package graph

import "slices"

// entityType is what the metadata says of a type: the properties that can be
// selected, whether they are simulated or not.
// https://graph.microsoft.com/v1.0/$metadata
type entityType struct {
	name, set  string
	path       string // of a set that is not at the root
	properties []string
}

func (t entityType) knows(property string) bool { return slices.Contains(t.properties, property) }

var applicationType = entityType{name: "application", set: "applications", properties: []string{
	"id", "deletedDateTime", "addIns", "api", "appId", "applicationTemplateId", "appRoles",
	"authenticationBehaviors", "certification", "createdByAppId", "createdDateTime", "defaultRedirectUri",
	"description", "disabledByMicrosoftStatus", "displayName", "groupMembershipClaims", "identifierUris",
	"info", "isDeviceOnlyAuthSupported", "isDisabled", "isFallbackPublicClient", "keyCredentials", "logo",
	"managerApplications", "nativeAuthenticationApisEnabled", "notes", "oauth2RequirePostResponse",
	"optionalClaims", "parentalControlSettings", "passwordCredentials", "publicClient", "publisherDomain",
	"requestSignatureVerification", "requiredResourceAccess", "samlMetadataUrl", "serviceManagementReference",
	"servicePrincipalLockConfiguration", "signInAudience", "spa", "tags", "tokenEncryptionKeyId", "uniqueName",
	"verifiedPublisher", "web",
}}

var servicePrincipalType = entityType{name: "servicePrincipal", set: "servicePrincipals", properties: []string{
	"id", "deletedDateTime", "accountEnabled", "addIns", "alternativeNames", "appDescription", "appDisplayName",
	"appId", "applicationTemplateId", "appOwnerOrganizationId", "appRoleAssignmentRequired", "appRoles",
	"createdByAppId", "createdDateTime", "customSecurityAttributes", "description", "disabledByMicrosoftStatus",
	"displayName", "homepage", "info", "isDisabled", "keyCredentials", "loginUrl", "logoutUrl", "notes",
	"notificationEmailAddresses", "oauth2PermissionScopes", "passwordCredentials", "preferredSingleSignOnMode",
	"preferredTokenSigningKeyThumbprint", "replyUrls", "resourceSpecificApplicationPermissions",
	"samlSingleSignOnSettings", "servicePrincipalNames", "servicePrincipalType", "signInAudience", "tags",
	"tokenEncryptionKeyId", "verifiedPublisher",
}}

// directoryObjectType is what a set of people and service principals has in common.
// What can be selected are the properties of either; those of people are not simulated.
var directoryObjectType = entityType{
	name: "directoryObject", set: "directoryObjects",
	properties: append([]string{"userPrincipalName", "mail"}, servicePrincipalType.properties...),
}
