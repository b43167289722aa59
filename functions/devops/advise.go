package devops

import (
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
)

var _ rotation.Advisor = (*Target)(nil)

// Advise says that a service connection can do without a secret.
// https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity
func (t *Target) Advise(_ rotation.Application, row rotation.TargetRow) []rotation.Advice {
	s, err := savedSettings(row)
	if err != nil {
		return nil
	}
	return []rotation.Advice{{
		Rule: "devops-federation", Page: "https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity",
		Finding: fmt.Sprintf("the service connection %q of %s/%s signs in with a %s; workload identity federation needs none", s.ServiceConnection, s.Organization, s.Project, row.Kind),
		WayOut:  "convert the service connection to workload identity federation in Azure DevOps, and then delete this target",
	}}
}
