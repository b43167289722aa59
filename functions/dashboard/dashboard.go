// Package dashboard is the Azure function "dashboard": the pages. For now there
// is one, which says what runs here and where its API is.
//
// They are for whoever is known: a browser that is not signed in is told where to.
//
// Its route is {*path}, so every outside path that no other function has comes
// here, and its function.json lets GET and HEAD through and nothing else.
package dashboard

import (
	_ "embed"
	"errors"
	"net/http"

	"github.com/rekey-dev/rekey/internal/access"
	"github.com/rekey-dev/rekey/internal/customhandler"
)

// Route is the route in function.json.
const Route = "{*path}"

//go:embed page.html
var page []byte

// unknown leads to the address where App Service authentication signs people in.
// https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out
//
//go:embed unknown.html
var unknown []byte

// Gate says who sent a request.
type Gate interface {
	Identify(r *http.Request) (access.Principal, error)
	// Challenge is the value of WWW-Authenticate for whoever was refused.
	Challenge(refused error) string
}

// New returns the function. Without a gate nobody sees a page.
func New(gate Gate) customhandler.Function {
	if gate == nil {
		gate = access.New(access.Config{})
	}
	return customhandler.OnHTTP(Route, pages{gate})
}

type pages struct{ gate Gate }

// ServeHTTP implements http.Handler.
func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD: forms post to /api", http.StatusMethodNotAllowed)
		return
	}
	if _, err := p.gate.Identify(r); err != nil {
		p.refuse(w, err)
		return
	}
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(page)
}

// refuse answers whoever is not known.
func (p pages) refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, access.ErrUnknown):
		w.Header().Set("WWW-Authenticate", p.gate.Challenge(err))
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write(unknown)
	case errors.Is(err, access.ErrRefused):
		w.Header().Set("WWW-Authenticate", p.gate.Challenge(err))
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case errors.Is(err, access.ErrClosed):
		http.Error(w, err.Error(), http.StatusForbidden)
	default:
		http.Error(w, "it cannot be found out at the moment who you are; try again", http.StatusServiceUnavailable)
	}
}
