package automation

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// containerWork is a deployment script: PowerShell in a container that Azure makes
// for it. Its parameters are secure environment variables.
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/deployment-script-develop
type containerWork struct {
	client  *client
	step    rotation.PowerShellStep
	minutes int
	self    []string
	id      string
}

func (*containerWork) leaves() string { return "deployment script" }

type deploymentScript struct {
	ID         string           `json:"id,omitempty"`
	Kind       string           `json:"kind"`
	Location   string           `json:"location"`
	Identity   scriptIdentity   `json:"identity"`
	Properties scriptProperties `json:"properties"`
}

type scriptIdentity struct {
	Type                   string         `json:"type"`
	UserAssignedIdentities map[string]any `json:"userAssignedIdentities"`
}

type scriptProperties struct {
	AzPowerShellVersion    string           `json:"azPowerShellVersion"`
	ScriptContent          string           `json:"scriptContent"`
	EnvironmentVariables   []secureVariable `json:"environmentVariables,omitempty"`
	StorageAccountSettings scriptStorage    `json:"storageAccountSettings"`
	RetentionInterval      string           `json:"retentionInterval"`
	Timeout                string           `json:"timeout"`
	CleanupPreference      string           `json:"cleanupPreference"`
	ProvisioningState      string           `json:"provisioningState,omitempty"`
	Status                 *scriptStatus    `json:"status,omitempty"`
}

type secureVariable struct {
	Name        string `json:"name"`
	SecureValue string `json:"secureValue,omitempty"`
}

type scriptStorage struct {
	StorageAccountName string `json:"storageAccountName"`
	StorageAccountKey  string `json:"storageAccountKey,omitempty"`
}

type scriptStatus struct {
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// begin puts the deployment script. Azure keeps it for an hour at the least; it is
// removed before.
// https://learn.microsoft.com/rest/api/resources/deployment-scripts/create
func (w *containerWork) begin(ctx context.Context, d rotation.Delivery, extra map[string]string) (string, error) {
	in := w.step.Container
	if err := w.client.foreignIdentity(ctx, in.Identity, w.self); err != nil {
		return "", err
	}
	key, err := w.client.storageKey(ctx, in.StorageAccount)
	if err != nil {
		return "", err
	}
	parameters, err := parametersFor(d, asking{w.step.Script, rotation.ShellPowerShell, w.step.Parameters, w.step.Format}, extra)
	if err != nil {
		return "", err
	}
	body := deploymentScript{
		Kind: "AzurePowerShell", Location: in.Location,
		Identity: scriptIdentity{"UserAssigned", map[string]any{in.Identity: struct{}{}}},
		Properties: scriptProperties{
			AzPowerShellVersion: in.AzPowerShellVersion, ScriptContent: wrapped(w.step.Script, parameters),
			StorageAccountSettings: scriptStorage{last(in.StorageAccount), key.Reveal()},
			RetentionInterval:      "PT1H", Timeout: fmt.Sprintf("PT%dM", w.minutes), CleanupPreference: "Always",
		},
	}
	for _, p := range parameters {
		body.Properties.EnvironmentVariables = append(body.Properties.EnvironmentVariables, secureVariable{environmentPrefix + p.name, p.value.Reveal()})
	}
	doing := fmt.Sprintf("run a script in resource group %q", last(in.ResourceGroup))
	var made deploymentScript
	err = w.client.do(ctx, doing, call{method: http.MethodPut, id: w.id, version: scriptsVersion, body: body, into: &made})
	if err == nil && !strings.EqualFold(last(made.ID), last(w.id)) {
		err = transient(doing, fmt.Errorf("the answer does not name the script"))
	}
	return "", mask{value: key}.err(withRemedy(err, rotation.Denied, assign("Contributor", in.ResourceGroup)))
}

// look reads the state and, once the script ended, its log.
// https://learn.microsoft.com/rest/api/resources/deployment-scripts/get
func (w *containerWork) look(ctx context.Context) (progress, error) {
	var found deploymentScript
	doing := fmt.Sprintf("read deployment script %q", last(w.id))
	err := w.client.get(ctx, doing, w.id, scriptsVersion, &found)
	state := found.Properties.ProvisioningState
	switch {
	case rotation.ClassOf(err) == rotation.NotFound:
		return progress{}, nil
	case err != nil:
		return progress{}, err
	case state == "":
		return progress{}, transient(doing, fmt.Errorf("the answer has no state"))
	}
	p := progress{found: true}
	switch state {
	case "Succeeded":
	case "Failed", "Canceled":
		p.failed = found.failure()
	default:
		return p, nil
	}
	p.ended = true
	p.output, err = w.log(ctx)
	return p, err
}

const (
	blockedKeys       = "KeyBasedAuthenticationNotPermitted"
	blockedKeysRemedy = "the storage account must allow shared keys (allowSharedKeyAccess), which deployment scripts need; name another account, or let the script run on a virtual machine"
)

func (s deploymentScript) failure() string {
	reason := "the script is " + s.Properties.ProvisioningState
	if s.Properties.Status == nil || s.Properties.Status.Error == nil {
		return reason
	}
	told := s.Properties.Status.Error
	if strings.Contains(told.Code+told.Message, blockedKeys) {
		return blockedKeys + ": " + blockedKeysRemedy
	}
	return cmp.Or(shortened(told.Message), told.Code, reason)
}

// shortened puts a message of several lines into one.
func shortened(message string) string {
	runes := []rune(strings.Join(strings.Fields(message), " "))
	return string(runes[:min(len(runes), longestMessage)])
}

// https://learn.microsoft.com/rest/api/resources/deployment-scripts/get-logs-default
func (w *containerWork) log(ctx context.Context) (string, error) {
	var found struct {
		Properties struct {
			Log string `json:"log"`
		} `json:"properties"`
	}
	doing := fmt.Sprintf("read the log of deployment script %q", last(w.id))
	err := w.client.get(ctx, doing, w.id+"/logs/default", scriptsVersion, &found)
	if rotation.ClassOf(err) == rotation.NotFound {
		return "", nil // it failed before it printed anything
	}
	return found.Properties.Log, err
}

// stop deletes the deployment script with its container.
// https://learn.microsoft.com/rest/api/resources/deployment-scripts/delete
func (w *containerWork) stop(ctx context.Context) error {
	return w.client.remove(ctx, fmt.Sprintf("delete deployment script %q", last(w.id)), w.id, scriptsVersion)
}
