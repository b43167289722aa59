// Package dashboard is the Azure function "dashboard": the pages. For now there
// is one, which says what runs here and where its API is.
//
// Its route is {*path}, so every outside path that no other function has comes
// here, and its function.json lets GET and HEAD through and nothing else.
package dashboard

import (
	_ "embed"
	"net/http"

	"github.com/rekey-dev/rekey/internal/customhandler"
)

// Route is the route in function.json.
const Route = "{*path}"

//go:embed page.html
var page []byte

// New returns the function.
func New() customhandler.Function {
	return customhandler.OnHTTP(Route, http.HandlerFunc(serve))
}

func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD: forms post to /api", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(page)
}
