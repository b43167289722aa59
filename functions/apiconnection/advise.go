package apiconnection

import "github.com/rekey-dev/rekey/internal/rotation"

var _ rotation.Advisor = (*Target)(nil)

// Advise says that a connection may do without a secret: many connectors take the
// managed identity of the Logic App.
// https://learn.microsoft.com/azure/logic-apps/authenticate-with-managed-identity
func (t *Target) Advise(rotation.Application, rotation.TargetRow) []rotation.Advice {
	return []rotation.Advice{{
		Rule: "apiconnection-managed-identity", Page: "https://learn.microsoft.com/azure/logic-apps/authenticate-with-managed-identity",
		Finding: "the API connection signs in with a secret; where its connector takes a managed identity, it needs none",
		WayOut:  "if the page lists the connector, let the Logic App connect with its managed identity, and then delete this target",
	}}
}
