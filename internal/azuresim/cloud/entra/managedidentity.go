package entra

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// managedIdentityLifetime is how long the platform's tokens live.
const managedIdentityLifetime = 24 * time.Hour

// IdentityHeader is the secret that IDENTITY_HEADER holds.
func (d *Directory) IdentityHeader() string { return d.identity }

// ManagedIdentity answers for the endpoint that IDENTITY_ENDPOINT names, as App
// Service and Functions do. Unlike the platform it keeps no tokens: a role is in
// the next one.
// https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
func (d *Directory) ManagedIdentity() http.Handler { return http.HandlerFunc(d.identityToken) }

func (d *Directory) identityToken(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	resource := query.Get("resource")
	switch {
	case r.Method != http.MethodGet:
		identityError(w, http.StatusMethodNotAllowed, "The endpoint answers GET.")
	case r.Header.Get("X-Identity-Header") != d.identity:
		identityError(w, http.StatusUnauthorized, "X-IDENTITY-HEADER is missing or wrong.")
	case query.Get("api-version") != "2019-08-01":
		identityError(w, http.StatusBadRequest, "The api-version has to be 2019-08-01.")
	case !d.knownResource(resource):
		identityError(w, http.StatusBadRequest, unknownResource(resource, d.tenantID).Error())
	default:
		d.answerIdentity(w, resource, query.Get)
	}
}

func (d *Directory) answerIdentity(w http.ResponseWriter, resource string, selector func(string) string) {
	sp, found := d.managedIdentity(selector)
	if !found {
		identityError(w, http.StatusBadRequest, "No managed identity was found for the given id.")
		return
	}
	expires := time.Now().Add(managedIdentityLifetime)
	token, err := d.issue(sp, resource, provedByCertificate, managedIdentityLifetime)
	if err != nil {
		identityError(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{
		"access_token": token,
		"expires_on":   strconv.FormatInt(expires.Unix(), 10),
		"resource":     resource,
		"token_type":   "Bearer",
		"client_id":    strings.ToUpper(sp.AppID),
	})
}

// managedIdentity picks the identity that the query names; without a name the first.
func (d *Directory) managedIdentity(selector func(string) string) (ServicePrincipal, bool) {
	for _, sp := range d.ServicePrincipals(0) {
		if sp.Type == TypeManagedIdentity && sp.selected(selector) {
			return sp, true
		}
	}
	return ServicePrincipal{}, false
}

func (sp ServicePrincipal) selected(selector func(string) string) bool {
	for parameter, own := range map[string]string{
		"client_id": sp.AppID, "principal_id": sp.ObjectID, "object_id": sp.ObjectID, "mi_res_id": sp.ResourceID,
	} {
		if wanted := selector(parameter); wanted != "" && !strings.EqualFold(wanted, own) {
			return false
		}
	}
	return true
}

func identityError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"statusCode": status, "message": message})
}
