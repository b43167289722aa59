package servicebus

import (
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/amqp"
)

// claims are the paths that a connection may attach to, with all below them.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide#claims-based-authorization
type claims struct{ paths map[string]bool }

func (c *claims) add(path string) {
	if c.paths == nil {
		c.paths = map[string]bool{}
	}
	c.paths[strings.ToLower(path)] = true
}

func (c *claims) cover(address string) bool {
	path := strings.ToLower(address)
	for {
		if c.paths[path] {
			return true
		}
		if path == "" {
			return false
		}
		path = path[:max(strings.LastIndexByte(path, '/'), 0)]
	}
}

const (
	operationProperty = "operation"
	putToken          = "put-token"
)

// putToken takes a token for an audience. It is not looked into.
func (c *connection) putToken(r *request) response {
	kind := amqp.Text(r.properties.Get("type"))
	switch {
	case r.operation != putToken:
		return response{code: 400, text: "The operation '" + r.operation + "' is not supported."}
	case kind != "servicebus.windows.net:sastoken" && kind != "jwt":
		return response{code: 400, text: "The token type '" + kind + "' is not supported."}
	case amqp.Text(r.message.Value()) == "":
		return response{code: 401, text: "InvalidSignature: The token has an invalid signature."}
	}
	c.claims.add(entityPath(amqp.Text(r.properties.Get("name"))))
	return response{code: 202, text: "Accepted"}
}
