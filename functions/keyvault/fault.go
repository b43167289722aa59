package keyvault

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// The codes of Resource Manager that mean more than their status.
// https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
const (
	codeAssignmentExists  = "RoleAssignmentExists"
	codePrincipalNotFound = "PrincipalNotFound"
)

// fault classifies what a call of Resource Manager came to. The SDK's own text
// holds the whole exchange; what is kept of it is status, code and message.
func fault(doing string, err error) error {
	if known := new(rotation.Fault); errors.As(err, &known) {
		return err
	}
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("keyvault: %s: %w", doing, err)}
	}
	f := &rotation.Fault{
		Class: classify(answer),
		Err:   fmt.Errorf("keyvault: %s: %d %s: %s", doing, answer.StatusCode, httpfault.Code(answer.ErrorCode), message(answer)),
	}
	if f.Class == rotation.Throttled {
		f.After = httpfault.After(answer.RawResponse.Header, time.Now())
	}
	return f
}

// classify knows the one code that means more than its status: a principal so new
// that Resource Manager does not see it yet.
func classify(answer *azcore.ResponseError) rotation.Class {
	if answer.ErrorCode == codePrincipalNotFound {
		return rotation.Transient
	}
	return httpfault.Class(answer.StatusCode)
}

// hasCode reports whether Resource Manager refused with a code.
func hasCode(err error, code string) bool {
	var answer *azcore.ResponseError
	return errors.As(err, &answer) && answer.ErrorCode == code
}

const longestMessage = 400

// message is the sentence for people in an error's body.
func message(answer *azcore.ResponseError) string {
	var body struct{ Error struct{ Message string } }
	if text, err := runtime.Payload(answer.RawResponse); err == nil {
		_ = json.Unmarshal(text, &body) // without a sentence the code has to do
	}
	return httpfault.Short(body.Error.Message, longestMessage)
}
