package entra

import (
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// tokenProblem is what the token endpoint answers instead of a token.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#error-response
type tokenProblem struct {
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
}

// reason is the description without the ids that follow it on lines of their own.
func (p tokenProblem) reason() string {
	first, _, _ := strings.Cut(p.Description, "\n")
	return shortened(first)
}

// verdict looks the codes up. Without one, or with one that says that Entra
// itself is in trouble, there is none.
//
// Microsoft warns that codes may change, which is why a code that is not here
// must not mean that a credential works or never will: it is Unverifiable, so
// that the policy decides and a person reads Entra's words.
//
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
func (p tokenProblem) verdict() (kind rotation.VerdictKind, spoken bool) {
	for _, code := range p.Codes {
		switch code {
		case 7000215, // the secret is wrong: the replica does not know it yet
			700027, // the certificate is not registered: likewise
			700016: // the application is not there: Graph has it in this tenant, so it is on its way
			return rotation.NotYet, true
		case 7000222, // the secret has expired
			7000214: // the certificate was revoked
			return rotation.Refused, true
		case 7000229, // the application has no service principal in the tenant
			7000112, // the application is disabled
			53003,   // blocked by Conditional Access
			530003,  // blocked for want of a managed device
			90002,   // there is no such tenant
			500011:  // there is no Graph in the tenant
			return rotation.Unverifiable, true
		case 90006, 90024, 90033, 90055, 50196: // try again: Entra is busy, or has been asked too often
			return 0, false
		}
	}
	return rotation.Unverifiable, len(p.Codes) > 0
}
