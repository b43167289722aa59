package automation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

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
		f.After = retryAfter(answer.Header.Get("Retry-After"), time.Now())
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

// classify maps a status to what it means for what happens next.
func classify(status int, code string) rotation.Class {
	switch {
	case code == codeUnregistered:
		return rotation.Permanent
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return rotation.Denied
	case status == http.StatusNotFound || status == http.StatusGone:
		return rotation.NotFound
	case status == http.StatusConflict || status == http.StatusPreconditionFailed:
		return rotation.Conflict
	case status == http.StatusTooManyRequests:
		return rotation.Throttled
	case status == http.StatusRequestTimeout || status >= http.StatusInternalServerError:
		return rotation.Transient
	}
	return rotation.Permanent
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
	text := []rune(strings.TrimSpace(e.Message))
	return e.Code, string(text[:min(len(text), longestMessage)])
}

// retryAfter reads seconds, also with a fraction, or a date.
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
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
