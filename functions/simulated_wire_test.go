package functions_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	"github.com/rekey-dev/rekey/internal/simulation"
)

// wire hands each request to the simulated Azure, as an effect of the invocation
// that makes it. It runs on the caller's goroutine.
type wire struct {
	cloud http.Handler
	// certificates are the digests of certificates by those of the PEM that held them.
	certificates map[string]string
}

func noNextProto() map[string]func(string, *tls.Conn) http.RoundTripper {
	return map[string]func(string, *tls.Conn) http.RoundTripper{}
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	w.remember(r, body)
	write := r.Method != http.MethodGet && r.URL.Host != loginHost
	answer, err := simulation.Call(r.Context(), nameOf(r), write, func() *http.Response { return w.serve(r, body) })
	if answer != nil {
		answer.Request = r
	}
	return answer, err
}

func (w *wire) serve(r *http.Request, body []byte) *http.Response {
	arrived := r.Clone(context.WithoutCancel(r.Context()))
	arrived.Body, arrived.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	arrived.Host, arrived.RequestURI = r.URL.Host, r.URL.RequestURI()
	recorder := httptest.NewRecorder()
	w.cloud.ServeHTTP(recorder, arrived)
	return recorder.Result()
}

// remember keeps what the digest of a PEM stands for: of a service connection no
// more than that is shown.
func (w *wire) remember(r *http.Request, body []byte) {
	if r.Method != http.MethodPut || r.URL.Host != devopsHost {
		return
	}
	var sent struct {
		Authorization struct{ Parameters map[string]string }
	}
	if json.Unmarshal(body, &sent) != nil {
		return
	}
	for _, text := range sent.Authorization.Parameters {
		for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				w.certificates[digest([]byte(text))] = digest(block.Bytes)
			}
		}
	}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

const (
	loginHost  = "login.microsoftonline.com"
	devopsHost = "dev.azure.com"
)

// wordOf is the part of the outside that a request goes to.
func wordOf(r *http.Request) string {
	switch host := r.URL.Host; {
	case host == "graph.microsoft.com":
		return "graph"
	case host == loginHost:
		return "entra"
	case host == stagingVault+".vault.azure.net":
		return "stage"
	case host == "api.vercel.com":
		return "vercel"
	case host == devopsHost:
		return "devops"
	case host != "management.azure.com":
		return "keyvault"
	case strings.Contains(r.URL.Path, "/Microsoft.Web/"):
		return "apiconnection"
	case strings.Contains(r.URL.Path, "/Microsoft.Compute/"), strings.Contains(r.URL.Path, "/Microsoft.Resources/"),
		strings.Contains(r.URL.Path, "/Microsoft.Storage/"), strings.Contains(r.URL.Path, "/Microsoft.ManagedIdentity/"):
		return "automation"
	}
	return "keyvault"
}

// varying are the parts of a path that differ from call to call.
var varying = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|place-\d+|rekey-[a-z0-9-]*\d[a-z0-9-]*|[0-9a-f]{32}|(dpl|prj|env)_[A-Za-z0-9]+|[A-Za-z0-9]{24,}|'[^']*'`)

// nameOf is how histories and coverage name a call.
func nameOf(r *http.Request) string {
	path := strings.ReplaceAll(strings.TrimPrefix(r.URL.Path, groupID), "/subscriptions/"+subscriptionID, "")
	return wordOf(r) + " " + r.Method + " " + varying.ReplaceAllString(path, "*")
}
