package cloud

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"sync"
)

// serveProxy answers what arrives on the proxy's port in plain text: CONNECT,
// requests in absolute form, and the simulator's own face.
func (c *Cloud) serveProxy(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		c.connect(w, r)
	case r.URL.IsAbs():
		c.forward(w, r)
	default:
		c.face.ServeHTTP(w, r)
	}
}

// connect accepts every CONNECT: an unknown host is told so inside TLS, where
// SDKs read the answer instead of retrying the connection.
func (c *Cloud) connect(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "CONNECT needs HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		conn.Close()
		return
	}
	c.tunnels.add(&tunnel{Conn: conn, reader: buffered.Reader})
}

// forward passes plain HTTP on, to this machine only; that may be the proxy itself.
func (c *Cloud) forward(w http.ResponseWriter, r *http.Request) {
	if r.URL.Scheme != "http" || !isLoopback(r.URL.Hostname()) {
		c.observed(r.URL.Hostname(), http.HandlerFunc(unknownHost)).ServeHTTP(w, r)
		return
	}
	c.loopback.ServeHTTP(w, r)
}

func newLoopbackProxy() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.Out.Host = p.In.Host },
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			writeError(w, http.StatusBadGateway, "BadGateway", "pass on "+r.URL.Redacted()+": "+err.Error())
		},
	}
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// Handler answers requests to the hosts, as if they had come through TLS: for whoever
// is in the same process, and wants no connections.
func (c *Cloud) Handler() http.Handler { return http.HandlerFunc(c.serveHost) }

// serveHost answers a request that came through TLS.
func (c *Cloud) serveHost(w http.ResponseWriter, r *http.Request) {
	host := hostname(r.Host)
	c.observed(host, c.handler(host)).ServeHTTP(w, r)
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		hostport = host
	}
	return strings.ToLower(hostport)
}

func (c *Cloud) handler(host string) http.Handler {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if h := c.hosts[host]; h != nil {
		return h
	}
	for domain := host; ; {
		_, parent, found := strings.Cut(domain, ".")
		if !found {
			return http.HandlerFunc(unknownHost)
		}
		if h := c.hosts["*."+parent]; h != nil {
			return h
		}
		domain = parent
	}
}

func unknownHost(w http.ResponseWriter, r *http.Request) {
	writeError(w, http.StatusNotImplemented, "HostNotSimulated",
		"The simulated Azure does not answer for "+hostname(r.Host)+".")
}

// tunnels is a net.Listener of the connections that CONNECT opened.
type tunnels struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newTunnels() *tunnels {
	return &tunnels{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (t *tunnels) add(conn net.Conn) {
	select {
	case t.conns <- conn:
	case <-t.closed:
		conn.Close()
	}
}

func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.closed:
		return nil, net.ErrClosed
	}
}

func (t *tunnels) Close() error {
	t.once.Do(func() { close(t.closed) })
	return nil
}

func (t *tunnels) Addr() net.Addr { return &net.TCPAddr{} }

// tunnel is a hijacked connection: what the client sent too early is in reader.
type tunnel struct {
	net.Conn
	reader *bufio.Reader
}

func (t *tunnel) Read(p []byte) (int, error) { return t.reader.Read(p) }
