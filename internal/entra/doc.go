// Package entra speaks to Microsoft Entra ID: to its directory through Microsoft
// Graph v1.0, with the official SDK but for what lists the tenant's applications, and
// to its token endpoint with plain HTTP.
//
// It promises that
//   - every method sends exactly one request to the service it is about (besides
//     those that get rekey's own token) and never repeats it: whether and when to
//     come back is the engine's decision, and a repeated addPassword would make a
//     second password;
//   - every error is a rotation.Fault whose class says whether the call may have
//     taken effect, and whose text quotes the service's own words;
//   - no error holds a secret: what was sent is never quoted, and neither is an
//     answer that should have been a success and could not be read.
//
// Facts come from the API reference
// (https://learn.microsoft.com/graph/api/resources/application), Graph's errors
// (https://learn.microsoft.com/graph/errors) and throttling
// (https://learn.microsoft.com/graph/throttling), the client credentials flow
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow)
// and the list of AADSTS codes
// (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
//
// Where they are silent, this is what was chosen:
//   - Graph calls colliding writes 400, 409 or 503; the code or the words decide.
//   - removePassword answers an unknown keyId with 400, or 404, and the words "No
//     password credential found with keyId": NotFound, which is not success. It
//     says the same of a password that was added seconds ago and has not
//     replicated; only a read can tell that it is gone.
//   - 401 is Denied: the token was fresh, so the identity lacks something.
//   - A 4xx without a class of its own is Transient, the class that promises least.
package entra
