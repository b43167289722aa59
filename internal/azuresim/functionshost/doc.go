// Package functionshost plays the Azure Functions host for a custom handler: it
// reads an app's folder as the real host does, starts the app's executable as a
// child process, fires the triggers and forwards HTTP requests, so that the very
// binary that runs in Azure can be tested over the wire.
//
// Facts: https://github.com/Azure/azure-functions-host (src/WebJobs.Script/Workers/Http),
// https://github.com/Azure/azure-webjobs-sdk-extensions (timers) and
// https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers.
//
// # What it promises
//
// Values travel as the real host encodes them, strings quoted twice, the metadata
// of a Service Bus message polluted by the fields of a JSON body unless the binding
// says "dataType": "binary". An answer that is empty or JSON null hangs the
// invocation until functionTimeout, which kills the process with all that is in
// flight. The process is always stopped with SIGKILL, on Linux also when the host's own
// process dies. A client that goes away never cancels the handler's request.
//
// A forwarded path goes through what Kestrel and .NET's Uri do to it: escapes are
// decoded, backslashes become slashes and dot segments disappear, so a path can
// arrive at the handler that is not the one the route was chosen by. Where it is
// not known how .NET treats a path (%2e that was escaped twice), the simulator does
// what helps an attacker. Query parameters of one name arrive joined by commas, and
// a body without Content-Length does not arrive at all.
//
// # Where the facts are silent
//
//   - functionTimeout, and only that, is measured by the wall clock, because it
//     measures the handler. All else reads Options.Clock.
//   - A timer whose next occurrence has passed as well when it fires says IsPastDue:
//     that is how time that was moved forward looks to a host that slept through it.
//     A timer's status does not outlive the Host.
//   - azservicebus has no prefetch: prefetchCount is read and ignored. A message that
//     is in flight when the Host stops stays locked until its lock ends.
//   - Errors of the process are forgotten after half an hour without another one, as
//     in the real host. Kill is no error.
//   - What is not simulated is refused at the start: other bindings, sessions,
//     function keys, identity-based connections, retry policies.
//
// Settings of host.json that only tune throttling, logging or scaling are accepted
// and ignored; unknown ones are errors, so that a misspelled one is found.
package functionshost
