// Package customhandler speaks the wire protocol between the Azure Functions
// host and a custom handler: it decodes the host's trigger calls, serves them and
// the HTTP requests that the host forwards, and knows nothing of what they do.
//
// Facts: https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers
// and the host's source, https://github.com/Azure/azure-functions-host, folder
// src/WebJobs.Script/Workers/Http.
//
// # Promises
//
// A trigger that returns nil answers 200 with a JSON object, because the host
// waits for its function timeout when the body is empty or null. An error, a panic
// or a call that cannot be decoded answers 500, which is the host's word for a
// failed invocation, and is logged with the function and the invocation id, because
// the host drops the log lines of a failed answer. Every context ends after
// [Options].Timeout: the host never cancels a request, it kills the process.
//
// # Values
//
// The host encodes an object as an object, a number as "1", an array as a string
// of JSON, bytes as base64 and a string as a JSON string that holds a quoted JSON
// string. The decoders here accept every one of these forms wherever a value may
// stand. Metadata of a Service Bus message is a hint: without "dataType": "binary"
// the host copies the fields of a JSON body over it, so metadata of the wrong type
// reads as absent and never fails an invocation.
//
// # Doors
//
// The host calls a trigger as POST /{function} and forwards an outside request to
// an HTTP function on the same port, with the outside method, path and headers. An
// outsider must not reach trigger code, and the path alone cannot promise that. The
// methods in dashboard's function.json let no POST through, but the API has to
// accept POST, and the host normalizes what it forwards: it matches the route
// against the decoded path and then builds a .NET Uri from it, in which a backslash
// is a slash and dot segments disappear. POST /api/..%5Crotate matches the route
// api/{*path} and arrives here as POST /rotate.
//
// What an outsider cannot choose is whom the request is addressed to. The host
// copies the outside Host header into what it forwards, and Azure's front end
// routes by that header, so it names the app. The host's own calls go to
// 127.0.0.1 and the port that this process listens on. So a trigger call is a POST
// whose request target is exactly /{function}, byte for byte, without a query; that
// is addressed to a loopback name and the port of the connection it came by; that
// carries one invocation id (the host adds its own to one that an outsider sent);
// and that bears none of the marks of a front end. All else on such a path is
// refused: 405 unless POST, 403 if it was not the host that called. Any other
// spelling of it (another case, %72otate, //rotate, /rotate/, /./rotate, absolute
// form) is an ordinary path of the HTTP functions. Headers that ask for another
// method are not read.
//
// GET / without an invocation id is the host's readiness probe and touches no
// function.
package customhandler
