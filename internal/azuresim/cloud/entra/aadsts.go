package entra

import (
	"fmt"
	"net/http"
	"time"
)

// One function for each code that the token endpoint answers with.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes

func unknownInstance() *refusal {
	return &refusal{http.StatusBadRequest, "invalid_instance", 50049, "Unknown or invalid instance."}
}

func unknownTenant(tenant string) *refusal {
	return invalidRequest(90002, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. "+
		"Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", tenant)
}

func missingParameter(name string) *refusal {
	return invalidRequest(900144, "The request body must contain the following parameter: '%s'.", name)
}

func duplicateParameter(name string) *refusal {
	return invalidRequest(9000411, "The request is not properly formatted. The parameter '%s' is duplicated.", name)
}

func unsupportedGrant(grantType string) *refusal {
	return &refusal{http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '" + grantType + "'."}
}

func missingCredential() *refusal {
	return invalidClient(7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
}

func invalidScope(scope string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid. The scope " + scope +
		" is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."}
}

func unknownResource(resource, tenant string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_resource", 500011, fmt.Sprintf("The resource principal named %s was not found in the tenant named %s. "+
		"This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. "+
		"You might have sent your authentication request to the wrong tenant.", resource, tenant)}
}

func unknownApplication(appID, tenant string) *refusal {
	return unauthorizedClient(700016, "Application with identifier '%s' was not found in the directory '%s'. "+
		"This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. "+
		"You may have sent your authentication request to the wrong tenant.", appID, tenant)
}

func missingPrincipal(appID, tenant string) *refusal {
	return invalidClient(7000229, "The client application %s is missing service principal in the tenant %s. "+
		"See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119", appID, tenant)
}

func disabledApplication(appID, name string) *refusal {
	return unauthorizedClient(7000112, "Application '%s'(%s) is disabled.", appID, name)
}

func wrongSecret(appID string) *refusal {
	return invalidClient(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "+
		"not the client secret ID, for a secret added to app '%s'.", appID)
}

func expiredSecret(appID string) *refusal {
	return invalidClient(7000222, "The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app: "+
		"https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.", appID)
}

func malformedAssertion() *refusal {
	return invalidRequest(50027, "JWT token is invalid or malformed.")
}

func wrongKey(appID, reason string) *refusal {
	return invalidClient(700027, "The certificate with identifier used to sign the client assertion is not registered on application. "+
		"[Reason - %s, Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '%s'.]", reason, appID)
}

func wrongAssertionClient() *refusal {
	return invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
}

func wrongAssertionAudience() *refusal {
	return invalidClient(700023, "Client assertion audience claim does not match Realm issuer.")
}

func untimelyAssertion(now, from, until time.Time) *refusal {
	return invalidClient(700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s.",
		now.UTC().Format(time.RFC3339), from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339))
}

// blockedByPolicy has the OAuth error of the one public body that shows it; the
// one for service principals is not documented.
func blockedByPolicy() *refusal {
	return &refusal{http.StatusBadRequest, "interaction_required", 53003,
		"Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."}
}
