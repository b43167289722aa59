package keyvault

import (
	"fmt"
	"strings"
)

// wanted is what one principal is to have on a vault: the role where roles decide,
// the verbs where access policies do.
type wanted struct {
	principal string
	kind      Kind
	role      role
	verbs     verbs
}

// verbs are those of an access policy.
type verbs struct{ secrets, certificates []string }

// A role of Key Vault's data plane.
// https://learn.microsoft.com/azure/key-vault/general/rbac-guide#azure-built-in-roles-for-key-vault-data-plane-operations
type role struct {
	id, name string
	wider    []string // roles that grant as much
}

const (
	administratorID      = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
	readerID             = "21090545-7ca7-4776-b22c-e363652d74d2"
	secretsOfficerID     = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
	secretsUserID        = "4633458b-17de-408a-b874-0445c86b69e6"
	certificateOfficerID = "a4417e6f-fecd-4de8-b567-7b0420556985"
	certificateUserID    = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba"
)

func reader() role {
	return role{readerID, "Key Vault Reader", []string{certificateOfficerID, certificateUserID, administratorID}}
}

func secretsUser() role {
	return role{secretsUserID, "Key Vault Secrets User", []string{secretsOfficerID, certificateUserID, administratorID}}
}

func secretsOfficer() role {
	return role{secretsOfficerID, "Key Vault Secrets Officer", []string{administratorID}}
}

func certificatesOfficer() role {
	return role{certificateOfficerID, "Key Vault Certificates Officer", []string{administratorID}}
}

// forSelf is what rekey needs itself. Recovering a soft-deleted name is its part
// alone, and reading a private key is not.
func (s Settings) forSelf(principal string) wanted {
	if s.asCertificate() {
		return wanted{principal, KindSystem, certificatesOfficer(), verbs{certificates: []string{"get", "list", "import", "recover"}}}
	}
	return wanted{principal, KindSystem, secretsOfficer(), verbs{secrets: []string{"get", "list", "set", "recover"}}}
}

// forApplication is what the settings grant the application's account. Who uses a
// certificate needs its private key, which is read as a secret. Key Vault
// Certificate User would be both roles of a user in one, but Key Vault Data Access
// Administrator, which is enough for rekey, may not assign it.
func (s Settings) forApplication(principal string, model Model) []wanted {
	roles, v := []role{secretsOfficer()}, verbs{secrets: []string{"get", "list", "set"}}
	reads := []string{"get", "list"}
	switch user := s.Grant == GrantUser; {
	case s.asCertificate() && user:
		roles, v = []role{reader(), secretsUser()}, verbs{secrets: reads, certificates: reads}
	case s.asCertificate():
		roles, v = []role{certificatesOfficer(), secretsUser()}, verbs{secrets: reads, certificates: []string{"get", "list", "import"}}
	case user:
		roles, v = []role{secretsUser()}, verbs{secrets: reads}
	}
	if model != ModelRBAC {
		roles = roles[:1]
	}
	var all []wanted
	for _, r := range roles {
		all = append(all, wanted{principal, KindApplication, r, v})
	}
	return all
}

// report describes the grant by the vault's model.
func (w wanted) report(v managedVault) GrantedTo {
	g := GrantedTo{Principal: w.principal, Kind: w.kind}
	if v.model == ModelRBAC {
		g.Role = w.role.name
	} else {
		g.Permissions, g.CertificatePermissions = w.verbs.secrets, w.verbs.certificates
	}
	return g
}

// command is what somebody who may grant can run.
func (w wanted) command(v managedVault) string {
	if v.model == ModelRBAC {
		return assignCommand(w.role.name, w.principal, v.id)
	}
	command := fmt.Sprintf("az keyvault set-policy --subscription %s --name %s --object-id %s", v.subscription, v.name, w.principal)
	held := v.held(w.principal)
	return command + option("--secret-permissions", held.secrets, w.verbs.secrets) +
		option("--certificate-permissions", held.certificates, w.verbs.certificates)
}

// option names what is held as well: set-policy replaces it.
func option(name string, held, verbs []string) string {
	if len(verbs) == 0 {
		return ""
	}
	return " " + name + " " + strings.Join(append(held, lacking(held, verbs)...), " ")
}

// https://learn.microsoft.com/cli/azure/role/assignment#az-role-assignment-create
func assignCommand(role, principal, scope string) string {
	return fmt.Sprintf("az role assignment create --role %q --assignee-object-id %s --assignee-principal-type ServicePrincipal --scope \"%s\"",
		role, principal, scope)
}
