package keyvault

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/rekey-dev/rekey/internal/rotation"
)

// Settings are what a user says of one target.
type Settings struct {
	// Vault is a vault's name, or its resource id, which saves the search for it.
	Vault string `json:"vault"`
	// Name is the secret's or the certificate's. It defaults to the application's,
	// made legal.
	Name string `json:"name"`
	// Format is how a certificate is kept, and empty for a client secret.
	Format Format `json:"format,omitempty"`
	// Template is what a secret holds, where that is more than the credential.
	Template string `json:"template,omitempty"`
	// Grant is what the application's service principal gets on the vault.
	Grant Grant `json:"grant"`
}

// Grant is how much an application may do with a vault's secrets or certificates.
type Grant string

// The grants. An officer may read and write all of them, a user may read them.
const (
	GrantOfficer Grant = "officer"
	GrantUser    Grant = "user"
	GrantNone    Grant = "none"
)

// vaultName returns the name, also where the vault is given by its resource id.
func (s Settings) vaultName() string { return s.Vault[strings.LastIndexByte(s.Vault, '/')+1:] }

// The limits on names. They also keep anything but names out of paths and of the
// commands that people are asked to run. Lengths are counted apart: a pattern that
// counts is compiled into as many copies of itself, at every start.
// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftkeyvault
var (
	vaultPattern  = regexp.MustCompile(`^[a-zA-Z](-?[0-9a-zA-Z])*$`)
	secretPattern = regexp.MustCompile(`^[0-9a-zA-Z-]+$`)
	groupPattern  = regexp.MustCompile(`^[\p{L}\p{N}_().-]+$`)
	guidPattern   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// reserved begins the names of what rekey keeps in the staging vault: staged copies of
// every application, and access tokens.
const reserved = "rekey-"

const vaultType = "Microsoft.KeyVault/vaults"

// CheckSettings decodes strictly, fills in defaults and reports every problem. It
// asks nobody: that the vault exists and lets rekey in is for Access to find out.
func (t *Target) CheckSettings(app rotation.Application, kind rotation.Kind, settings json.RawMessage) (json.RawMessage, []rotation.Problem) {
	s, problems := t.parse(app, kind, settings)
	if len(problems) > 0 {
		return nil, problems
	}
	normalised, err := json.Marshal(s)
	if err != nil {
		return nil, []rotation.Problem{{Detail: err.Error()}}
	}
	return normalised, nil
}

// parse reads settings as a user gave them or as they were saved.
func (t *Target) parse(app rotation.Application, kind rotation.Kind, settings json.RawMessage) (Settings, []rotation.Problem) {
	given, problems := fields(settings)
	s := Settings{
		Vault: strings.TrimSpace(given["vault"]), Name: given["name"], Grant: Grant(given["grant"]),
		Format: Format(given["format"]), Template: given["template"],
	}
	wrong := func(field, detail string) {
		if !slices.ContainsFunc(problems, func(p rotation.Problem) bool { return p.Field == field }) {
			problems = append(problems, rotation.Problem{Field: field, Detail: detail})
		}
	}
	if s.Name == "" {
		s.Name = legalName(app)
	}
	if s.Format == "" && kind == rotation.Certificate {
		s.Format = FormatPFX
	}
	s.checkContent(kind, wrong)
	if !isSecretName(s.Name) {
		wrong("name", "must be 1 to 127 letters, digits and hyphens, as Key Vault demands of a name")
	}
	var legal bool
	if s.Vault, legal = normaliseVault(s.Vault); !legal {
		wrong("vault", "must be the name of a Key Vault, or its resource id "+
			"/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.KeyVault/vaults/<name>")
	}
	if t.isStaging(s) && strings.HasPrefix(strings.ToLower(s.Name), reserved) {
		wrong("name", `must not begin with "`+reserved+`" in the staging vault, where such names are rekey's own`)
	}
	if s.Grant == "" {
		s.Grant = t.defaultGrant(s)
	}
	switch {
	case !slices.Contains([]Grant{GrantOfficer, GrantUser, GrantNone}, s.Grant):
		wrong("grant", `must be "officer", "user" or "none"`)
	case t.isStaging(s) && s.Grant != GrantNone:
		wrong("grant", `must be "none": this is the staging vault, which holds the credentials of every application`)
	}
	return s, problems
}

func (t *Target) defaultGrant(s Settings) Grant {
	if t.isStaging(s) {
		return GrantNone
	}
	return GrantOfficer
}

func (t *Target) isStaging(s Settings) bool {
	return strings.EqualFold(s.vaultName(), t.config.StagingVault)
}

// known are the settings, in words.
const known = "vault, name, grant, format and template"

// fields reads an object of strings. Its problems come in the order of the names.
func fields(settings json.RawMessage) (map[string]string, []rotation.Problem) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(settings, &raw); err != nil {
		return nil, []rotation.Problem{{Detail: "must be an object with the settings " + known}}
	}
	given := map[string]string{}
	var problems []rotation.Problem
	for _, field := range slices.Sorted(maps.Keys(raw)) {
		var text *string
		switch err := json.Unmarshal(raw[field], &text); {
		case !slices.Contains([]string{"vault", "name", "grant", "format", "template"}, field):
			problems = append(problems, rotation.Problem{Field: field, Detail: "is not a setting of a Key Vault target: those are " + known})
		case err != nil:
			problems = append(problems, rotation.Problem{Field: field, Detail: "must be a string"})
		case text != nil:
			given[field] = *text
		}
	}
	return given, problems
}

// normaliseVault accepts a name or a resource id, of which it keeps one spelling.
func normaliseVault(vault string) (string, bool) {
	if !strings.Contains(vault, "/") {
		return vault, isVaultName(vault)
	}
	id, err := arm.ParseResourceID(vault)
	if err != nil || !strings.EqualFold(id.ResourceType.String(), vaultType) || !isVaultName(id.Name) ||
		!guidPattern.MatchString(id.SubscriptionID) || !isGroupName(id.ResourceGroupName) {
		return vault, false
	}
	return fmt.Sprintf("/subscriptions/%s/resourceGroups/%s/providers/%s/%s",
		strings.ToLower(id.SubscriptionID), id.ResourceGroupName, vaultType, id.Name), true
}

func isVaultName(name string) bool {
	return len(name) >= 3 && len(name) <= 24 && vaultPattern.MatchString(name)
}

func isSecretName(name string) bool { return len(name) <= 127 && secretPattern.MatchString(name) }

func isGroupName(name string) bool {
	return utf8.RuneCountInString(name) <= 90 && groupPattern.MatchString(name)
}
