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
		return request, missingParameter("grant_type")
	} else if grantType != clientCredentials {
		return request, unsupportedGrant(grantType)
	}
	request = grantRequest{clientID: form.Get("client_id"), scope: form.Get("scope"), secret: form.Get("client_secret"), assertion: form.Get("client_assertion")}
	request.basic(r)
	switch {
	case request.clientID == "":
		return request, missingParameter("client_id")
	case request.scope == "":
		return request, missingParameter("scope")
	case request.assertion != "" && form.Get("client_assertion_type") != jwtBearer:
		return request, missingParameter("client_assertion_type")
	case request.assertion == "" && request.secret == "":
		return request, missingCredential()
	}
	return request, nil
}

// readForm refuses what is no form, and a field that occurs twice.
func readForm(r *http.Request) *refusal {
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if contentType != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		return missingParameter("grant_type")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return duplicateParameter(name)
		}
	}
	return nil
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
		return "", invalidScope(scope)
	}
	if !d.knownResource(audience) {
		return "", unknownResource(audience, d.tenantID)
	}
	return audience, nil
}
