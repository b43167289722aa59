package entra

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/httpfault"
	"github.com/rekey-dev/rekey/internal/rotation"
)

const authority = "https://" + loginHost + "/"

// Verify asks for a token with the credential, once, and throws the token away.
// Only Entra's own words are a verdict: whatever else answers is an error.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
func (c *Client) Verify(ctx context.Context, appID string, credential rotation.Credential) (rotation.Verdict, error) {
	where := fmt.Sprintf("entra: verify %q", appID)
	proof, err := c.proof(appID, credential)
	if err != nil {
		return rotation.Verdict{}, rotation.Permanently("%s: %w", where, err)
	}
	response, err := c.requestToken(ctx, appID, proof)
	if err != nil {
		return rotation.Verdict{}, &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%s: %w", where, err)}
	}
	defer response.Body.Close()
	// Entra does not repeat the secret. Should anything on the way do so, it ends here.
	body := bytes.ReplaceAll(readSome(response.Body), []byte(credential.Value.Reveal()), []byte(credential.Value.String()))
	verdict, err := judge(response, body)
	if f, ok := errors.AsType[*rotation.Fault](err); ok {
		f.Err = fmt.Errorf("%s: %w", where, f.Err)
	}
	return verdict, err
}

// requestToken does not use azidentity, which would answer from its cache and
// repeat what failed.
func (c *Client) requestToken(ctx context.Context, appID string, form url.Values) (*http.Response, error) {
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", appID)
	form.Set("scope", graphScope)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.tokenEndpoint(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.fresh.Do(request)
}

func (c *Client) tokenEndpoint() string {
	return authority + url.PathEscape(c.tenantID) + "/oauth2/v2.0/token"
}

// judge reads an answer of the token endpoint.
func judge(response *http.Response, body []byte) (rotation.Verdict, error) {
	status := response.StatusCode
	if status == http.StatusOK && holdsToken(body) {
		return rotation.Verdict{Kind: rotation.Accepted}, nil
	}
	var p tokenProblem
	_ = json.Unmarshal(body, &p) // what is not JSON has no codes
	if kind, spoken := p.verdict(); spoken && status >= 400 && status < 500 && status != http.StatusTooManyRequests {
		return rotation.Verdict{Kind: kind, Reason: p.reason()}, nil
	}
	f := &rotation.Fault{Class: rotation.Transient, Err: fmt.Errorf("%d %s", status, cmp.Or(p.reason(), "without a reason from Entra ID"))}
	if status == http.StatusTooManyRequests {
		f.Class, f.After = rotation.Throttled, httpfault.After(response.Header, time.Now())
	}
	return rotation.Verdict{}, f
}

func holdsToken(body []byte) bool {
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	return json.Unmarshal(body, &granted) == nil && granted.AccessToken != ""
}
