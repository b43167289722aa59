package cloud_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/cloudtest"
)

// say answers with one word, and with what it saw of the request.
func say(word string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Seen", r.Proto+" "+r.Host)
		fmt.Fprintf(w, "%s %s", word, body)
	})
}

func send(t *testing.T, client *http.Client, method, address, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	return do(t, client, request)
}

func do(t *testing.T, client *http.Client, request *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(text)
}

// face sends a request to the simulator's own face.
func face(t *testing.T, c *cloud.Cloud, method, path, body string) (int, string) {
	t.Helper()
	address, err := c.Address(t.Context())
	require.NoError(t, err)
	response, text := send(t, http.DefaultClient, method, "http://"+address+path, body)
	return response.StatusCode, text
}

func TestHostsAreAnsweredByTheirHandlers(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	c.Handle("graph.microsoft.com", say("graph"))
	c.Handle("*.vault.azure.net", say("any vault"))
	c.Handle("Mine.vault.azure.net", say("my vault"))
	client := c.Client()
	for address, want := range map[string]string{
		"https://graph.microsoft.com/v1.0":    "graph ",
		"https://a.vault.azure.net/secrets":   "any vault ",
		"https://a.b.vault.azure.net/secrets": "any vault ",
		"https://mine.vault.azure.net/":       "my vault ",
	} {
		response, body := send(t, client, http.MethodGet, address, "")
		assert.Equal(t, want, body, address)
		assert.Equal(t, "HTTP/2.0 "+response.Request.URL.Host, response.Header.Get("Seen"))
		assert.Regexp(t, `^[0-9a-f-]{36}$`, response.Header.Get("X-Ms-Request-Id"))
	}
}

func TestClientsWithoutHTTP2AreServed(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	c.Handle("graph.microsoft.com", say("graph"))
	client := c.Client()
	transport := client.Transport.(*http.Transport)
	transport.ForceAttemptHTTP2 = false
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	response, _ := send(t, client, http.MethodGet, "https://graph.microsoft.com/", "")
	assert.Equal(t, "HTTP/1.1 graph.microsoft.com", response.Header.Get("Seen"))
}

func TestAnUnknownHostIsNamedAndCounted(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	response, body := send(t, c.Client(), http.MethodPut, "https://example.org/a", "")
	assert.Equal(t, http.StatusNotImplemented, response.StatusCode)
	assert.JSONEq(t, `{"error":{"code":"HostNotSimulated","message":"The simulated Azure does not answer for example.org."}}`, body)
	_, calls := face(t, c, http.MethodGet, "/sim/calls", "")
	assert.JSONEq(t, `{"total":1,"calls":[{"host":"example.org","method":"PUT","path":"/a","status":501,"count":1}]}`, calls)
}

func TestBodiesArriveUnzipped(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	c.Handle("graph.microsoft.com", say("graph"))
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	_, err := writer.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	for name, one := range map[string]struct {
		encoding, body, want string
		status               int
	}{
		"gzip is unzipped":               {"gzip", zipped.String(), "graph hello", 200},
		"plain text stays":               {"", "hello", "graph hello", 200},
		"a false claim is refused":       {"gzip", "hello", `{"error":{"code":"BadRequest","message":"the body claims Content-Encoding gzip and is not gzip"}}` + "\n", 400},
		"half of a body is refused":      {"gzip", zipped.String()[:15], `{"error":{"code":"BadRequest","message":"the body could not be read: unexpected EOF"}}` + "\n", 400},
		"another encoding is refused":    {"br", "hello", `{"error":{"code":"BadRequest","message":"unsupported Content-Encoding \"br\""}}` + "\n", 400},
		"an empty body needs no gunzip":  {"identity", "", "graph ", 200},
		"the encoding's case is ignored": {"GZIP", zipped.String(), "graph hello", 200},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.microsoft.com/", strings.NewReader(one.body))
			require.NoError(t, err)
			request.Header.Set("Content-Encoding", one.encoding)
			response, body := do(t, c.Client(), request)
			assert.Equal(t, one.status, response.StatusCode)
			assert.Equal(t, one.want, body)
		})
	}
}

// Node's SDKs send everything through the proxy, whatever NO_PROXY defaults say.
func TestPlainRequestsStayOnThisMachine(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	c.HandleLocal("/msi/token", say("identity"))
	other := httptest.NewServer(say("other"))
	defer other.Close()
	address, err := c.Address(t.Context())
	require.NoError(t, err)
	for target, want := range map[string]string{
		other.URL + "/a":                   "other ",
		"http://" + address + "/msi/token": "identity ",
		"http://example.org/a":             `{"error":{"code":"HostNotSimulated","message":"The simulated Azure does not answer for example.org."}}` + "\n",
	} {
		_, body := send(t, c.Client(), http.MethodGet, target, "")
		assert.Equal(t, want, body, target)
	}
}

func TestALocalServerThatIsGoneIsABadGateway(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	gone := httptest.NewServer(say("gone"))
	gone.Close()
	response, body := send(t, c.Client(), http.MethodGet, gone.URL, "")
	assert.Equal(t, http.StatusBadGateway, response.StatusCode)
	assert.Contains(t, body, gone.URL)
}

func TestCallsAreCountedByTemplate(t *testing.T) {
	for path, want := range map[string]string{
		"/v1.0/applications/7d1d1c6b-97f3-4a8c-a0c4-0d4a9a8f6d0e/addPassword": "/v1.0/applications/{id}/addPassword",
		"/v1.0/applications(appId='7d1d1c6b-97f3-4a8c-a0c4-0d4a9a8f6d0e')":    "/v1.0/applications(appId='{id}')",
		"/v1.0/applications/delta()":                                          "/v1.0/applications/delta()",
		"/v1.0/$batch":                                                        "/v1.0/$batch",
		"/secrets/db-password":                                                "/secrets/{name}",
		"/secrets/db-password/":                                               "/secrets/{name}/",
		"/secrets/db-password/0123456789abcdef0123456789abcdef":               "/secrets/{name}/{id}",
		"/subscriptions/7d1d1c6b-97f3-4a8c-a0c4-0d4a9a8f6d0e/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v": "/subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.KeyVault/vaults/{name}",
		"/0e1c1a1c-6f4f-4f5e-9a55-0c2b5d1f7a10/oauth2/v2.0/token":                                                     "/{id}/oauth2/v2.0/token",
		"/items/42": "/items/{id}",
	} {
		c := cloudtest.Start(t, clock.New())
		c.Handle("graph.microsoft.com", say("graph"))
		for range 2 {
			send(t, c.Client(), http.MethodGet, "https://graph.microsoft.com"+path, "")
		}
		_, calls := face(t, c, http.MethodGet, "/sim/calls", "")
		assert.JSONEq(t, fmt.Sprintf(`{"total":2,"calls":[{"host":"graph.microsoft.com","method":"GET","path":%q,"status":200,"count":2}]}`, want), calls)
	}
}

func TestAServeMuxNamesItsTemplates(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	mux := http.NewServeMux()
	mux.Handle("GET /{organization}/_apis/projects", say("projects"))
	c.Handle("dev.azure.com", mux)
	send(t, c.Client(), http.MethodGet, "https://dev.azure.com/contoso/_apis/projects", "")
	_, calls := face(t, c, http.MethodGet, "/sim/calls", "")
	assert.Contains(t, calls, `"/{organization}/_apis/projects"`)
}

func TestCallsAreForgottenOnRequest(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	send(t, c.Client(), http.MethodGet, "https://example.org/", "")
	_, calls := face(t, c, http.MethodGet, "/sim/calls?reset=true", "")
	assert.Contains(t, calls, `"total":1`)
	_, calls = face(t, c, http.MethodGet, "/sim/calls", "")
	assert.JSONEq(t, `{"total":0,"calls":[]}`, calls)

	send(t, c.Client(), http.MethodGet, "https://example.org/", "")
	status, _ := face(t, c, http.MethodDelete, "/sim/calls", "")
	assert.Equal(t, http.StatusNoContent, status)
	_, calls = face(t, c, http.MethodGet, "/sim/calls", "")
	assert.JSONEq(t, `{"total":0,"calls":[]}`, calls)
}

func TestStateIsOnePropertyForEachService(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	c.State("vaults", func() any { return []string{"v"} })
	c.State("graph", func() any { return map[string]int{"applications": 2} })
	_, state := face(t, c, http.MethodGet, "/sim/state", "")
	assert.JSONEq(t, `{"vaults":["v"],"graph":{"applications":2}}`, state)
}

func TestTimeMovesOnRequest(t *testing.T) {
	c := clock.New()
	front := cloudtest.Start(t, c)
	before := c.Now()
	status, body := face(t, front, http.MethodPost, "/sim/clock", `{"advance":"36h"}`)
	assert.Equal(t, http.StatusOK, status)
	var shown struct{ Now time.Time }
	require.NoError(t, json.Unmarshal([]byte(body), &shown))
	assert.WithinDuration(t, before.Add(36*time.Hour), shown.Now, time.Minute)
	assert.WithinDuration(t, before.Add(36*time.Hour), c.Now(), time.Minute)

	for order, want := range map[string]string{
		`{"advance":"soon"}`:     `advance: \"soon\" is not a duration above 0 such as 36h`,
		`{"advance":"-1h"}`:      `advance: \"-1h\" is not a duration above 0 such as 36h`,
		`{"forward":"1h"}`:       `decode: json: unknown field \"forward\"`,
		`{"advance":"1h"} again`: `decode: something follows the JSON value`,
	} {
		status, body := face(t, front, http.MethodPost, "/sim/clock", order)
		assert.Equal(t, http.StatusBadRequest, status, order)
		assert.Contains(t, body, want)
	}
}

func TestAnythingElseOnThePortIsNotFound(t *testing.T) {
	c := cloudtest.Start(t, clock.New())
	status, body := face(t, c, http.MethodGet, "/sim/nothing", "")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, body, "The simulator has no GET /sim/nothing.")
}

func TestTheAuthorityIsWrittenAndServesAddressesToo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	c, err := cloud.New(cloud.Options{CAFile: file})
	require.NoError(t, err)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, c.CertificatePEM(), written)

	listener, err := tls.Listen("tcp", "127.0.0.1:0", c.ServerTLS())
	require.NoError(t, err)
	defer listener.Close()
	go http.Serve(listener, say("administration"))
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(written))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		address := url.URL{Scheme: "https", Host: net.JoinHostPort(host, port)}
		_, body := send(t, client, http.MethodGet, address.String(), "")
		assert.Equal(t, "administration ", body)
	}
}

func TestAFileThatCannotBeWrittenIsAnError(t *testing.T) {
	_, err := cloud.New(cloud.Options{CAFile: filepath.Join(t.TempDir(), "missing", "ca.pem")})
	assert.ErrorContains(t, err, "cloud: write the authority's certificate: open")
}
