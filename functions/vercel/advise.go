package vercel

import "github.com/rekey-dev/rekey/internal/rotation"

var _ rotation.Advisor = (*Target)(nil)

// Advise says that what runs at Vercel can do without a secret: Vercel issues tokens
// that Entra ID can trust.
// https://vercel.com/docs/oidc/azure
func (t *Target) Advise(rotation.Application, rotation.TargetRow) []rotation.Advice {
	return []rotation.Advice{{
		Rule: "vercel-federation", Page: "https://vercel.com/docs/oidc/azure",
		Finding: "the project at Vercel gets a secret as a variable; with Vercel's tokens as a federated credential it needs none",
		WayOut:  "turn on OIDC federation in the project, add a federated credential for it to the application, sign in with that, and then delete this target",
	}}
}
