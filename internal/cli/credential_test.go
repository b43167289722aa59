package cli_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/cli"
	"github.com/rekey-dev/rekey/internal/secret"
)

const (
	tenantID = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	scope    = "api://" + appID + "/.default"
)

// entra answers for Entra ID and for an installation, and keeps what each was sent.
type entra struct {
	t      *testing.T
	asked  url.Values // of the token endpoint
	hosts  map[string]bool
	bearer []string // what reached the installation
}

func (e *entra) RoundTrip(r *http.Request) (*http.Response, error) {
	e.hosts[r.URL.Host] = true
	answer := func(body string) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	const login = "https://login.microsoftonline.com/" + tenantID
	switch {
	case r.URL.Host != "login.microsoftonline.com":
		e.bearer = append(e.bearer, r.Header.Get("Authorization"))
		return answer(`{"items":[],"next":null}`)
	case strings.HasSuffix(r.URL.Path, "/discovery/instance"):
		return answer(`{"tenant_discovery_endpoint":"` + login + `/v2.0/.well-known/openid-configuration","metadata":[]}`)
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		return answer(`{"token_endpoint":"` + login + `/oauth2/v2.0/token","authorization_endpoint":"` + login + `/oauth2/v2.0/authorize","issuer":"` + login + `/v2.0"}`)
	}
	require.NoError(e.t, r.ParseForm())
	e.asked = r.PostForm
	return answer(`{"access_token":"token-that-nobody-sees","expires_in":3600,"token_type":"Bearer"}`)
}

// beside is the surroundings of a pipeline that has a service principal.
func (e *entra) beside(t *testing.T) cli.Surroundings {
	for name, value := range map[string]string{
		"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential", "AZURE_TENANT_ID": tenantID, "AZURE_CLIENT_ID": keyID, "AZURE_CLIENT_SECRET": "secret-that-nobody-sees",
	} {
		t.Setenv(name, value)
	}
	e.t, e.hosts = t, map[string]bool{}
	around := answering(t, 200, "")
	around.Server, around.Scope, around.Transport = "https://rekey.example.org", scope, e
	return around
}

func TestATokenIsForTheInstallationAlone(t *testing.T) {
	var e entra
	r := run(t, e.beside(t), "apps")
	require.Equal(t, 0, r.code, r.err)
	assert.Equal(t, []string{"Bearer token-that-nobody-sees"}, e.bearer)
	assert.Contains(t, strings.Fields(e.asked.Get("scope")), scope)
	assert.Equal(t, map[string]bool{"login.microsoftonline.com": true, "rekey.example.org": true}, e.hosts)
	assert.NotContains(t, r.out+r.err, "nobody-sees")
}

func TestAKeyCountsBeforeAToken(t *testing.T) {
	var e entra
	around := e.beside(t)
	around.Key = secret.New("rk_1")
	require.Equal(t, 0, run(t, around, "apps").code)
	assert.Equal(t, []string{""}, e.bearer)
	assert.Nil(t, e.asked)
}

func TestWithoutATokenNothingIsAsked(t *testing.T) {
	var e entra
	around := e.beside(t)
	t.Setenv("AZURE_CLIENT_SECRET", "")
	r := run(t, around, "apps")
	assert.Equal(t, 8, r.code, r.err)
	assert.Empty(t, e.bearer)
}
