package keyvault

import (
	"context"
	"fmt"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Choices offers the vaults that rekey's identity can see, each with what decides
// who may use it, and the words that the other settings take.
func (t *Target) Choices(ctx context.Context, setting string, _ map[string]string) ([]rotation.Choice, error) {
	switch setting {
	case "vault":
		return t.vaultChoices(ctx)
	case "grant":
		return []rotation.Choice{
			{Value: string(GrantOfficer), Name: "may read and write"},
			{Value: string(GrantUser), Name: "may read"},
			{Value: string(GrantNone), Name: "nothing"},
		}, nil
	case "format":
		return []rotation.Choice{
			{Value: string(FormatPFX), Name: "a certificate of the vault (PFX)"},
			{Value: string(FormatPEM), Name: "a secret with certificate and private key (PEM)"},
			{Value: string(FormatCER), Name: "a secret with the certificate alone (CER)"},
		}, nil
	}
	return nil, rotation.Problem{Field: setting, Detail: "has no choices: vault, grant and format have"}
}

// vaultChoices are resource ids, so that no delivery has to search for its vault.
func (t *Target) vaultChoices(ctx context.Context) ([]rotation.Choice, error) {
	vaults, err := t.Vaults(ctx)
	if err != nil {
		return nil, err
	}
	choices := []rotation.Choice{}
	for _, v := range vaults {
		choice := rotation.Choice{Value: v.ID, Name: fmt.Sprintf("%s (%s, %s)", v.Name, v.Location, v.Authorization.words())}
		choices = append(choices, choice)
	}
	return choices, nil
}

func (m Model) words() string {
	if m == ModelRBAC {
		return "roles decide"
	}
	return "access policies decide"
}
