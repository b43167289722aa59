package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Vaults are the Key Vaults that rekey can see. Errors are Faults.
type Vaults interface {
	// Find returns the resource id of a vault that is given by its name or its resource id.
	Find(ctx context.Context, vault string) (id string, err error)
	// Vault describes a vault and what rekey lacks there of what staging takes.
	Vault(ctx context.Context, vault string) (Vault, error)
	// Readable reads something of the kind, whether or not it is there.
	Readable(ctx context.Context, vault string, kind rotation.Kind) error
}

// Vault is a vault as Resource Manager describes it.
type Vault struct {
	ID              string
	SoftDelete      bool
	PurgeProtection bool
	Lacks           map[rotation.Kind][]string // permissions, in the words of the vault's model
}

func (d *Doctor) staging(ctx context.Context, _ Installation) (found []rotation.Finding, err error) {
	for _, kind := range rotation.Kinds() {
		if err := d.Vaults.Readable(ctx, d.StagingVault, kind); err != nil {
			unusable := d.judgeTarget(ctx, rotation.TargetRow{ID: string(kind)}, err)
			unusable.Finding = fmt.Sprintf("%ss cannot be staged: %s", kind, strings.TrimPrefix(unusable.Finding, fmt.Sprintf("the next delivery to the target %q would fail: ", kind)))
			found = append(found, unusable)
		}
	}
	vault, err := d.Vaults.Vault(ctx, d.StagingVault)
	if err != nil {
		return found, err
	}
	return append(found, judgeStaging(d.StagingVault, vault)...), nil
}

// judgeStaging looks at what keeps the only copies of new credentials.
func judgeStaging(name string, v Vault) (found []rotation.Finding) {
	for _, kind := range rotation.Kinds() {
		if lacks := v.Lacks[kind]; len(lacks) > 0 {
			found = append(found, rotation.Finding{
				Subject: string(kind), Severity: rotation.SeverityError,
				Finding: fmt.Sprintf("rekey's identity lacks %s at the staging vault %q: no %s can be staged", strings.Join(lacks, ", "), name, kind),
				Remedy:  "assign it Key Vault Secrets Officer and Key Vault Certificates Officer at the vault",
			})
		}
	}
	if !v.SoftDelete || !v.PurgeProtection {
		found = append(found, rotation.Finding{
			Subject: name, Severity: rotation.SeverityWarning,
			Finding: fmt.Sprintf("the staging vault %q lets what is deleted be lost: soft-delete and purge protection are not both on", name),
			Remedy:  fmt.Sprintf("az keyvault update --name %s --enable-purge-protection true", name),
		})
	}
	return found
}
