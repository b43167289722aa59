package entra_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/functions/targettest"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
	"github.com/rekey-dev/rekey/internal/engine"
	"github.com/rekey-dev/rekey/internal/entra"
	"github.com/rekey-dev/rekey/internal/inventory"
	"github.com/rekey-dev/rekey/internal/rotation"
	"github.com/rekey-dev/rekey/internal/secret"
)

// admitted is an identity with a token.
type admitted struct{}

func (admitted) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token-of-rekey", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

const (
	hush  = "Va8Q~nobody-may-see-this"
	keyID = "11111111-2222-4333-8444-555555555555"
)

func answer(status int, body string) cloudtest.Answer {
	return cloudtest.Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
}

// FuzzAnswers gives any answer to every call of Graph and of the token endpoint.
func FuzzAnswers(f *testing.F) {
	const times = `"startDateTime":"2026-03-01T12:00:00Z","endDateTime":"2026-03-22T12:00:00Z"`
	cloudtest.Seed(f,
		answer(200, `{"id":"o","appId":"a","displayName":"shop","passwordCredentials":[{"keyId":"`+keyID+`","displayName":"x","hint":"Va8",`+times+`}]}`),
		answer(200, `{"id":"o","appId":"a","keyCredentials":[{"keyId":"`+keyID+`","usage":"Verify","type":"AsymmetricX509Cert","customKeyIdentifier":"AQID","key":"AQID",`+times+`}]}`),
		answer(200, `{"keyId":"`+keyID+`","secretText":"`+cloudtest.Echo+`",`+times+`}`),
		answer(200, `{"access_token":"`+cloudtest.Echo+`","expires_in":3599,"token_type":"Bearer"}`),
		answer(400, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret `+cloudtest.Echo+`.\r\nTrace ID: x","error_codes":[7000215]}`),
		answer(401, `{"error":"invalid_client","error_codes":[1e400,"x",null],"error_description":["x"]}`),
		answer(200, `{"value":[{"id":"`+keyID+`","appId":"`+keyID+`","displayName":"shop","passwordCredentials":[{"keyId":"`+keyID+`",`+times+`}],"keyCredentials":[]},{"id":"`+keyID+`","@removed":{"reason":"changed"}}],"@odata.deltaLink":"https://graph.microsoft.com/v1.0/applications/delta?$deltatoken=x"}`),
		answer(200, `{"responses":[{"id":"0","status":200,"headers":{"x":"y"},"body":{"value":[{"@odata.type":"#microsoft.graph.user","id":"`+keyID+`","displayName":null}]}}]}`),
		answer(200, `{"responses":[{"id":"0","status":429,"headers":{"Retry-After":"5"},"body":{"error":{"code":"TooManyRequests"}}}]}`),
		answer(410, `{"error":{"code":"syncStateNotFound","message":"Gone."}}`),
		answer(403, `{"error":{"code":"Directory_ResourceSizeExceeded","message":"The size of the object has exceeded its limit."}}`),
	)
	f.Fuzz(func(t *testing.T, _, status int, retryAfter, contentType string, body []byte, endless bool) {
		odd := cloudtest.Odd(status, retryAfter, contentType, body, endless, hush)
		for name, ask := range map[string]func(*entra.Client) error{
			"application": func(c *entra.Client) error { _, err := c.Application(t.Context(), "app", rotation.Secret); return err },
			"certificates": func(c *entra.Client) error {
				_, err := c.Application(t.Context(), "app", rotation.Certificate)
				return err
			},
			"principal": func(c *entra.Client) error {
				id, err := c.ServicePrincipal(t.Context(), "app")
				assert.Equal(t, err == nil, id != "")
				return err
			},
			"add": func(c *entra.Client) error {
				made, err := c.AddPassword(t.Context(), "object", "rekey/test/1.1", time.Now().Add(time.Hour))
				assert.Equal(t, err == nil, made.KeyID != "" && !made.Value.IsZero(), "a password is whole or none")
				return err
			},
			"changes": func(c *entra.Client) error {
				page, err := c.Changes(t.Context(), "")
				if _, again := errors.AsType[*inventory.Restart](err); again {
					return nil
				}
				if err == nil {
					assert.Contains(t, page.Next, "https://graph.microsoft.com/v1.0/applications/")
				}
				return err
			},
			"owners": func(c *entra.Client) error {
				_, err := c.Owners(t.Context(), []string{keyID})
				return err
			},
			"issuers": func(c *entra.Client) error {
				_, err := c.Issuers(t.Context(), []string{keyID})
				return err
			},
			"sign-ins": func(c *entra.Client) error {
				_, err := c.LastUsed(t.Context(), []string{keyID})
				return err
			},
			"remove": func(c *entra.Client) error { return c.RemovePassword(t.Context(), "object", keyID) },
			"replace": func(c *entra.Client) error {
				return c.ReplaceKeys(t.Context(), "object", []engine.DirectoryCredential{{KeyID: keyID}})
			},
			"verify": func(c *entra.Client) error {
				verdict, err := c.Verify(t.Context(), "app", rotation.Credential{Rotation: rotation.ID{Kind: rotation.Secret}, Value: secret.New(hush)})
				assert.NotContains(t, verdict.Reason, hush)
				assert.Less(t, len(verdict.Reason), 2000)
				assert.False(t, verdict.Kind == rotation.Accepted && odd.Status != http.StatusOK)
				return err
			},
		} {
			said := cloudtest.Says(odd)
			client, err := entra.New(entra.Options{Transport: cloudtest.Through(said), Credential: admitted{}, TenantID: tenantID})
			require.NoError(t, err)
			err = ask(client)
			assert.NotContains(t, said.Hosts(), cloudtest.Elsewhere)
			assert.LessOrEqual(t, said.Read(), int64(17<<20), name)
			if err == nil {
				continue
			}
			targettest.AssertFault(t, err)
			// Its words may make these of any status, and a batch has others inside.
			if rotation.ClassOf(err) != rotation.Conflict && rotation.ClassOf(err) != rotation.Permanent && !slices.Contains([]string{"owners", "issuers", "sign-ins"}, name) {
				targettest.AssertClass(t, err, odd)
			}
			if odd.Status < http.StatusMultipleChoices || name == "verify" {
				assert.NotContains(t, err.Error(), hush, name)
			}
			assert.NotContains(t, err.Error(), "token-of-rekey")
		}
	})
}
