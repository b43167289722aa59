package connections

import (
	"maps"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// The audiences of the connectors' own services.
const (
	outlookAudience    = "https://outlook.office365.com"
	sharePointAudience = "00000003-0000-0ff1-ce00-000000000000"
)

const testConnection = "testconnection"

// managedAPIs are the connectors that every subscription has in every location.
func managedAPIs() []*Connector {
	return []*Connector{
		{
			Name: "office365", DisplayName: "Office 365 Outlook", Resource: outlookAudience, TestPath: testConnection,
			Parameters: servicePrincipal("office365certificate", outlookAudience, "token:clientId", "token:clientSecret", "token:TenantId"),
		},
		{
			Name: "azuread", DisplayName: "Microsoft Entra ID", Resource: entra.GraphAudience, TestPath: testConnection,
			Parameters: servicePrincipal("aadcertificate", entra.GraphAudience, "token:clientId", "token:clientSecret", "token:tenantId"),
		},
		{
			Name: "webcontents", DisplayName: "HTTP with Microsoft Entra ID", Resource: entra.GraphAudience, TestPath: testConnection,
			Parameters: with(servicePrincipal("aadcertificate", entra.GraphAudience, "token:clientId", "token:clientSecret", "token:TenantId"),
				"baseResourceUrl", Parameter{Type: "string", Required: true}),
		},
		{
			Name: "sharepointonline", DisplayName: "SharePoint", Resource: sharePointAudience, TestPath: testConnection,
			Sets: []ParameterSet{
				{"oauthSP", with(secretSet("token:clientId", "token:TenantId"), "token:grantType", Parameter{Type: "string"})},
				{"certOauth", certificateSet("token:clientId", "token:TenantId")},
			},
		},
		{
			Name: "teams", DisplayName: "Microsoft Teams", Resource: entra.GraphAudience, TestPath: "beta/me/teamwork",
			Sets: []ParameterSet{
				{"oauth", map[string]Parameter{"token": oauth("aad", entra.GraphAudience)}},
				{"oauthSP", secretSet("token:clientId", "token:tenantId")},
			},
		},
		{
			Name: "azureblob", DisplayName: "Azure Blob Storage", Resource: entra.StorageAudience, Alternative: true, TestPath: testConnection,
			Sets: []ParameterSet{
				{"keyBasedAuth", map[string]Parameter{"accountName": {Type: "string", Required: true}, "accessKey": {Type: "securestring"}}},
				{"certOauth", certificateSet("token:clientId", "token:TenantId")},
				{"managedIdentityAuth", map[string]Parameter{"token": {Type: "managedIdentity"}}},
			},
		},
	}
}

func oauth(provider, resource string) Parameter {
	return Parameter{Type: "oauthSetting", OAuth: map[string]any{
		"identityProvider": provider, "scopes": []any{}, "redirectUrl": "https://global.consent.azure-apim.net/redirect/" + provider,
		"properties":       map[string]any{"IsFirstParty": "True", "AzureActiveDirectoryResourceId": resource},
		"customParameters": map[string]any{"tenantId": map[string]any{}},
	}}
}

// servicePrincipal is how connectors without parameter sets take client credentials.
func servicePrincipal(provider, resource, client, secret, tenant string) map[string]Parameter {
	return map[string]Parameter{
		"token": oauth(provider, resource), client: {Type: "string"}, secret: {Type: "securestring"}, tenant: {Type: "string"},
		"token:resourceUri": {Type: "string"}, "token:grantType": {Type: "string"},
	}
}

func secretSet(client, tenant string) map[string]Parameter {
	return map[string]Parameter{
		client: {Type: "string", Required: true}, "token:clientSecret": {Type: "securestring", Required: true}, tenant: {Type: "string", Required: true},
	}
}

func certificateSet(client, tenant string) map[string]Parameter {
	return map[string]Parameter{
		client: {Type: "string", Required: true}, "token:clientCertificateSecret": {Type: "clientCertificate", Required: true}, tenant: {Type: "string", Required: true},
	}
}

func with(parameters map[string]Parameter, name string, p Parameter) map[string]Parameter {
	parameters = maps.Clone(parameters)
	parameters[name] = p
	return parameters
}
