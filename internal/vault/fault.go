package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// ErrSoftDeleted says that the name belongs to a deleted secret or certificate that
// can still be recovered: until then nothing can be written under it.
var ErrSoftDeleted = errors.New("the name is soft-deleted")

// problem is what Key Vault answers: the outer code is coarse, the inner one is not.
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
type problem struct {
	Error struct {
		Code       string
		Message    string
		InnerError struct{ Code string }
	}
}

// fault classifies an error of a call for a secret. Its text names the vault and
// the secret, and not what was sent.
func fault(doing, vault, name string, err error, sent ...secret.Value) error {
	return classified(remedies, fmt.Sprintf("vault: %s %q in %q", doing, name, vault), err, sent)
}

// certificateFault is fault for a certificate.
func certificateFault(doing, vault, name string, err error, sent ...secret.Value) error {
	return classified(certificateRemedies, fmt.Sprintf("vault: %s certificate %q in %q", doing, name, vault), err, sent)
}

func classified(remedies map[string]string, where string, err error, sent []secret.Value) error {
	response, answered := errors.AsType[*azcore.ResponseError](err)
	if !answered {
		return &rotation.Fault{Class: rotation.ClassOf(err), Err: fmt.Errorf("%s: %w", where, err)}
	}
	p := parse(response)
	f := &rotation.Fault{Class: classify(response.StatusCode), Err: refusal{where + ": " + words(response, p, sent), p.isClosed()}}
	f.Remedy = remedies[p.Error.InnerError.Code]
	if f.Class == rotation.Throttled {
		f.After = httpfault.After(response.RawResponse.Header, time.Now())
	}
	if p.Error.InnerError.Code == "ObjectIsDeletedButRecoverable" {
		f.Err = fmt.Errorf("%s: %w", where, ErrSoftDeleted)
	}
	return f
}

// ErrClosed says that the vault's network rules keep rekey out, whatever it may do.
var ErrClosed = errors.New("the vault's network rules keep rekey out")

// isClosed reports whether the vault's network rules refused.
func (p problem) isClosed() bool {
	code := p.Error.InnerError.Code
	return code == "ForbiddenByFirewall" || code == "ForbiddenByConnection"
}

// refusal is what a vault answered, in words.
type refusal struct {
	text   string
	closed bool
}

func (r refusal) Error() string { return r.text }

// Is reports whether the refusal is ErrClosed.
func (r refusal) Is(target error) bool {
	return target == ErrClosed && r.closed
}

// remedies are what a person can do, by the inner code of the refusal.
// https://learn.microsoft.com/azure/key-vault/general/troubleshooting-access-issues
var remedies = map[string]string{
	"ForbiddenByRbac":       "give rekey's identity the role Key Vault Secrets Officer on the vault",
	"AccessDenied":          "give rekey's identity the permissions get, set, delete and recover for secrets in the vault's access policies",
	"ForbiddenByFirewall":   "allow rekey's address in the vault's network rules, or let trusted services in",
	"ForbiddenByConnection": "give rekey a private endpoint to the vault, or open the vault to public networks",
}

// certificateRemedies are those that differ for certificates.
var certificateRemedies = func() map[string]string {
	all := maps.Clone(remedies)
	all["ForbiddenByRbac"] = "give rekey's identity the role Key Vault Certificates Officer on the vault"
	all["AccessDenied"] = "give rekey's identity the permissions get, import, delete and recover for certificates in the vault's access policies"
	return all
}()

// classify maps a status to what it means for what happens next.
func classify(status int) rotation.Class {
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

// words is a short form of the answer in one line: the SDK's own text holds the
// whole exchange.
func words(response *azcore.ResponseError, p problem, sent []secret.Value) string {
	code := hushed(p.Error.Code, sent)
	if inner := p.Error.InnerError.Code; inner != "" {
		code += "/" + hushed(inner, sent)
	}
	return fmt.Sprintf("%d %s: %s", response.StatusCode, httpfault.Code(code), httpfault.Short(hushed(p.Error.Message, sent), longestMessage))
}

// hushed takes what was sent out of what was answered.
func hushed(text string, sent []secret.Value) string {
	for _, value := range sent {
		if !value.IsZero() {
			text = strings.ReplaceAll(text, value.Reveal(), value.String())
		}
	}
	return text
}
