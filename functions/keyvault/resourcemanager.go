package keyvault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault/v2"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// vaultsVersion is the version of Key Vault's control plane; those before it
// retire on 2027-02-27.
// https://learn.microsoft.com/azure/key-vault/general/access-control-default
const vaultsVersion = "2026-02-01"

// resourceManager is Azure Resource Manager as rekey's own identity sees it.
type resourceManager struct {
	credential azcore.TokenCredential
	options    azcore.ClientOptions

	mu    sync.Mutex
	known map[string]string // resource ids of vaults by lower-case name
}

func newResourceManager(credential azcore.TokenCredential, options azcore.ClientOptions) *resourceManager {
	if options.Retry.MaxRetries == 0 {
		options.Retry = soonOrNever()
	}
	return &resourceManager{credential: credential, options: options, known: map[string]string{}}
}

// soonOrNever tries again what may heal within seconds. Whoever asks for more
// time comes back with the engine, which does not keep an invocation waiting.
func soonOrNever() policy.RetryOptions {
	return policy.RetryOptions{
		MaxRetries: 2, RetryDelay: 300 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
		StatusCodes: []int{
			http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		},
	}
}

// clientOptions never register resource providers: that is not rekey's to do.
func (m *resourceManager) clientOptions(apiVersion string) *arm.ClientOptions {
	options := &arm.ClientOptions{ClientOptions: m.options, DisableRPRegistration: true}
	options.APIVersion = apiVersion
	return options
}

func (m *resourceManager) vaults(subscription string) (*armkeyvault.VaultsClient, error) {
	return armkeyvault.NewVaultsClient(subscription, m.credential, m.clientOptions(vaultsVersion))
}

func (m *resourceManager) roleAssignments(subscription string) (*armauthorization.RoleAssignmentsClient, error) {
	return armauthorization.NewRoleAssignmentsClient(subscription, m.credential, m.clientOptions(""))
}

const scope = "https://management.azure.com/.default"

// self returns the object id of rekey's own principal, from the claim oid of its
// own token: a managed identity cannot look itself up without a permission.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func (m *resourceManager) self(ctx context.Context) (string, error) {
	token, err := m.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return "", &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("keyvault: get rekey's own token: %w", err)}
	}
	objectID, err := objectIDOf(token.Token)
	if err != nil {
		return "", rotation.Permanently("keyvault: read rekey's own token: %w", err)
	}
	return objectID, nil
}

// objectIDOf reads a token without proving it: it came from its issuer just now.
func objectIDOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("it is not a JWT")
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", errors.New("its claims are not base64url")
	}
	var c struct {
		ObjectID string `json:"oid"`
	}
	if err := json.Unmarshal(claims, &c); err != nil || c.ObjectID == "" {
		return "", errors.New(`it has no claim "oid"`)
	}
	return c.ObjectID, nil
}
