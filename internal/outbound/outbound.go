// Package outbound makes the HTTP clients of every outside call. Each is told whom
// it may call, because what it sends first is a token or a secret.
//
// It promises that
//
//   - a request to any other host ends before a connection is made, wherever its
//     address came from: a setting, a row, or a link in an answer;
//   - no redirect is followed. net/http would take a header of ours along to a
//     subdomain, and a body to any host at all where the status is 307 or 308; none
//     of the services here redirects a call that succeeds. A redirect is an answer
//     like another one, which no caller takes for a success;
//   - no answer is read without end.
package outbound

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/httpfault"
)

// To returns a client that calls these hosts over HTTPS, and nobody else. A host is
// a name, or "*." and a domain for the names one label below it.
func To(transport http.RoundTripper, hosts ...string) *http.Client {
	return Straight(bound{transport, hosts})
}

// Straight returns a client for an address that the platform or a setting gives. It
// follows no redirect away from it.
func Straight(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     staying{httpfault.Bounded(transport)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// staying takes from redirects where they lead. net/http would rewind the body for the
// request that it asks CheckRedirect about, while the first may still be sending it.
type staying struct{ transport http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s staying) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.transport.RoundTrip(r)
	if err == nil && response.StatusCode/100 == 3 {
		response.Header.Del("Location")
	}
	return response, err
}

// bound refuses what is not addressed to its hosts.
type bound struct {
	transport http.RoundTripper
	hosts     []string
}

// RoundTrip implements http.RoundTripper.
func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.allows(r) {
		if r.Body != nil {
			_ = r.Body.Close() // which RoundTrip promises, whatever comes of it
		}
		return nil, &Refusal{r.URL.Scheme, r.URL.Host}
	}
	return b.transport.RoundTrip(r)
}

func (b bound) allows(r *http.Request) bool {
	host := strings.TrimSuffix(r.URL.Host, ":443") // Resource Manager spells it so in some links
	if r.URL.Scheme != "https" || r.URL.User != nil || r.Host != "" && r.Host != r.URL.Host {
		return false
	}
	for _, allowed := range b.hosts {
		if Matches(allowed, host) {
			return true
		}
	}
	return false
}

// Matches reports whether a host, without a port, is the one that is allowed, or one
// label below it where that begins with "*.".
func Matches(allowed, host string) bool {
	host = lower(host)
	domain, isPattern := strings.CutPrefix(allowed, "*")
	if !isPattern {
		return host == allowed
	}
	label, isBelow := strings.CutSuffix(host, domain)
	return isBelow && isLabel(label)
}

// lower leaves other alphabets alone, some letters of which become ASCII in lower case.
func lower(host string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, host)
}

func isLabel(text string) bool {
	odd := func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }
	return text != "" && text[0] != '-' && !strings.ContainsFunc(text, odd)
}

// Refusal says that a call was not made.
type Refusal struct{ scheme, host string }

func (r *Refusal) Error() string {
	return fmt.Sprintf("outbound: %q is not where this call may go", r.scheme+"://"+r.host)
}

// NonRetriable tells the Azure SDK that trying again will not help.
func (*Refusal) NonRetriable() {}
