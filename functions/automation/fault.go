package automation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// The codes that mean more than their status.
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
const (
	codeUnregistered = "MissingSubscriptionRegistration"
	codeNotRunning   = "OperationNotAllowed"
)

// refusal is the fault of an answer that is no success.
func refusal(doing string, answer *http.Response, body []byte) error {
	code, message := readError(body, 0)
	f := &rotation.Fault{
		Class: classify(answer.StatusCode, code),
		Err:   fmt.Errorf("automation: %s: %s", doing, words(answer.StatusCode, code, message)),
	}
	switch {
	case f.Class == rotation.Throttled:
		f.After = httpfault.After(answer.Header, time.Now())
	case code == codeUnregistered:
		f.Remedy = "register the provider in the subscription: az provider register --namespace <the one named above>"
	case code == codeNotRunning:
		f.Remedy = "start the virtual machine"
	}
	return f
}

func words(status int, code, message string) string {
	text := strconv.Itoa(status) + " " + cmp.Or(code, http.StatusText(status))
	if message != "" {
		text += ": " + message
	}
	return text
}

// classify knows the one code that means more than its status: a conflict that ends
// when a person registers the provider.
func classify(status int, code string) rotation.Class {
	if code == codeUnregistered {
		return rotation.Permanent
	}
	return httpfault.Class(status)
}

const (
	longestMessage = 400
	deepestError   = 3
)

// readError finds code and message in the envelopes that providers use: Resource
// Manager's {"error":…}, Automation's without it, and deployment scripts', which
// nests it twice.
func readError(body []byte, depth int) (code, message string) {
	var e struct {
		Error   json.RawMessage `json:"error"`
		Code    string          `json:"code"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	if e.Code == "" && len(e.Error) > 0 && depth < deepestError {
		return readError(e.Error, depth+1)
	}
	return httpfault.Code(e.Code), httpfault.Short(e.Message, longestMessage)
}

// withRemedy says what a person can do, unless that is said already.
func withRemedy(err error, class rotation.Class, remedy string) error {
	f, ok := err.(*rotation.Fault)
	if !ok || f.Class != class || f.Remedy != "" {
		return err
	}
	told := *f
	told.Remedy = remedy
	return &told
}
