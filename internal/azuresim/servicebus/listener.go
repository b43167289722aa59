package servicebus

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// First bytes of what may come in.
const (
	firstOfAMQP = 'A'
	firstOfTLS  = 0x16
)

// sniffed is a connection of which the first byte was looked at.
type sniffed struct {
	net.Conn
	r *bufio.Reader
}

func (s *sniffed) Read(b []byte) (int, error) { return s.r.Read(b) }

// route serves a connection by its first byte, inside TLS if it is TLS.
func (n *Namespace) route(conn net.Conn, tlsConfig *tls.Config) {
	s := &sniffed{Conn: conn, r: bufio.NewReader(conn)}
	first, err := s.r.Peek(1)
	switch {
	case err != nil:
		conn.Close()
	case first[0] == firstOfAMQP:
		newConnection(n, s).serve()
	case first[0] == firstOfTLS && tlsConfig != nil:
		n.route(tls.Server(s, tlsConfig), nil)
	default:
		n.web.deliver(s)
	}
}

// handover is a listener whose connections others accepted.
type handover struct {
	conns chan net.Conn
	done  chan struct{}
}

func newHandover() *handover {
	return &handover{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (h *handover) deliver(conn net.Conn) {
	select {
	case h.conns <- conn:
	case <-h.done:
		conn.Close()
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error   { return nil }
func (h *handover) Addr() net.Addr { return &net.TCPAddr{} }

func newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second}
}
