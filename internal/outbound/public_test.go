package outbound_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rekey-dev/rekey/internal/outbound"
)

func TestPublicNames(t *testing.T) {
	for address, want := range map[string]string{
		"https://hooks.example.com/x?y=z":   "",
		"https://xn--bcher-kva.example":     "",
		"https://hooks.example.com:443/":    "",
		"http://hooks.example.com/":         "must begin with https://",
		"https://a:b@hooks.example.com/":    "must hold no user name or password",
		"https://hooks.example.com:8443/":   "must use port 443",
		"https://hooks.example.com/#x":      "must have no fragment",
		"https://localhost/":                "must name a host on the internet, such as hooks.example.com",
		"https://127.0.0.1/":                "must name a host on the internet, such as hooks.example.com",
		"https://2130706433/":               "must name a host on the internet, such as hooks.example.com",
		"https://0x7f.1/":                   "must name a host on the internet, such as hooks.example.com",
		"https://[::1]/":                    "must name a host on the internet, such as hooks.example.com",
		"https://example.com./":             "must name a host on the internet, such as hooks.example.com",
		"https://bücher.example/":           "must name a host on the internet, such as hooks.example.com",
		"https://x.localhost/":              `must name a host on the internet: "x.localhost" is reserved for other uses`,
		"https://metadata.google.internal/": `must name a host on the internet: "metadata.google.internal" is reserved for other uses`,
		"https://PRINTER.LOCAL/":            `must name a host on the internet: "printer.local" is reserved for other uses`,
		"https:///":                         "must name a host on the internet, such as hooks.example.com",
	} {
		parsed, err := url.Parse(address)
		require.NoError(t, err)
		assert.Equal(t, want, outbound.PublicName(parsed), address)
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"20.42.65.90": true, "2603:1030::1": true, "::ffff:20.42.65.90": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.0.1": false, "169.254.169.254": false, "0.0.0.0": false,
		"100.100.100.200": false, "168.63.129.16": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fd00:ec2::254": false, "::ffff:10.0.0.1": false, "64:ff9b::a00:1": false,
		"2002:a00:1::": false, "ff02::1": false, "::127.0.0.1": false, "2001:0:a00:1::": false,
	} {
		assert.Equal(t, want, outbound.IsPublic(netip.MustParseAddr(address)), address)
	}
}

// A name is judged by what it leads to at the moment of connecting.
func TestNoConnectionIsMadeToAPrivateAddress(t *testing.T) {
	called := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	shared := server.Client().Transport.(*http.Transport)
	parsed, err := url.Parse(server.URL)
	require.NoError(t, err)
	for name, proxy := range map[string]func(*http.Request) (*url.URL, error){
		"without a proxy":            nil,
		"with none for this address": func(*http.Request) (*url.URL, error) { return nil, nil },
	} {
		for _, host := range []string{"127.0.0.1", "localhost"} {
			shared.Proxy = proxy
			_, err = outbound.Public(shared).RoundTrip(&http.Request{Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: host + ":" + parsed.Port()}, Header: http.Header{}})
			private := &outbound.Private{}
			require.ErrorAs(t, err, &private, name)
			assert.ErrorContains(t, err, "which is not a public address")
			assert.False(t, called)
		}
	}
}

// FuzzPublicNames: no way to write an address passes for a name.
func FuzzPublicNames(f *testing.F) {
	for _, seed := range []string{"https://hooks.example.com", "https://127.1", "https://[::ffff:127.0.0.1]", "https://0177.0.0.1", "https://1.1.1.1.", "https://x.internal"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		parsed, err := url.Parse(address)
		if err != nil || outbound.PublicName(parsed) != "" {
			return
		}
		assert.Equal(t, "https", parsed.Scheme)
		assert.Regexp(t, `^([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z][A-Za-z0-9-]+$`, parsed.Hostname())
	})
}
