package main

import (
	"bytes"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// startTapped starts a stack whose messages are kept.
func startTapped(t *testing.T, change func(*Options)) (*Stack, *tap) {
	t.Helper()
	messages := &tap{}
	return startStack(t, func(o *Options) {
		o.Bus = func(connection string) string { return messages.between(t, connection) }
		if change != nil {
			change(o)
		}
	}), messages
}

// tap stands between the handler and the bus, which speak in the clear here, and
// keeps what goes over the wire in both directions.
type tap struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *tap) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// between returns a connection string that leads through the tap.
func (t *tap) between(test *testing.T, connection string) string {
	address := regexp.MustCompile(`sb://([0-9.:]+)`).FindStringSubmatch(connection)[1]
	listener := listen(test)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go t.join(client, address)
		}
	}()
	return strings.ReplaceAll(connection, address, listener.Addr().String())
}

func (t *tap) join(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(io.MultiWriter(server, t), client)
		_ = server.Close()
	}()
	_, _ = io.Copy(io.MultiWriter(client, t), server)
}
