// Package advice finds what needs no secret at all, and what secrets nobody needs any
// more: in the inventory of the tenant and in the targets that are configured.
//
// First it gathers, then rules judge: each rule is a pure function of the facts about
// one application, and a line in a list. What an integration knows better about its
// own targets it says itself (rotation.Advisor). Nothing is changed, and nothing that
// rekey may not read makes it fail: that is a finding too.
//
// Facts: https://learn.microsoft.com/entra/identity-platform/security-best-practices-for-app-registration
package advice
