// Package cloud is the front of the simulated Azure: an HTTPS CONNECT proxy that
// answers for the real host names, as an inspecting company proxy does. A program
// needs HTTPS_PROXY and the certificate of the throw-away authority, nothing else.
//
// It promises that
//   - nothing leaves the machine: a host nobody handles gets 501 and a JSON error
//     that names it (azcore retries a 502, so the answer must not be one), and
//     plain HTTP is passed on to loopback addresses only, because Node's SDKs send
//     even IDENTITY_ENDPOINT through the proxy;
//   - services see requests as Azure's do: h2 or HTTP/1.1, bodies un-gzipped, and
//     a request id already in the answer's x-ms-request-id header;
//   - every call is counted, and can be made to fail, before or after its effect.
//
// The simulator's own face is plain HTTP on the same port:
//
//	GET    /sim/calls    outside calls by host, method, path template and status; ?reset=true forgets them
//	DELETE /sim/calls    forget them
//	GET    /sim/state    what every service holds, one property each
//	GET    /sim/faults   the rules in force; PUT replaces them (see Fault), DELETE lifts them
//	GET    /sim/clock    the simulated time; POST {"advance":"36h"} moves it on
package cloud
