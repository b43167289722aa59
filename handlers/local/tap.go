package main

import (
	"io"
	"net"
	"regexp"
	"strings"
)

// tap stands between the handler and the bus, which speak in the clear here, and
// keeps what goes over the wire in both directions.
type tap struct {
	kept     io.Writer // takes writes from any goroutine
	listener net.Listener
}

var busAddress = regexp.MustCompile(`sb://([0-9.:]+)`)

// tapped returns a connection string that leads through a tap.
func tapped(connection string, kept io.Writer) (*tap, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	t := &tap{kept: kept, listener: listener}
	address := busAddress.FindStringSubmatch(connection)[1]
	go t.serve(address)
	return t, strings.ReplaceAll(connection, address, listener.Addr().String()), nil
}

func (t *tap) serve(address string) {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return
		}
		go t.join(client, address)
	}
}

func (t *tap) join(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(io.MultiWriter(server, t.kept), client)
		_ = server.Close()
	}()
	_, _ = io.Copy(io.MultiWriter(client, t.kept), server)
}

// Close takes no more connections.
func (t *tap) Close() error { return t.listener.Close() }
