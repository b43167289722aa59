package outbound

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// PublicName says why a person may not have us call an address, or nothing. It must be
// HTTPS on its usual port, to a name that can be somebody's on the internet: no
// literal of an address, no name of this machine, of this network or of nobody.
func PublicName(address *url.URL) string {
	host := lower(address.Hostname())
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case address.Scheme != "https":
		return "must begin with https://"
	case address.User != nil:
		return "must hold no user name or password"
	case address.Port() != "" && address.Port() != "443":
		return "must use port 443"
	case address.Fragment != "":
		return "must have no fragment"
	case len(labels) < 2 || !isTopLevel(last) || !allLabels(labels):
		return "must name a host on the internet, such as hooks.example.com"
	case isReserved(host):
		return fmt.Sprintf("must name a host on the internet: %q is reserved for other uses", host)
	}
	return ""
}

// isTopLevel tells a domain from the last part of an address: no top-level domain
// begins with a digit, and so no way to write an address passes for a name.
func isTopLevel(label string) bool {
	return len(label) > 1 && (label[0] < '0' || label[0] > '9')
}

func allLabels(labels []string) bool {
	for _, label := range labels {
		if !isLabel(label) || len(label) > 63 {
			return false
		}
	}
	return true
}

// reserved are domains that no public host has.
// https://www.iana.org/assignments/special-use-domain-names
var reserved = []string{
	"localhost", "local", "internal", "test", "invalid", "onion", "alt", "home.arpa", "lan", "intranet", "corp", "home", "localdomain",
}

func isReserved(host string) bool {
	for _, domain := range reserved {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// Public is a transport for addresses that people give us. It connects to public
// addresses alone: what a name resolves to is judged at the moment of connecting, for
// each address, so that a name cannot be public when it is asked about and private a
// moment later.
//
// Through a proxy it is the proxy that resolves the name: then the proxy's own rules
// are what keeps a name from leading into the network behind it.
func Public(shared *http.Transport) http.RoundTripper {
	direct := shared.Clone()
	direct.Proxy = nil
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: -1, Control: refusePrivate}
	direct.DialContext = dialer.DialContext
	return public{shared, direct}
}

type public struct{ shared, direct *http.Transport }

// RoundTrip implements http.RoundTripper.
func (p public) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.shared.Proxy == nil {
		return p.direct.RoundTrip(r)
	}
	proxy, err := p.shared.Proxy(r)
	if err == nil && proxy != nil {
		return p.shared.RoundTrip(r)
	}
	return p.direct.RoundTrip(r)
}

// refusePrivate is asked about each address before a connection to it is made.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(to.Addr()) {
		return &Private{address}
	}
	return nil
}

// Private says that a name leads to an address that is not public.
type Private struct{ address string }

func (p *Private) Error() string {
	return fmt.Sprintf("outbound: the name leads to %s, which is not a public address", p.address)
}

// notPublic are the ranges that netip does not know by a name of their own: those of
// https://www.iana.org/assignments/iana-ipv4-special-registry and its sibling that are
// not globally reachable or lead to other addresses, and the one at which Azure's
// platform answers every machine
// (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4", "168.63.129.16/32",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "::/96",
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func isPublic(address netip.Addr) bool {
	address = address.Unmap()
	if !address.IsGlobalUnicast() || address.IsPrivate() {
		return false
	}
	for _, prefix := range notPublic {
		if prefix.Contains(address) {
			return false
		}
	}
	return true
}
