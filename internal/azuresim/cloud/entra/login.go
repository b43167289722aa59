package entra

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const authority = "https://login.microsoftonline.com/"

// ServeHTTP answers for login.microsoftonline.com: instance discovery, OpenID
// Connect metadata, signing keys and the v2.0 token endpoint.
func (d *Directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch r.Method + " " + path {
	case "GET discovery/instance":
		d.instance(w, r)
	case "GET v2.0/.well-known/openid-configuration":
		d.metadata(w, r, tenant)
	case "GET discovery/v2.0/keys":
		writeJSON(w, http.StatusOK, d.signer.keySet(d.issuer()))
	case "POST oauth2/v2.0/token":
		d.token(w, r, tenant)
	default:
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "not_found",
			"error_description": "The simulated Entra has no " + r.Method + " " + r.URL.Path + "."})
	}
}

// instance is what MSAL asks before it trusts an authority.
func (d *Directory) instance(w http.ResponseWriter, r *http.Request) {
	aliases := []string{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"}
	endpoint, err := url.Parse(r.URL.Query().Get("authorization_endpoint"))
	if err != nil || endpoint.Scheme != "https" || !slices.Contains(aliases, endpoint.Host) {
		unknownInstance().answer(w, d.clock.Now(), "")
		return
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(endpoint.Path, "/"), "/")
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": authority + tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": "login.microsoftonline.com",
			"preferred_cache":   "login.windows.net",
			"aliases":           aliases,
		}},
	})
}

func (d *Directory) metadata(w http.ResponseWriter, r *http.Request, tenant string) {
	issuer := d.tenantID
	switch tenant {
	case "common", "organizations":
		issuer = "{tenantid}"
	default:
		if refused := d.checkTenant(tenant); refused != nil {
			refused.answer(w, d.clock.Now(), correlation(r))
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"token_endpoint":                        authority + tenant + "/oauth2/v2.0/token",
		"authorization_endpoint":                authority + tenant + "/oauth2/v2.0/authorize",
		"issuer":                                authority + issuer + "/v2.0",
		"jwks_uri":                              authority + tenant + "/discovery/v2.0/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"subject_types_supported":               []string{"pairwise"},
	})
}

func (d *Directory) checkTenant(tenant string) *refusal {
	if strings.EqualFold(tenant, d.tenantID) {
		return nil
	}
	return unknownTenant(tenant)
}

func correlation(r *http.Request) string { return r.Header.Get("Client-Request-Id") }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // the client went away: there is nobody to tell
}
