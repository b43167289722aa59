package customhandler

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// route is where a forwarded HTTP function stands: all below prefix, or only it.
type route struct {
	function string
	prefix   string
	catchAll bool
	handler  http.Handler
}

func newRoute(function string, f Function) (route, error) {
	if f.http == nil {
		return route{}, errors.New("it has no handler")
	}
	prefix, catchAll := strings.CutSuffix("/"+f.route, "/{*path}")
	if strings.ContainsAny(prefix, "{}?#\\%") || strings.Contains(prefix, "//") || strings.HasSuffix(f.route, "/") {
		return route{}, errors.New("its route must be a literal path, or one that ends in {*path}: " + f.route)
	}
	return route{function: function, prefix: prefix, catchAll: catchAll, handler: f.http}, nil
}

// sortRoutes puts the longest first, as ASP.NET prefers literal segments.
func sortRoutes(routes []route) {
	slices.SortFunc(routes, func(a, b route) int { return cmp.Compare(len(b.prefix), len(a.prefix)) })
}

// matches ignores case, because the host does: it has chosen the function already.
func (r route) matches(path string) bool {
	if len(path) < len(r.prefix) || !strings.EqualFold(path[:len(r.prefix)], r.prefix) {
		return false
	}
	rest := path[len(r.prefix):]
	return rest == "" || r.catchAll && rest[0] == '/'
}

// forward hands an outside request to the HTTP function on its path.
func (s *Server) forward(w http.ResponseWriter, r *http.Request) {
	at := slices.IndexFunc(s.routes, func(candidate route) bool { return candidate.matches(r.URL.Path) })
	if at < 0 {
		writeText(w, http.StatusNotFound, "not found")
		return
	}
	ctx, cancel := context.WithTimeout(withInvocation(r.Context(), hostInvocation(r)), s.options.Timeout)
	defer cancel()
	s.serveGuarded(w, r.WithContext(ctx), s.routes[at].function, s.routes[at].handler)
}

// hostInvocation is the id that the host added, after any that an outsider sent.
func hostInvocation(r *http.Request) string {
	all := strings.Split(strings.Join(r.Header.Values(invocationHeader), ","), ",")
	return strings.TrimSpace(all[len(all)-1])
}
