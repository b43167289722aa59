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

// ownerType is a directoryObject that is a user or a service principal: what either
// has can be selected.
var ownerType = entityType{name: "directoryObject", set: "directoryObjects", properties: []string{
	"id", "deletedDateTime", "displayName", "userPrincipalName", "mail", "appId", "servicePrincipalType",
}}

var federatedType = entityType{name: "federatedIdentityCredential", set: "federatedIdentityCredentials", properties: []string{
	"id", "name", "issuer", "subject", "description", "audiences", "claimsMatchingExpression",
}}

var signInType = entityType{name: "appCredentialSignInActivity", set: "reports/appCredentialSignInActivities", properties: []string{
	"id", "appId", "appObjectId", "createdDateTime", "credentialOrigin", "expirationDateTime", "keyId", "keyType",
	"keyUsage", "resourceId", "servicePrincipalObjectId", "signInActivity",
}}
