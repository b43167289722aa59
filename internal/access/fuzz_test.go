package access_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/rekey-dev/rekey/internal/access"
)

// gateFor is a gate whose signing keys are what one answer says.
func gateFor(answer string) *access.Gate {
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
			recorder.WriteString(`{"issuer":"https://` + loginHost + `/` + tenantID + `/v2.0","jwks_uri":"https://` + loginHost + `/keys"}`)
		} else {
			recorder.WriteString(answer)
		}
		return recorder.Result(), nil
	})
	return access.New(access.Config{
		Platform: true, TenantID: tenantID, ClientID: programID, Transport: transport, CallTimeout: time.Second, Now: time.Now,
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzPrincipal sends any header as the platform's. Whoever comes of it is a person of
// the tenant; the platform's word is all that there is for the rest.
func FuzzPrincipal(f *testing.F) {
	right := principal("aad", claim{"aud", programID}, claim{"oid", annaID}, claim{"tid", tenantID}, claim{"roles", "Rekey.Reader"})
	for _, seed := range []string{"", "e30=", "bnVsbA==", right, right + "=", principal("aad"), "eyJjbGFpbXMiOltudWxsXX0="} {
		f.Add(seed)
	}
	gate := gateFor(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("X-MS-CLIENT-PRINCIPAL", text)
		who, err := gate.Identify(r)
		if err != nil {
			assert.ErrorIs(t, err, access.ErrRefused)
			assert.Zero(t, who)
			return
		}
		assert.Equal(t, access.Person, who.Kind)
		assert.True(t, who.Session)
		assert.Len(t, who.ID, 36)
		assert.NotContains(t, who.Actor(), "\n")
	})
}

// FuzzToken presents anything as a bearer token, which nobody has signed.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		"", "x", "a.b.c", "..", "rk_", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AA", "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEifQ.e30.AA", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA",
	} {
		f.Add(seed)
	}
	gate := gateFor(`{"keys":[{"kty":"RSA","use":"sig","kid":"a","n":"` + strings.Repeat("_", 342) + `","e":"AQAB"}]}`)
	f.Fuzz(func(t *testing.T, token string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{"Bearer " + token}
		who, err := gate.Identify(r)
		assert.ErrorIs(t, err, access.ErrRefused)
		assert.Zero(t, who)
		if len(token) > 20 {
			assert.NotContains(t, err.Error(), token)
		}
	})
}

// FuzzSigningKeys reads any key set.
func FuzzSigningKeys(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"keys":null}`, `{"keys":[{"kty":"RSA","use":"sig","kid":"a","n":"AQAB","e":""}]}`, `{"keys":[{"kty":"RSA","use":"sig","kid":"a","n":"` + strings.Repeat("_", 342) + `","e":"_____w"}]}`, `[`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AA")
		_, err := gateFor(answer).Identify(r)
		assert.Error(t, err)
	})
}
