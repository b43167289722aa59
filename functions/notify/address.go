package notify

import (
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// An Addressed channel checks the addresses that people give it.
type Addressed interface {
	// Host returns the host of an address, or in an error what would be right. The
	// error does not repeat the address.
	Host(address string) (string, error)
}

// Host returns the host of an address for a channel that has one.
func (c Config) Host(channel rotation.Channel, address string) (string, error) {
	sender, ok := c.Senders[channel].(Addressed)
	if !ok {
		return "", rotation.Permanently("must not be given: this channel has no address")
	}
	return sender.Host(address)
}

// Host implements Addressed.
func (h hook) Host(address string) (string, error) {
	parsed, err := h.parse(address)
	if err != nil {
		return "", err
	}
	return strings.ToLower(parsed.Hostname()), nil
}

// below reports whether a host is the one that is allowed, or any number of labels
// below it where that begins with "*.".
func below(host, allowed string) bool {
	host = strings.ToLower(host)
	if domain, isPattern := strings.CutPrefix(allowed, "*"); isPattern {
		return strings.HasSuffix(host, domain)
	}
	return host == allowed
}

func list(hosts []string) string { return strings.Join(hosts, " or ") }
