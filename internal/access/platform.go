package access

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// principalHeader is set by App Service authentication.
// https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities#decode-the-client-principal-header
const principalHeader = "X-Ms-Client-Principal"

// mostPrincipal is the longest header that is read; people in many groups have long ones.
const mostPrincipal = 64 << 10

// The claims that are read, each by the names that it goes by: the platform renames some.
var (
	claimObject   = []string{"http://schemas.microsoft.com/identity/claims/objectidentifier", "oid"}
	claimTenant   = []string{"http://schemas.microsoft.com/identity/claims/tenantid", "tid"}
	claimAudience = []string{"aud"}
	claimRoles    = []string{"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}
	claimNames    = [][]string{
		{"preferred_username"}, {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "upn"}, {"name"},
	}
)

// platformPrincipal is what the header holds.
type platformPrincipal struct {
	Provider string `json:"auth_typ"`
	Claims   []struct {
		Type  string `json:"typ"`
		Value string `json:"val"`
	} `json:"claims"`
}

// signedIn is the person who signed in at the platform.
func (g *Gate) signedIn(h http.Header) (Principal, error) {
	values := h.Values(principalHeader)
	switch len(values) {
	case 0:
		return Principal{}, ErrUnknown
	case 1:
	default:
		return Principal{}, refused("X-MS-CLIENT-PRINCIPAL must be there once")
	}
	p, err := parsePrincipal(values[0])
	if err != nil {
		return Principal{}, err
	}
	return g.person(p)
}

// parsePrincipal takes the header apart.
func parsePrincipal(text string) (p platformPrincipal, err error) {
	if len(text) > mostPrincipal {
		return p, refused("X-MS-CLIENT-PRINCIPAL is too long")
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || json.Unmarshal(plain, &p) != nil {
		return p, refused("X-MS-CLIENT-PRINCIPAL cannot be read")
	}
	return p, nil
}

// person judges the claims. The platform can be told to let people of other identity
// providers and tenants in, and people of other registrations; their roles are not rekey's.
func (g *Gate) person(p platformPrincipal) (Principal, error) {
	object, tenant, audience := p.only(claimObject), p.only(claimTenant), p.only(claimAudience)
	switch {
	case p.Provider != "aad":
		return Principal{}, refused("who signs in must do so with Microsoft Entra ID")
	case !strings.EqualFold(tenant, g.TenantID):
		return Principal{}, refused("who signs in must do so in rekey's own tenant")
	case g.ClientID != "" && !g.isAudience(audience):
		return Principal{}, refused("App Service authentication must use the app registration that REKEY_API_CLIENT_ID names")
	case !isGUID.MatchString(object):
		return Principal{}, refused("who signed in has no object id")
	}
	who := Principal{Kind: Person, ID: strings.ToLower(object), Role: greatest(p.all(claimRoles)), Session: true}
	for _, names := range claimNames {
		if name := p.only(names); name != "" && who.Name == "" {
			who.Name = printable(name)
		}
	}
	return who, nil
}

// all returns the values of a claim.
func (p platformPrincipal) all(names []string) (values []string) {
	for _, claim := range p.Claims {
		if slices.Contains(names, claim.Type) {
			values = append(values, claim.Value)
		}
	}
	return values
}

// only returns the value of a claim that has one; of several none is believed.
func (p platformPrincipal) only(names []string) string {
	values := slices.Compact(p.all(names))
	if len(values) != 1 {
		return ""
	}
	return values[0]
}
