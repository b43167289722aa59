package outbound_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/outbound"
)

// wire takes every request that is let through, and answers it.
type wire struct {
	hosts  []string
	answer func(*http.Request) *http.Response
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.hosts = append(w.hosts, r.URL.Host)
	if w.answer != nil {
		return w.answer(r), nil
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

func TestOnlyTheNamedHostsAreCalled(t *testing.T) {
	for name, c := range map[string]struct {
		address string
		called  bool
	}{
		"a host by its name":           {"https://api.vercel.com/v2", true},
		"one label below a domain":     {"https://shop.vault.azure.net/secrets", true},
		"in capitals":                  {"https://Shop.Vault.Azure.NET/", true},
		"with the port of HTTPS":       {"https://api.vercel.com:443/", true},
		"another host":                 {"https://elsewhere.example/", false},
		"without TLS":                  {"http://api.vercel.com/", false},
		"another port":                 {"https://api.vercel.com:8443/", false},
		"its name before another host": {"https://api.vercel.com.elsewhere.example/", false},
		"its name after another host":  {"https://elsewhere-api.vercel.com/", false},
		"its name as a user":           {"https://api.vercel.com@elsewhere.example/", false},
		"a user before its name":       {"https://somebody:secret@api.vercel.com/", false},
		"the domain itself":            {"https://vault.azure.net/", false},
		"no label before the domain":   {"https://.vault.azure.net/", false},
		"two labels below the domain":  {"https://a.b.vault.azure.net/", false},
		"the domain without its dot":   {"https://xvault.azure.net/", false},
		"a dot at the end":             {"https://shop.vault.azure.net./", false},
		"an escaped slash":             {"https://elsewhere.example%2f.vault.azure.net/", false},
		"another alphabet's dot":       {"https://elsewhere.example%E3%80%82x.vault.azure.net/", false},
		"another alphabet's k":         {"https://to%E2%84%AAen.vault.azure.net/", false},
		"an address":                   {"https://10.0.0.4/", false},
		"the platform's address":       {"https://169.254.169.254/metadata/identity", false},
		"an address of six bytes":      {"https://[::ffff:169.254.169.254]/", false},
		"a number":                     {"https://2852039166/", false},
		"this machine":                 {"https://localhost/", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := &wire{}
			answer, err := outbound.To(w, "api.vercel.com", "*.vault.azure.net").Get(c.address)
			if c.called {
				require.NoError(t, err)
				assert.NoError(t, answer.Body.Close())
				assert.Len(t, w.hosts, 1)
				return
			}
			refusal, refused := errors.AsType[*outbound.Refusal](err)
			if refused { // else the address is none
				assert.Contains(t, refusal.Error(), "is not where this call may go")
				assert.NotContains(t, err.Error(), "secret")
			}
			assert.Error(t, err)
			assert.Empty(t, w.hosts)
		})
	}
}

func TestARequestInTheNameOfAnotherHostIsRefused(t *testing.T) {
	w := &wire{}
	request, err := http.NewRequest(http.MethodGet, "https://api.vercel.com/", nil)
	require.NoError(t, err)
	request.Host = "elsewhere.example"
	_, err = outbound.To(w, "api.vercel.com").Do(request)
	assert.ErrorContains(t, err, `outbound: "https://api.vercel.com" is not where this call may go`)
	assert.Empty(t, w.hosts)
}

// TestNoRedirectIsFollowed proves it to hosts that may be called, too: another vault
// is as foreign as another domain.
func TestNoRedirectIsFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, where := range []string{"https://elsewhere.example/", "https://other.vault.azure.net/", "http://shop.vault.azure.net/", "/there"} {
			t.Run(fmt.Sprint(status, " ", where), func(t *testing.T) {
				w := &wire{answer: func(r *http.Request) *http.Response {
					return &http.Response{StatusCode: status, Header: http.Header{"Location": {where}}, Body: http.NoBody, Request: r}
				}}
				request, err := http.NewRequest(http.MethodPut, "https://shop.vault.azure.net/secrets/x", strings.NewReader("credential"))
				require.NoError(t, err)
				answer, err := outbound.To(w, "*.vault.azure.net").Do(request)
				require.NoError(t, err)
				assert.NoError(t, answer.Body.Close())
				assert.Equal(t, status, answer.StatusCode)
				assert.Equal(t, []string{"shop.vault.azure.net"}, w.hosts)
			})
		}
	}
}

// TestARedirectTakesNothingAlong is the same over the wire, for addresses that
// settings give.
func TestARedirectTakesNothingAlong(t *testing.T) {
	var taken []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		taken = append(taken, fmt.Sprint(r.Header, string(body)))
	}))
	defer elsewhere.Close()
	store := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer store.Close()
	answer, err := outbound.Straight(http.DefaultTransport).Post(store.URL, "text/plain", strings.NewReader("credential"))
	require.NoError(t, err)
	assert.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusTemporaryRedirect, answer.StatusCode)
	assert.Empty(t, taken)
}

// FuzzTo: whatever the address, what is called is a vault.
func FuzzTo(f *testing.F) {
	for _, seed := range []string{"shop.vault.azure.net", "a@b.vault.azure.net", "x#.vault.azure.net", "x\\.vault.azure.net", "[::1].vault.azure.net"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		w := &wire{}
		answer, err := outbound.To(w, "*.vault.azure.net").Do(&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: host}})
		if err == nil {
			assert.NoError(t, answer.Body.Close())
		}
		for _, called := range w.hosts {
			assert.Regexp(t, `^[A-Za-z0-9][A-Za-z0-9-]*(?i:\.vault\.azure\.net)(:443)?$`, called)
		}
	})
}
