// Package api is the Azure function "api": the HTTP API, JSON in and out, with an
// OpenAPI 3.1 document generated from this code at /api/openapi.json.
//
// It decides nothing about rotations. It checks what a person gave, hands it to
// the engine, and shows what the engine has in its rows. The promises are:
//
//   - A refusal changes nothing; what the rules refuse is a line of the log. It is
//     a problem document (RFC 9457, https://www.rfc-editor.org/rfc/rfc9457) whose
//     errors name each field as the request spells it, say what would be right,
//     and never repeat what was sent: settings may hold what nobody else should read.
//   - PUT replaces: a field that is left out has its default afterwards. Fields
//     that nobody knows are refused, also where only their case is wrong.
//   - GET and PUT answer an ETag, PUT and DELETE take it as If-Match; a PUT with the
//     If-None-Match "*" creates only (RFC 9110,
//     https://www.rfc-editor.org/rfc/rfc9110#section-13).
//   - No answer holds a secret: the engine's rows have none, and nothing else is shown.
//   - Every answer has an X-Correlation-Id: the request's own, the id of its trace
//     (https://www.w3.org/TR/trace-context), or a new one. All lines of the log that
//     follow from the request carry it.
//   - Everything except /api/health answers only to those whom the table in access.go
//     lets use it, and never to a page of another site.
//
// Everything that is configured is also one document, in YAML or JSON, which GET
// /api/config gives and PUT takes:
//
//   - What the document has is created or changed, and has its defaults in what it
//     leaves out. What it does not have stays as it is, or with prune=true is deleted:
//     things of the sections that it has, and targets of the applications that it has.
//     Credentials stay in any case, and access tokens are in no document.
//   - It is checked as a whole, as single requests are, before the first change. Every
//     mistake is told with its line. dryRun=true then answers what would be done.
//   - What others name is saved first and deleted last. A change that is refused ends
//     it; the answer says which were made, and applying it again goes on from there.
//   - Applied twice, it changes nothing the second time: no row, no line of a log.
//
// Durations are decimal numbers whose unit is part of the field's name, kept to
// the nanosecond. Lists answer {"items":[…],"next":…}, where next is what the
// parameter cursor takes, or null after the last page.
package api
