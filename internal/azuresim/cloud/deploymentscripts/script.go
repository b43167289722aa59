package deploymentscripts

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/resourcemanager"
)

type script struct {
	id, name   string
	body       scriptJSON // as it was put
	put        string     // the same as text, to tell a change
	storage    *account
	starts     time.Time
	ends       time.Time
	executions int

	ran      bool
	output   string
	exitCode int
}

type scriptJSON struct {
	ID         string            `json:"id,omitempty"`
	Name       string            `json:"name,omitempty"`
	Type       string            `json:"type,omitempty"`
	Kind       string            `json:"kind"`
	Location   string            `json:"location"`
	Tags       map[string]string `json:"tags,omitempty"`
	Identity   *identityJSON     `json:"identity,omitempty"`
	Properties *scriptProperties `json:"properties,omitempty"`
}

type identityJSON struct {
	Type                   string         `json:"type"`
	UserAssignedIdentities map[string]any `json:"userAssignedIdentities,omitempty"`
}

type scriptProperties struct {
	AzPowerShellVersion    string         `json:"azPowerShellVersion,omitempty"`
	ScriptContent          string         `json:"scriptContent,omitempty"`
	Arguments              string         `json:"arguments,omitempty"`
	EnvironmentVariables   []variableJSON `json:"environmentVariables,omitempty"`
	StorageAccountSettings *storageJSON   `json:"storageAccountSettings,omitempty"`
	ForceUpdateTag         string         `json:"forceUpdateTag,omitempty"`
	RetentionInterval      string         `json:"retentionInterval,omitempty"`
	Timeout                string         `json:"timeout,omitempty"`
	CleanupPreference      string         `json:"cleanupPreference,omitempty"`
	ProvisioningState      string         `json:"provisioningState,omitempty"`
	Status                 *statusJSON    `json:"status,omitempty"`
}

type variableJSON struct {
	Name        string  `json:"name"`
	Value       *string `json:"value,omitempty"`
	SecureValue *string `json:"secureValue,omitempty"`
}

type storageJSON struct {
	StorageAccountName string `json:"storageAccountName,omitempty"`
	StorageAccountKey  string `json:"storageAccountKey,omitempty"`
}

type statusJSON struct {
	StorageAccountID string     `json:"storageAccountId,omitempty"`
	StartTime        *time.Time `json:"startTime,omitempty"`
	EndTime          *time.Time `json:"endTime,omitempty"`
	Error            *errorJSON `json:"error,omitempty"`
}

type errorJSON struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func scriptID(r *resourcemanager.Request) string {
	return groupID(r) + "/providers/Microsoft.Resources/deploymentScripts/" + r.Path["script"]
}

// nested is a refusal of the service itself.
func nested(status int, code, format string, args ...any) (int, any, error) {
	inner := errorJSON{code, fmt.Sprintf(format, args...)}
	return status, map[string]any{"error": map[string]any{"error": inner}}, nil
}

// https://learn.microsoft.com/rest/api/resources/deployment-scripts/create
func (s *Service) put(r *resourcemanager.Request) (int, any, error) {
	var body scriptJSON
	if err := r.Decode(&body); err != nil {
		return 0, nil, err
	}
	if err := authorized(r, "Microsoft.Resources/deploymentScripts/write", scriptID(r)); err != nil {
		return 0, nil, err
	}
	for _, namespace := range []string{"Microsoft.ContainerInstance", "Microsoft.Storage"} {
		if err := r.Registered(namespace); err != nil {
			return 0, nil, err
		}
	}
	if wrong := wrongIn(body); wrong != "" {
		return nested(http.StatusBadRequest, "DeploymentScriptInvalidRequest", "%s", wrong)
	}
	if err := s.mayAssign(r, body); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp(r.Now)
	storage, code := s.storageOf(*body.Properties.StorageAccountSettings)
	if code != "" {
		return nested(http.StatusBadRequest, code, "The storage account '%s' cannot be used for the deployment script.", body.Properties.StorageAccountSettings.StorageAccountName)
	}
	return s.keep(r, body, storage)
}

var (
	versionPattern   = regexp.MustCompile(`^\d+\.\d+(\.\d+)?$`)
	retentionPattern = regexp.MustCompile(`^P(1D(T[12]H)?|T([1-9]|1\d|2[0-6])H)$`) // 1 to 26 hours
	timeoutPattern   = regexp.MustCompile(`^P(1D|T(\d+H)?(\d+M)?)$`)
)

func wrongIn(body scriptJSON) string {
	p := body.Properties
	switch {
	case body.Kind != "AzurePowerShell":
		return "The kind must be AzurePowerShell: no other is simulated."
	case body.Location == "":
		return "The location is required."
	case p == nil || !versionPattern.MatchString(p.AzPowerShellVersion):
		return "The azPowerShellVersion is not one that exists."
	case p.ScriptContent == "":
		return "Either scriptContent or primaryScriptUri is required."
	case !retentionPattern.MatchString(p.RetentionInterval):
		return "The retentionInterval must be between PT1H and PT26H."
	case p.Timeout != "" && !timeoutPattern.MatchString(p.Timeout):
		return "The timeout must be an ISO 8601 duration of at most a day."
	case p.StorageAccountSettings == nil || p.StorageAccountSettings.StorageAccountName == "":
		return "A storage account has to be named."
	case body.Identity != nil && body.Identity.Type != "UserAssigned":
		return "Only user-assigned identities are supported."
	case body.Identity != nil && len(body.Identity.UserAssignedIdentities) != 1:
		return "Exactly one user-assigned identity has to be named."
	}
	for _, v := range p.EnvironmentVariables {
		if v.Name == "" || (v.Value == nil) == (v.SecureValue == nil) {
			return "An environment variable has a name and either a value or a secureValue."
		}
	}
	return ""
}

// mayAssign checks that the caller may run things as the identity.
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-linked-authorization-failed
func (s *Service) mayAssign(r *resourcemanager.Request, body scriptJSON) error {
	if body.Identity == nil {
		return nil
	}
	const assign = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
	for id := range body.Identity.UserAssignedIdentities {
		if r.Authorize(assign, id) != nil {
			return resourcemanager.Refuse(http.StatusForbidden, "LinkedAuthorizationFailed", "The client '%s' with object id '%s' has permission to perform action 'Microsoft.Resources/deploymentScripts/write' on scope '%s'; however, it does not have permission to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) are invalid.",
				r.Caller.AppID, r.Caller.ObjectID, scriptID(r), assign, id)
		}
		s.mu.Lock()
		found := s.identityAt(id)
		s.mu.Unlock()
		if found == nil {
			return resourcemanager.Refuse(http.StatusBadRequest, "FailedIdentityOperation", "Identity operation for resource '%s' failed with error: the resource '%s' was not found.", scriptID(r), id)
		}
	}
	return nil
}

// storageOf returns the storage account or the code with which it is refused.
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/deployment-script-develop#error-codes
func (s *Service) storageOf(named storageJSON) (found *account, code string) {
	i := slices.IndexFunc(s.accounts, func(a *account) bool { return strings.EqualFold(a.Name, named.StorageAccountName) })
	switch {
	case named.StorageAccountKey == "":
		return nil, "DeploymentScriptStorageAccountAccessKeyNotSpecified"
	case i < 0 || s.accounts[i].key != named.StorageAccountKey:
		return nil, "DeploymentScriptStorageAccountInvalidAccessKey"
	case !slices.Contains([]string{"Storage", "StorageV2", "FileStorage"}, s.accounts[i].Kind):
		return nil, "DeploymentScriptStorageAccountInvalidKind"
	}
	return s.accounts[i], ""
}
