package cloud

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

// Options say how to make a Cloud. All of them may be left out.
type Options struct {
	Clock  *clock.Clock
	Logger *slog.Logger
	// CAFile is where the authority's public certificate is written, as PEM.
	CAFile string
}

// Cloud is the proxy with the services behind it. Make one with New; its methods
// may be called from any goroutine.
type Cloud struct {
	clock   *clock.Clock
	logger  *slog.Logger
	ca      *authority
	calls   *calls
	faults  *faults
	face    *http.ServeMux
	records []func(Exchange)

	tunnels  *tunnels
	loopback *httputil.ReverseProxy
	inner    *http.Server
	outer    *http.Server

	mu     sync.RWMutex
	hosts  map[string]http.Handler
	states map[string]func() any

	serving     chan struct{}
	servingOnce sync.Once
	address     net.Addr
}

// New returns a Cloud without services: every host is unknown until Handle.
func New(opts Options) (*Cloud, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, fmt.Errorf("cloud: make the certificate authority: %w", err)
	}
	if opts.CAFile != "" {
		if err := os.WriteFile(opts.CAFile, ca.pem, 0o644); err != nil {
			return nil, fmt.Errorf("cloud: write the authority's certificate: %w", err)
		}
	}
	c := &Cloud{
		clock:    cmp.Or(opts.Clock, clock.New()),
		logger:   cmp.Or(opts.Logger, slog.New(slog.DiscardHandler)),
		ca:       ca,
		calls:    newCalls(),
		faults:   newFaults(),
		face:     http.NewServeMux(),
		tunnels:  newTunnels(),
		loopback: newLoopbackProxy(),
		hosts:    map[string]http.Handler{},
		states:   map[string]func() any{},
		serving:  make(chan struct{}),
	}
	c.mountFace()
	errorLog := slog.NewLogLogger(c.logger.Handler(), slog.LevelDebug)
	c.inner = &http.Server{Handler: http.HandlerFunc(c.serveHost), TLSConfig: c.ServerTLS(), ErrorLog: errorLog}
	c.outer = &http.Server{Handler: http.HandlerFunc(c.serveProxy), ErrorLog: errorLog}
	return c, nil
}

// Handle lets h answer for a host, "graph.microsoft.com", or for every host one
// or more labels below a domain, "*.vault.azure.net". An exact name wins over a
// pattern. h sees the real host name in Request.Host.
func (c *Cloud) Handle(host string, h http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts[strings.ToLower(host)] = h
}

// HandleLocal lets h answer plain HTTP on the proxy's own port, which is where
// App Service puts the managed identity endpoint of a machine. Such calls are
// counted, and can be made to fail, under the host "localhost".
func (c *Cloud) HandleLocal(pattern string, h http.Handler) {
	c.face.Handle(pattern, c.observed("localhost", h))
}

// State contributes one property to GET /sim/state. f is called for every
// request; what it returns is encoded as JSON and holds no secret.
func (c *Cloud) State(name string, f func() any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states[name] = f
}

// Serve answers on l until Close; it then returns nil.
func (c *Cloud) Serve(l net.Listener) error {
	c.servingOnce.Do(func() {
		c.address = l.Addr()
		close(c.serving)
	})
	inner := make(chan error, 1)
	go func() { inner <- c.inner.ServeTLS(c.tunnels, "", "") }()
	err := c.outer.Serve(l)
	c.tunnels.Close()
	c.inner.Close()
	if err = errors.Join(err, <-inner); errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("cloud: serve: %w", err)
}

// Close ends Serve and every connection.
func (c *Cloud) Close() error {
	return errors.Join(c.outer.Close(), c.inner.Close())
}

// CertificatePEM returns the authority's public certificate: what a client has to trust.
func (c *Cloud) CertificatePEM() []byte { return c.ca.pem }

// ServerTLS returns a configuration that mints a certificate for whatever server
// name a client asks for. Its key exchanges are those of Azure's front ends, which
// know no hybrid one.
func (c *Cloud) ServerTLS() *tls.Config {
	return &tls.Config{
		GetCertificate:   c.ca.certificate,
		NextProtos:       []string{"h2", "http/1.1"},
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384},
	}
}

// Client returns a client whose requests, once Serve runs, go through the proxy
// and that trusts the authority. Like any Go client, it bypasses no host by itself.
func (c *Cloud) Client() *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.ca.pem)
	return &http.Client{Transport: &http.Transport{
		Proxy:             c.proxy,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
	}}
}

func (c *Cloud) proxy(r *http.Request) (*url.URL, error) {
	address, err := c.Address(r.Context())
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: "http", Host: address}, nil
}

// Address returns host and port of the proxy; it waits until Serve was called.
func (c *Cloud) Address(ctx context.Context) (string, error) {
	select {
	case <-c.serving:
		return c.address.String(), nil
	case <-ctx.Done():
		return "", fmt.Errorf("cloud: wait for the proxy: %w", context.Cause(ctx))
	}
}
