package api

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const healthPath = "/api/health"

// door lets requests in and answers those that no operation answers.
type door struct {
	open     bool
	mux      func() *http.ServeMux
	sameSite http.CrossOriginProtection
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r = correlated(w, r)
	if refused := d.refuses(r); refused != nil {
		write(w, refused)
		return
	}
	if _, pattern := d.mux().Handler(r); pattern == "" || !clean(r) {
		d.unrouted(w, r)
		return
	}
	d.mux().ServeHTTP(w, r)
}

// clean reports whether the path is one that the mux would not redirect.
func clean(r *http.Request) bool { return path.Clean(r.URL.Path) == r.URL.Path }

// unrouted answers what no operation answers.
func (d *door) unrouted(w http.ResponseWriter, r *http.Request) {
	methods := d.allowed(r)
	if len(methods) == 0 || !clean(r) {
		write(w, problem(http.StatusNotFound, "there is nothing at this path; what there is stands in /api/openapi.json"))
		return
	}
	allow := strings.Join(methods, ", ")
	w.Header().Set("Allow", allow)
	write(w, problem(http.StatusMethodNotAllowed, "this path takes "+allow+" only"))
}

// refuses returns why a request may not come in, or nil.
func (d *door) refuses(r *http.Request) *huma.ErrorModel {
	if r.URL.Path == healthPath {
		return nil
	}
	if !d.open {
		return problem(http.StatusForbidden, "nobody may use the API yet: set REKEY_OPEN_API=true to open it to everybody who can reach it")
	}
	if d.sameSite.Check(r) != nil {
		return problem(http.StatusForbidden, "a page of another site may not use the API")
	}
	return nil
}

// allowed returns the methods that the path takes.
func (d *door) allowed(r *http.Request) (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if _, pattern := d.mux().Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "" {
			methods = append(methods, method)
		}
	}
	return methods
}

func write(w http.ResponseWriter, p *huma.ErrorModel) {
	w.Header().Set("Content-Type", p.ContentType("application/json"))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone
}
