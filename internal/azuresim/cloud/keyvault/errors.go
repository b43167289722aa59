package keyvault

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// refusal is an error answer of the service.
// https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
type refusal struct {
	status  int
	code    string
	inner   string
	message string
}

func (e *refusal) Error() string {
	return fmt.Sprintf("keyvault: %d %s %s: %s", e.status, e.code, e.inner, e.message)
}

func (e *refusal) body() any {
	type inner struct {
		Code string `json:"code"`
	}
	type detail struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   *inner `json:"innererror,omitempty"`
	}
	d := detail{Code: e.code, Message: e.message}
	if e.inner != "" {
		d.Inner = &inner{e.inner}
	}
	return struct {
		Error detail `json:"error"`
	}{d}
}

func badParameter(format string, args ...any) error {
	return &refusal{status: http.StatusBadRequest, code: "BadParameter", message: fmt.Sprintf(format, args...)}
}

func unauthorized(message string) error {
	return &refusal{status: http.StatusUnauthorized, code: "Unauthorized", message: message}
}

func forbidden(inner, format string, args ...any) error {
	return &refusal{status: http.StatusForbidden, code: "Forbidden", inner: inner, message: fmt.Sprintf(format, args...)}
}

func conflict(inner, format string, args ...any) error {
	return &refusal{status: http.StatusConflict, code: "Conflict", inner: inner, message: fmt.Sprintf(format, args...)}
}

func (c *call) notFound(id string) error {
	kind := nouns[c.kind]
	return &refusal{status: http.StatusNotFound, code: kind + "NotFound", message: fmt.Sprintf("A %s with (name/id) %s was not found in this key vault. If you recently deleted this %[1]s you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182", strings.ToLower(kind), id)}
}

func forbiddenByRole(caller entra.Caller, vault Vault, action, resource string) error {
	return forbidden("ForbiddenByRbac", "Caller is not authorized to perform action on resource.\r\n"+
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n"+
		"Caller: %s\r\nAction: '%s'\r\nResource: '%s'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n"+
		"DecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: %s;location=%s\r\n",
		describe(caller), action, strings.ToLower(resource), vault.Name, vault.Location)
}

func forbiddenByPolicy(caller entra.Caller, vault Vault, kind, permission string) error {
	return forbidden("AccessDenied", "The user, group or application '%s' does not have %s %s permission on key vault '%s;location=%s'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
		describe(caller), kind, permission, vault.Name, vault.Location)
}

func describe(c entra.Caller) string {
	return fmt.Sprintf("appid=%s;oid=%s;iss=https://sts.windows.net/%s/", c.AppID, c.ObjectID, c.TenantID)
}
