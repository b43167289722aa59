package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim"
	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
	"github.com/rekey-dev/rekey/internal/azuresim/functionshost"
)

// registration is rekey's own in Entra ID, with who has a role there. They count where
// the stack is started with -access: else everybody may do everything.
type registration struct {
	entra.Application
	people map[string]entra.User // by the word of their role; the owner has none
	// program has the greatest role: it is who configures the stack.
	program entra.ServicePrincipal
}

// appRoles are those of the registration.
var appRoles = map[string][]string{
	"reader": {"Rekey.Reader"}, "operator": {"Rekey.Operator"}, "administrator": {"Rekey.Administrator"}, "owner": nil,
}

// register adds the registration. The owner owns the tenant's applications later on.
func register(a *azuresim.Azure) registration {
	r := registration{
		Application: a.Directory.AddApplication(entra.Application{DisplayName: "rekey", TokenVersion: 2}),
		people:      map[string]entra.User{},
	}
	for word, roles := range appRoles {
		r.people[word] = a.Directory.AddUser(entra.User{
			DisplayName: strings.ToUpper(word[:1]) + word[1:], UserPrincipalName: word + "@contoso.com", AppRoles: map[string][]string{r.AppID: roles},
		})
	}
	r.program = a.Directory.AddServicePrincipal(entra.ServicePrincipal{
		DisplayName: "stack", AppRoles: map[string][]string{r.AppID: appRoles["administrator"]},
	})
	return r
}

// accessSettings are what infra would set beside App Service authentication.
func (s *Stack) accessSettings() map[string]string {
	if !s.options.Access {
		return map[string]string{"REKEY_OPEN_API": "true"}
	}
	return map[string]string{"REKEY_API_CLIENT_ID": s.Tenant.API.AppID, "WEBSITE_AUTH_ENABLED": "True"}
}

// tokenOf is an access token of one of the people.
func (s *Stack) tokenOf(word string) (string, error) {
	tokens, err := s.Azure.Directory.SignIn(entra.SignIn{
		UserID: s.Tenant.API.people[word].ObjectID, Client: s.Tenant.API.AppID, Resource: s.Tenant.API.AppID, Scope: "user_impersonation",
	})
	return tokens.Access, err
}

// session is the cookie of one of the people's browser.
func (s *Stack) session(word string) *http.Cookie {
	user := s.Tenant.API.people[word]
	claims := []functionshost.ClientClaim{
		{Type: "aud", Value: s.Tenant.API.AppID},
		{Type: "http://schemas.microsoft.com/identity/claims/objectidentifier", Value: user.ObjectID},
		{Type: "http://schemas.microsoft.com/identity/claims/tenantid", Value: tenantID},
		{Type: "preferred_username", Value: user.UserPrincipalName}, {Type: "name", Value: user.DisplayName},
	}
	for _, role := range user.AppRoles[s.Tenant.API.AppID] {
		claims = append(claims, functionshost.ClientClaim{Type: "roles", Value: role})
	}
	return s.Host.SignIn(functionshost.ClientPrincipal{Provider: "aad", Claims: claims})
}

// writeAccess writes what each of the people could present, for whoever tries it out.
func (s *Stack) writeAccess() error {
	if !s.options.Access {
		return nil
	}
	type credentials struct {
		Token  string `json:"token"`
		Cookie string `json:"cookie"`
	}
	all := map[string]credentials{}
	for word := range appRoles {
		token, err := s.tokenOf(word)
		if err != nil {
			return err
		}
		cookie := s.session(word)
		all[word] = credentials{token, cookie.Name + "=" + cookie.Value}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("access.json"), append(text, '\n'), 0o600)
}

// asProgram sends the program's token along with what goes to the host.
type asProgram struct {
	*Stack
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (p asProgram) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.options.Access && p.Host != nil && r.URL.Host == p.Host.Addr() && r.Header.Get("Authorization") == "" {
		token, err := p.Azure.Directory.TokenFor(p.Tenant.API.program, p.Tenant.API.AppID)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return p.next.RoundTrip(r)
}
