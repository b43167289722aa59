package functionshost

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// authentication is the platform's, which stands before the host where the setting
// WEBSITE_AUTH_ENABLED says so. It is told to let requests without a session through,
// so that programs with a credential of the app's own reach it. Tokens in an
// Authorization header are not looked at.
// https://learn.microsoft.com/azure/app-service/overview-authentication-authorization
type authentication struct {
	mu       sync.Mutex
	sessions map[string]ClientPrincipal
}

// ClientPrincipal is who signed in, as the platform tells the app.
// https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
type ClientPrincipal struct {
	Provider string        `json:"auth_typ"`
	NameType string        `json:"name_typ"`
	RoleType string        `json:"role_typ"`
	Claims   []ClientClaim `json:"claims"`
}

// ClientClaim is one claim; one with several values is there several times.
type ClientClaim struct {
	Type  string `json:"typ"`
	Value string `json:"val"`
}

const sessionCookie = "AppServiceAuthSession"

// SignIn begins a session at the platform and returns its cookie.
func (h *Host) SignIn(p ClientPrincipal) *http.Cookie {
	h.authentication.mu.Lock()
	defer h.authentication.mu.Unlock()
	if h.authentication.sessions == nil {
		h.authentication.sessions = map[string]ClientPrincipal{}
	}
	id := uuid.NewString()
	h.authentication.sessions[id] = p
	return &http.Cookie{Name: sessionCookie, Value: id, Path: "/", HttpOnly: true, Secure: true}
}

// authenticated takes from a request what only the platform may say, and says it for
// one with a session. Where authentication is off, the platform does neither.
func (h *Host) authenticated(r *http.Request) *http.Request {
	if !strings.EqualFold(h.settings["WEBSITE_AUTH_ENABLED"], "true") {
		return r
	}
	r = r.Clone(r.Context())
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Ms-Client-Principal") || strings.HasPrefix(name, "X-Ms-Token-") {
			r.Header.Del(name)
		}
	}
	if p, signedIn := h.authentication.session(r); signedIn {
		p.tell(r.Header)
	}
	return r
}

func (a *authentication) session(r *http.Request) (p ClientPrincipal, signedIn bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return p, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p, signedIn = a.sessions[cookie.Value]
	return p, signedIn
}

// tell sets the headers.
func (p ClientPrincipal) tell(header http.Header) {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts alone: it cannot fail
	}
	header.Set("X-Ms-Client-Principal", base64.StdEncoding.EncodeToString(text))
	header.Set("X-Ms-Client-Principal-Idp", p.Provider)
	for _, claim := range p.Claims {
		switch claim.Type {
		case "http://schemas.microsoft.com/identity/claims/objectidentifier":
			header.Set("X-Ms-Client-Principal-Id", claim.Value)
		case "preferred_username":
			header.Set("X-Ms-Client-Principal-Name", claim.Value)
		}
	}
}
