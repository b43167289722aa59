// Package entra is the identity side of the simulated cloud: one tenant, the
// store of its applications, service principals and managed identities, and the
// endpoints that issue tokens for them. Microsoft Graph and every other simulated
// service work on this store and ask it who calls.
//
// It promises that
//   - tokens are signed JWTs with the claims of Entra's access tokens, of version 1.0
//     unless an application's registration asks for 2.0, and Authenticate believes no
//     other; keys are rolled over on request, and those of before are shown on;
//   - a write reaches the replicas of the token service one after the other:
//     replica i has it after i+1 replication delays, and the requests for one
//     application go to the replicas in turn, so as many successes in a row as
//     there are replicas prove that all of them have it;
//   - what a client presents is really verified: the secret by its SHA-256, which
//     is all that is stored of it, the assertion by the registered certificate.
//
// Two clocks rule it. Credentials start, end and replicate in simulated time.
// Tokens and client assertions live in wall-clock time, because the other end
// that judges them is a process whose clock nobody moves.
//
// Facts: the endpoints and error bodies are those of the client credentials flow
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow),
// of certificate credentials
// (https://learn.microsoft.com/entra/identity-platform/certificate-credentials) and
// of App Service's managed identity endpoint
// (https://learn.microsoft.com/azure/app-service/overview-managed-identity).
// Where they are silent: a missing or disabled principal is reported before the
// credential is looked at, Conditional Access after it; people sign in by a call of
// SignIn, because there is no browser that a page could be shown in; an assertion needs a jti,
// but may be used twice; a secret before its start is a wrong one.
package entra
