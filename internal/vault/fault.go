package vault

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

// ErrSoftDeleted says that the name belongs to a deleted secret that can still be
// recovered: until then nothing can be written under it.
var ErrSoftDeleted = errors.New("the secret is soft-deleted")

// problem is what Key Vault answers: the outer code is coarse, the inner one is not.
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
type problem struct {
	Error struct {
		Code       string
		Message    string
		InnerError struct{ Code string }
	}
}

// fault classifies an error. Its text names the vault and the secret.
func fault(doing, vault, name string, err error) error {
	where := fmt.Sprintf("vault: %s %q in %q", doing, name, vault)
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: %w", where, err)}
	}
	p := parse(response)
	f := &rotation.Fault{Class: classify(response.StatusCode, p), Err: fmt.Errorf("%s: %s", where, words(response, p))}
	switch {
	case f.Class == rotation.Throttled:
		f.After = retryAfter(response.RawResponse)
	case p.Error.InnerError.Code == "ObjectIsDeletedButRecoverable":
		f.Err = fmt.Errorf("%s: %w", where, ErrSoftDeleted)
	case p.Error.InnerError.Code == "ForbiddenByFirewall":
		f.Remedy = "allow rekey's address in the vault's network rules, or let trusted services in"
	}
	return f
}

// classify maps a status and its inner code to what it means for what happens next.
func classify(status int, p problem) rotation.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return rotation.Denied
	case http.StatusNotFound:
		return rotation.NotFound
	case http.StatusTooManyRequests:
		return rotation.Throttled
	case http.StatusConflict:
		return rotation.Conflict // being deleted or recovered, or deleted and recoverable
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusMethodNotAllowed:
		return rotation.Permanent
	}
	return rotation.Transient
}

// parse reads the body, which the SDK has kept.
func parse(response *azcore.ResponseError) (p problem) {
	body, err := runtime.Payload(response.RawResponse)
	if err == nil {
		_ = json.Unmarshal(body, &p)
	}
	return p
}

const longestMessage = 400

// words is a short form of the answer: the SDK's own text holds the whole exchange.
func words(response *azcore.ResponseError, p problem) string {
	code := p.Error.Code
	if inner := p.Error.InnerError.Code; inner != "" {
		code += "/" + inner
	}
	message := p.Error.Message
	if len(message) > longestMessage {
		message = message[:longestMessage] + "…"
	}
	return fmt.Sprintf("%d %s: %s", response.StatusCode, code, message)
}

func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.ParseFloat(response.Header.Get("Retry-After"), 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}
