package devops

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// connection is a service connection: the whole object, and what is read of it.
type connection struct {
	whole map[string]json.RawMessage

	ID              string `json:"id"`
	Name            string `json:"name"`
	Type            string `json:"type"`
	IsReady         *bool  `json:"isReady"`
	IsShared        bool   `json:"isShared"`
	IsDisabled      bool   `json:"isDisabled"`
	OperationStatus struct {
		State         string `json:"state"`
		StatusMessage string `json:"statusMessage"`
	} `json:"operationStatus"`
	Authorization struct {
		Scheme     string                     `json:"scheme"`
		Parameters map[string]json.RawMessage `json:"parameters"`
	} `json:"authorization"`
	Data     map[string]json.RawMessage `json:"data"`
	Projects []json.RawMessage          `json:"serviceEndpointProjectReferences"`
}

// The schemes by which a connection of type azurerm signs in.
// https://learn.microsoft.com/azure/devops/pipelines/library/connect-to-azure
const (
	typeAzure        = "azurerm"
	schemePrincipal  = "ServicePrincipal"
	schemeFederation = "WorkloadIdentityFederation"
)

// The parameters of a service principal's authorization, and where a connection
// says who looks after it.
const (
	paramTenant      = "tenantid"
	paramApplication = "serviceprincipalid"
	paramHow         = "authenticationType"
	paramKey         = "serviceprincipalkey"
	paramCertificate = "servicePrincipalCertificate"
	dataCreation     = "creationMode"

	howKey         = "spnKey"
	howCertificate = "spnCertificate"
	manual         = "Manual"
	automatic      = "Automatic"
)

// parseConnection reads what Azure DevOps answered. The answer null, which is
// how it says that there is none for the caller, gives ok false.
func parseConnection(text []byte) (c connection, ok bool, err error) {
	if err := json.Unmarshal(text, &c.whole); err != nil {
		return c, false, errors.New("the answer is no object")
	}
	if c.whole == nil {
		return c, false, nil
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, false, fmt.Errorf("the answer is no service connection: %w", err)
	}
	if !isID(c.ID) {
		return c, false, errors.New("the answer is no service connection: it has no id")
	}
	return c, true, nil
}

// isProcessing reports that a change was accepted and is not yet in force.
func (c connection) isProcessing() bool {
	return c.IsReady != nil && !*c.IsReady && !c.hasFailed()
}

func (c connection) hasFailed() bool {
	return c.IsReady != nil && !*c.IsReady && strings.EqualFold(c.OperationStatus.State, "Failed")
}

// text returns a string among parameters or data, whatever the case of its name.
func text(fields map[string]json.RawMessage, name string) string {
	var value string
	_ = json.Unmarshal(fields[spelled(fields, name)], &value) // what is no string is not what is looked for
	return value
}

// spelled returns a name as the fields spell it. Their casing differs between the
// page, Terraform and the service's own.
func spelled(fields map[string]json.RawMessage, name string) string {
	for key := range fields {
		if strings.EqualFold(key, name) {
			return key
		}
	}
	return name
}

func (c connection) isAutomatic() bool {
	return strings.EqualFold(text(c.Data, dataCreation), automatic)
}

// judge says why the connection cannot have the application's credential.
func (c connection) judge(app rotation.Application) error {
	if why, remedy := c.unfit(app.AppID); why != "" {
		return refusal(rotation.Permanent, remedy, "devops: service connection %q: %s", c.Name, why)
	}
	return nil
}

// unfit is why, and what to do about it. Without an application it says what is
// true for every one.
func (c connection) unfit(appID string) (why, remedy string) {
	owner := text(c.Authorization.Parameters, paramApplication)
	switch {
	case !strings.EqualFold(c.Type, typeAzure):
		return fmt.Sprintf("it is of the type %q, not Azure Resource Manager", c.Type), "choose a connection of the type Azure Resource Manager"
	case strings.EqualFold(c.Authorization.Scheme, schemeFederation):
		return "it uses workload identity federation and needs no secret", "remove this target: there is nothing to rotate in this connection"
	case !strings.EqualFold(c.Authorization.Scheme, schemePrincipal):
		return fmt.Sprintf("it signs in by %q, which takes no credential of an application", c.Authorization.Scheme),
			"choose a connection that signs in as a service principal"
	case appID != "" && !strings.EqualFold(owner, appID):
		return fmt.Sprintf("it signs in as another application, %q", owner), "choose a connection of this application, or configure the target there"
	}
	return "", ""
}

// change is a connection with the credential that it is to have.
type change struct {
	connection
	kind  rotation.Kind
	value secret.Value
}

// body is the whole object as it is to be put. It reveals the credential.
func (c change) body() (map[string]json.RawMessage, error) {
	authorization, err := c.changedAuthorization()
	if err != nil {
		return nil, err
	}
	body := maps.Clone(c.whole)
	body["authorization"] = authorization
	if c.isAutomatic() {
		data := maps.Clone(c.Data)
		data[spelled(data, dataCreation)] = quoted(manual)
		body["data"], err = json.Marshal(data)
	}
	return body, err
}

// changedAuthorization holds the new credential and not the one of the other
// kind. Everything else in it stays.
func (c change) changedAuthorization() (json.RawMessage, error) {
	authorization := map[string]json.RawMessage{}
	if err := json.Unmarshal(c.whole["authorization"], &authorization); err != nil {
		return nil, err
	}
	how, field, other := howKey, paramKey, paramCertificate
	if c.kind == rotation.Certificate {
		how, field, other = howCertificate, paramCertificate, paramKey
	}
	parameters := map[string]json.RawMessage{}
	maps.Copy(parameters, c.Authorization.Parameters)
	delete(parameters, spelled(parameters, other))
	parameters[spelled(parameters, paramHow)] = quoted(how)
	parameters[spelled(parameters, field)] = quoted(c.value.Reveal())
	var err error
	if authorization["parameters"], err = json.Marshal(parameters); err != nil {
		return nil, err
	}
	return json.Marshal(authorization)
}

func quoted(text string) json.RawMessage {
	inJSON, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string has no error
	}
	return inJSON
}
