// Package entra is the identity side of the simulated cloud: one tenant with its
// applications and principals, and the endpoints that issue tokens for them.
package entra
