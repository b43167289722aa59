// Package access says who sent a request, and which role they have. Whether that is
// enough for what they want is for the one who answers to decide.
//
// There are three ways in, and no other:
//
//   - A person's browser, by App Service authentication. The platform puts the claims
//     of who signed in into a header, and takes that header from everybody else. It does
//     so only where it is turned on, which WEBSITE_AUTH_ENABLED tells: without it the
//     header is what anybody may send, and counts for nothing
//     (https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities).
//   - A program or a person with an access token of Entra ID for rekey's own app
//     registration, which is verified here: who issued it, for whom, when, and by whose
//     signature (https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens).
//   - A program with an API key of rekey's own.
//
// It promises that
//
//   - a credential that was presented and is not right refuses the request: it never
//     falls through to another way in, and neither do two at once;
//   - of people and programs in Entra ID, roles come from the app roles of rekey's
//     registration and from nothing else, and only those of one tenant come in;
//   - Functions keys mean nothing;
//   - nothing of a credential is in an error.
package access
