package entra

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	clientCredentials = "client_credentials"
	jwtBearer         = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// grantRequest is a checked request for a token with client credentials: it has
// either a secret or an assertion.
type grantRequest struct {
	clientID, scope, secret, assertion string
}

func readGrant(r *http.Request) (request grantRequest, refused *refusal) {
	if refused := readForm(r); refused != nil {
		return request, refused
	}
	form := r.PostForm
	if grantType := form.Get("grant_type"); grantType == "" {
		return request, missing("grant_type")
	} else if grantType != clientCredentials {
		return request, &refusal{http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '" + grantType + "'."}
	}
	request = grantRequest{clientID: form.Get("client_id"), scope: form.Get("scope"), secret: form.Get("client_secret"), assertion: form.Get("client_assertion")}
	request.basic(r)
	switch {
	case request.clientID == "":
		return request, missing("client_id")
	case request.scope == "":
		return request, missing("scope")
	case request.assertion != "" && form.Get("client_assertion_type") != jwtBearer:
		return request, missing("client_assertion_type")
	case request.assertion == "" && request.secret == "":
		return request, invalidClient(7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
	}
	return request, nil
}

// readForm refuses what is no form, and a field that occurs twice.
func readForm(r *http.Request) *refusal {
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if contentType != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		return missing("grant_type")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return invalidRequest(9000411, "The request is not properly formatted. The parameter '%s' is duplicated.", name)
		}
	}
	return nil
}

func missing(parameter string) *refusal {
	return invalidRequest(900144, "The request body must contain the following parameter: '%s'.", parameter)
}

// basic reads client_secret_basic, whose two parts are form-encoded: RFC 6749, 2.3.1.
func (g *grantRequest) basic(r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return
	}
	if plain, err := url.QueryUnescape(id); err == nil {
		g.clientID = plain
	}
	if plain, err := url.QueryUnescape(secret); err == nil {
		g.secret = plain
	}
}

// audience turns a scope, "https://vault.azure.net/.default", into an audience.
// MSAL adds the OpenID Connect scopes to every request.
func (d *Directory) audience(scope string) (audience string, refused *refusal) {
	scopes := slices.DeleteFunc(strings.Fields(scope), func(one string) bool {
		return one == "openid" || one == "offline_access" || one == "profile"
	})
	audience, isDefault := strings.CutSuffix(strings.Join(scopes, " "), "/.default")
	if !isDefault || len(scopes) != 1 || audience == "" {
		return "", &refusal{http.StatusBadRequest, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid. The scope " + scope + " is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."}
	}
	if !d.knownResource(audience) {
		return "", &refusal{http.StatusBadRequest, "invalid_resource", 500011, "The resource principal named " + audience + " was not found in the tenant named " + d.tenantID + ". This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."}
	}
	return audience, nil
}
