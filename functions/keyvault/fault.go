package keyvault

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

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
		Err:   fmt.Errorf("keyvault: %s: %d %s: %s", doing, answer.StatusCode, answer.ErrorCode, message(answer)),
	}
	if f.Class == rotation.Throttled {
		f.After = retryAfter(answer.RawResponse)
	}
	return f
}

// classify maps a status to what it means for what happens next.
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
func classify(answer *azcore.ResponseError) rotation.Class {
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return rotation.Denied
	case http.StatusNotFound, http.StatusGone:
		return rotation.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return rotation.Conflict
	case http.StatusTooManyRequests:
		return rotation.Throttled
	case http.StatusRequestTimeout:
		return rotation.Transient
	}
	if answer.StatusCode < http.StatusInternalServerError && answer.ErrorCode != codePrincipalNotFound {
		return rotation.Permanent
	}
	return rotation.Transient
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
	text := []rune(body.Error.Message)
	return string(text[:min(len(text), longestMessage)])
}

func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.ParseFloat(answer.Header.Get("Retry-After"), 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}
