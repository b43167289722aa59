package graph

import (
	"slices"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// Roles that reading needs, any of them. OwnedBy may read all applications.
// https://learn.microsoft.com/graph/permissions-reference#applicationreadwriteownedby
func mayReadApplications(token entra.Token) error {
	return anyOf(token, entra.RoleApplicationReadAll, entra.RoleApplicationReadWriteAll,
		entra.RoleApplicationReadWriteOwnedBy, entra.RoleDirectoryReadAll)
}

// mayReadPolicies: the permissions of
// https://learn.microsoft.com/graph/api/tenantappmanagementpolicy-get#permissions
func mayReadPolicies(token entra.Token) error {
	return anyOf(token, entra.RolePolicyReadAll, "Policy.Read.ApplicationConfiguration", "Policy.ReadWrite.ApplicationConfiguration")
}

func mayReadOrganization(token entra.Token) error {
	return anyOf(token, "Organization.Read.All", entra.RoleDirectoryReadAll)
}

// mayReadUsers is what the names of users take.
// https://learn.microsoft.com/graph/permissions-reference#userreadbasicall
func mayReadUsers(token entra.Token) error {
	return anyOf(token, entra.RoleUserReadBasicAll, entra.RoleUserReadAll, entra.RoleDirectoryReadAll)
}

// mayReadReports is what reports of sign-ins take.
// https://learn.microsoft.com/graph/api/reportroot-list-appcredentialsigninactivities
func mayReadReports(token entra.Token) error {
	return anyOf(token, entra.RoleAuditLogReadAll, entra.RoleDirectoryReadAll)
}

func mayCreateApplications(token entra.Token) error {
	return anyOf(token, entra.RoleApplicationReadWriteAll, entra.RoleApplicationReadWriteOwnedBy)
}

// mayWrite judges a write to one application.
func mayWrite(token entra.Token, app entra.Application) error {
	if anyOf(token, entra.RoleApplicationReadWriteAll) == nil {
		return nil
	}
	if !app.OwnedBy(token.ObjectID) {
		return denied()
	}
	return anyOf(token, entra.RoleApplicationReadWriteOwnedBy)
}

func anyOf(token entra.Token, roles ...string) error {
	for _, role := range roles {
		if slices.Contains(token.Roles, role) {
			return nil
		}
	}
	return denied()
}
