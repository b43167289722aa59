package entra

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

// fault classifies an error of a call to Graph. Its text names what was done and to what.
func fault(doing, subject string, err error) error {
	where := fmt.Sprintf("graph: %s %q", doing, subject)
	if refused, ok := errors.AsType[*refusal](err); ok {
		f := &rotation.Fault{Class: refused.class(), Err: fmt.Errorf("%s: %w", where, refused), Remedy: refused.remedy()}
		if f.Class == rotation.Throttled {
			f.After = refused.after
		}
		return f
	}
	if unsigned, ok := errors.AsType[*noToken](err); ok {
		return tokenFault(where, unsigned)
	}
	if _, ok := errors.AsType[*url.Error](err); ok || errors.Is(err, errIncomplete) || errors.Is(err, httpfault.ErrTooLarge) {
		return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: %w", where, err)}
	}
	// What is left comes from reading a success. It may quote what it could not
	// read, and that may be the secret: it is left out.
	return &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: the answer could not be read", where)}
}

// class says what a refusal means for what happens next.
func (r *refusal) class() rotation.Class {
	switch {
	case r.concurrent():
		return rotation.Conflict
	case r.tooLarge():
		return rotation.Permanent
	}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return rotation.Denied
	case http.StatusNotFound:
		return rotation.NotFound
	case http.StatusConflict:
		return rotation.Conflict
	case http.StatusTooManyRequests:
		return rotation.Throttled
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return rotation.Permanent
	}
	return rotation.Transient
}

// remedy is what a person can do. The codes of the policy are those of
// https://learn.microsoft.com/graph/api/resources/applicationauthenticationmethodpolicy
func (r *refusal) remedy() string {
	switch {
	case r.tooLarge():
		return "remove credentials of the application that nobody uses"
	case r.code == "CredentialInvalidLifetimeAsPerAppPolicy":
		return "choose a shorter lifetime, or exempt the application from the tenant's app management policy"
	case r.code == "CredentialTypeNotAllowedAsPerAppPolicy":
		return "the tenant's app management policy forbids client secrets: exempt the application from it"
	case r.status == http.StatusForbidden:
		return "grant rekey's identity Application.ReadWrite.OwnedBy on Microsoft Graph and make it an owner of the application"
	}
	return ""
}

// tokenFault is for a call that was not sent, because rekey's own identity got no
// token. Entra's refusal will not change by itself; anything else may.
func tokenFault(where string, err *noToken) error {
	f := &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: sign in: %w", where, err)}
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		return f
	}
	status := failed.RawResponse.StatusCode
	f.Err = fmt.Errorf("%s: sign in: %d %s", where, status, tokenWords(failed.RawResponse))
	if status == http.StatusBadRequest || status == http.StatusUnauthorized {
		f.Class, f.Remedy = rotation.Denied, "check the identity that rekey itself runs as"
	}
	return f
}

// tokenWords is a short form of the answer: the SDK's own text holds the whole exchange.
func tokenWords(response *http.Response) string {
	var p tokenProblem
	if body, err := runtime.Payload(response); err == nil {
		_ = json.Unmarshal(body, &p) // what is not JSON has no words
	}
	return cmp.Or(p.reason(), http.StatusText(response.StatusCode))
}
