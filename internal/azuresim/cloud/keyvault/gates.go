package keyvault

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// authenticate answers every unauthenticated call with the challenge that tells
// a client where to get a token and for what.
// https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
func (s *Service) authenticate(w http.ResponseWriter, r *http.Request, vault Vault) (entra.Caller, error) {
	challenge := fmt.Sprintf("Bearer authorization=%q, resource=%q", "https://login.windows.net/"+vault.TenantID, entra.VaultAudience)
	if r.Header.Get("Authorization") == "" {
		w.Header().Set("WWW-Authenticate", challenge)
		return entra.Caller{}, unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
	}
	caller, err := s.auth.Authenticate(r, entra.VaultAudience)
	if err != nil {
		w.Header().Set("WWW-Authenticate", challenge)
		return entra.Caller{}, unauthorized("[BearerReadAccessTokenFailed] Error validating token: " + err.Error())
	}
	if !strings.EqualFold(caller.TenantID, vault.TenantID) {
		w.Header().Set("WWW-Authenticate", challenge)
		return entra.Caller{}, unauthorized(fmt.Sprintf("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/%s/, found https://sts.windows.net/%s/.", vault.TenantID, caller.TenantID))
	}
	return caller, nil
}

// https://learn.microsoft.com/azure/key-vault/general/network-security
func checkNetwork(r *http.Request, caller entra.Caller, vault Vault) error {
	if vault.Firewall.Private {
		return forbidden("ForbiddenByConnection", "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: %s\r\nVault: %s;location=%s",
			describe(caller), vault.Name, vault.Location)
	}
	client, _ := netip.ParseAddrPort(r.RemoteAddr) // what is not an address is in no network
	if vault.Firewall.admits(client.Addr().Unmap()) {
		return nil
	}
	return forbidden("ForbiddenByFirewall", "Client address is not authorized and caller is not a trusted service.\r\nClient address: %s\r\nCaller: %s\r\nVault: %s;location=%s",
		client.Addr(), describe(caller), vault.Name, vault.Location)
}

func (s *Service) authorize(r *http.Request, caller entra.Caller, vault Vault, op operation) error {
	switch {
	case op.action == "":
		return nil
	case vault.RBAC:
		return s.authorizeByRole(r, caller, vault, op)
	case granted(vault.Policies, caller, op.kind, op.permission):
		return nil
	}
	return forbiddenByPolicy(caller, vault, op.kind, op.permission)
}

func (s *Service) authorizeByRole(r *http.Request, caller entra.Caller, vault Vault, op operation) error {
	resource := vault.ID
	if name := r.PathValue("name"); name != "" {
		resource += "/" + op.kind + "/" + name
	}
	if s.access.Allowed(caller.ObjectID, op.action, resource) {
		return nil
	}
	return forbiddenByRole(caller, vault, op.action, resource)
}

// granted ignores policies with an application, which apply to users who act
// through that application only.
func granted(policies []AccessPolicy, caller entra.Caller, kind, permission string) bool {
	return slices.ContainsFunc(policies, func(p AccessPolicy) bool {
		return p.ApplicationID == "" && strings.EqualFold(p.ObjectID, caller.ObjectID) && p.Permissions.grants(kind, permission)
	})
}

func (p Permissions) grants(kind, permission string) bool {
	verbs := map[string][]string{"keys": p.Keys, "secrets": p.Secrets, "certificates": p.Certificates}[kind]
	return slices.ContainsFunc(verbs, func(verb string) bool {
		return strings.EqualFold(verb, permission) || strings.EqualFold(verb, "all")
	})
}
