// Package client calls rekey's HTTP API over the wire, for the command line.
//
// It promises that
//
//   - what says who calls goes to the server that was named and nowhere else: the
//     server must be reached by HTTPS unless it is this machine itself, and no
//     redirect is followed;
//   - a refusal is an error with the API's own words, and names the fields that are
//     wrong; whoever reads it can tell a refusal (Problem), a server that could not be
//     reached (Unreachable) and a credential that could not be had (NoCredential);
//   - Retry-After is honoured, for at most so long as it is told, and never for a
//     request that might have taken effect and would do so twice;
//   - answers are documents as they came: nothing is lost of what this version does
//     not know. The API's description is at /api/openapi.json.
package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/outbound"
)

// Options say which server is called, and how.
type Options struct {
	Server    string // https://…, or http://… on this machine
	Transport http.RoundTripper
	// Authorize adds what says who calls. It may be nil.
	Authorize func(context.Context, http.Header) error
	Agent     string        // of User-Agent
	Timeout   time.Duration // of one call
	Patience  time.Duration // how long Retry-After may take in all, in one Do
	Now       func() time.Time
	// Pause waits, or returns the context's error.
	Pause func(context.Context, time.Duration) error
}

// Client calls one server. It may be used from any goroutine.
type Client struct {
	options Options
	base    *url.URL
	http    *http.Client
}

// New returns a client. It calls nobody yet.
func New(o Options) (*Client, error) {
	base, err := parse(o.Server)
	if err != nil {
		return nil, err
	}
	caller := outbound.Straight(o.Transport)
	if base.Scheme == "https" {
		caller = outbound.To(o.Transport, strings.ToLower(strings.TrimSuffix(base.Host, ":443")))
	}
	return &Client{options: o, base: base, http: caller}, nil
}

// ErrServer says that an address is none that may be called.
var ErrServer = errors.New("client: the server must be an address such as https://rekey.example.org, without a user, a query or a fragment")

func parse(server string) (*url.URL, error) {
	base, err := url.Parse(server)
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, ErrServer
	}
	switch {
	case base.Scheme == "https", base.Scheme == "http" && loopback(base.Hostname()):
		base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/"), ""
		return base, nil
	case base.Scheme == "http":
		return nil, fmt.Errorf("client: %q would be called without encryption; only this machine itself may be, use https", base.Host)
	}
	return nil, ErrServer
}

// Loopback reports whether the server is this machine.
func (c *Client) Loopback() bool { return loopback(c.base.Hostname()) }

func loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}
