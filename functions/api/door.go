package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rekey-dev/rekey/internal/access"
)

const healthPath = "/api/health"

// Gate says who sent a request.
type Gate interface {
	Identify(r *http.Request) (access.Principal, error)
	// Challenge is the value of WWW-Authenticate for whoever was refused.
	Challenge(refused error) string
}

// door lets requests in, each to what whoever sent it may use, and answers those that
// no operation answers.
type door struct {
	gate     Gate
	owners   Owners
	mux      func() *http.ServeMux
	sameSite http.CrossOriginProtection
	log      *slog.Logger
	refused  func(ctx context.Context, why string) // is told of each refusal for want of a right
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r = correlated(w, r)
	who, err := d.identify(r)
	if err != nil {
		refuse(w, err)
		return
	}
	_, pattern := d.mux().Handler(r)
	if pattern == "" || !clean(r) {
		d.unrouted(w, r)
		return
	}
	r = r.WithContext(access.With(r.Context(), who))
	if err := d.permits(r, pattern, who); err != nil {
		refuse(w, err)
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

// identify returns who sent a request, or why it may not come in.
func (d *door) identify(r *http.Request) (access.Principal, error) {
	if r.URL.Path == healthPath {
		return access.Principal{}, nil
	}
	who, err := d.gate.Identify(r)
	if err != nil {
		return who, d.unidentified(r.Context(), err)
	}
	if d.sameSite.Check(r) != nil || who.Session && !ownPage(r) {
		return who, problem(http.StatusForbidden, "a page of another site may not use the API")
	}
	return who, nil
}

// ownPage reports whether a request that changes something says that it comes from a
// page of this site. A browser says so; what says nothing is only let through where
// no cookie could have been sent along.
func ownPage(r *http.Request) bool {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	return safe || r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != ""
}

// permits returns why a principal may not use the operation, or nil.
func (d *door) permits(r *http.Request, pattern string, who access.Principal) error {
	rule, known := rules[pattern]
	if !known {
		return problem(http.StatusForbidden, "nobody may use this operation")
	}
	appID := applicationIn(pattern, r.URL.EscapedPath())
	allowed, err := rule.permits(r.Context(), who, appID, d.owners)
	if err != nil {
		return refusal(r.Context(), d.log, err)
	}
	if !allowed {
		refusal := rule.refusedTo(who)
		d.refused(r.Context(), refusal.Detail)
		return refusal
	}
	return nil
}

// unidentified says why nobody is known to have sent a request.
func (d *door) unidentified(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, access.ErrClosed):
		return problem(http.StatusForbidden, err.Error())
	case errors.Is(err, access.ErrUnknown), errors.Is(err, access.ErrRefused):
		header := http.Header{"Www-Authenticate": {d.gate.Challenge(err)}}
		return huma.ErrorWithHeaders(problem(http.StatusUnauthorized, err.Error()), header)
	}
	d.log.ErrorContext(ctx, "it cannot be found out who sent a request", "error", err)
	return later(10*time.Second, "it cannot be found out at the moment who sent the request; repeat it; the cause is in rekey's log")
}

// refuse answers a request that does not come in.
func refuse(w http.ResponseWriter, err error) {
	if with, ok := errors.AsType[huma.HeadersError](err); ok {
		maps.Copy(w.Header(), with.GetHeaders())
	}
	if p, ok := errors.AsType[*huma.ErrorModel](err); ok {
		write(w, p)
	}
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
