package customhandler

import (
	"net"
	"net/http"
	"strings"
)

const invocationHeader = "X-Azure-Functions-InvocationId"

// frontEndHeaders are set on every request from outside and on none of the host's
// own: the host itself tells outside requests by the first of them.
// https://github.com/Azure/azure-functions-host, HttpRequestExtensions.IsAppServiceInternalRequest
var frontEndHeaders = [...]string{"X-Arr-Log-Id", "X-Forwarded-For", "Forwarded"}

// whyNotHost says why this request cannot be the host's own call; nothing if it is.
// The package documentation says why the path cannot tell.
func whyNotHost(r *http.Request) (reason string) {
	if ids := r.Header.Values(invocationHeader); len(ids) != 1 || ids[0] == "" || strings.Contains(ids[0], ",") {
		return "it does not carry exactly one invocation id"
	}
	if !addressedToUs(r) {
		return "it is not addressed to this process"
	}
	for _, name := range frontEndHeaders {
		if r.Header.Get(name) != "" {
			return "it came through a front end: " + name
		}
	}
	return ""
}

// addressedToUs compares the Host header with the socket: loopback and our port.
func addressedToUs(r *http.Request) bool {
	local, known := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !known {
		return false
	}
	_, ourPort, err := net.SplitHostPort(local.String())
	if err != nil {
		return false
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil || port != ourPort {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
