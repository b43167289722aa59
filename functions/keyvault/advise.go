package keyvault

import "github.com/rekey-dev/rekey/internal/rotation"

var _ rotation.Advisor = (*Target)(nil)

// Advise says that whoever reads a vault in Azure can often do without what is in it:
// it proved who it is with a managed identity, or could.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
func (t *Target) Advise(_ rotation.Application, row rotation.TargetRow) []rotation.Advice {
	return []rotation.Advice{{
		Rule: "keyvault-managed-identity", Page: "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview",
		Finding: "the " + string(row.Kind) + " is delivered to a vault; what reads it there and runs in Azure could have a managed identity instead",
		WayOut:  "give the consumer a managed identity with the permissions of this application, and then delete this target",
	}}
}
