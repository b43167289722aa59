package resourcemanager

import (
	"net/http"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/cloud/entra"
)

// Operation is one operation of a resource provider that has a package of its
// own. It passes the same gates as the others: token, route, api-version,
// subscription, rate. What it takes to be allowed, it asks Request.Authorize.
type Operation struct {
	Method string
	// Template is the path: fixed segments match without case, {name} stands for
	// one segment, and {scope} in front for any number of them.
	Template     string
	ResourceType string   // in the error about an api-version: "connections"
	Versions     []string // the api-versions that exist
	// Handle answers. A nil body is sent as none. Its error is one of Refuse.
	Handle func(*Request) (status int, body any, err error)
}

// Request is one authenticated call of an Operation.
type Request struct {
	*http.Request
	Caller entra.Caller
	Path   map[string]string // the template's placeholders
	Now    time.Time
	Answer http.Header

	service *Service
}

// Mount adds the operations of a resource provider. Call it before the first request.
func (s *Service) Mount(operations ...Operation) {
	for _, o := range operations {
		s.routes = append(s.routes, route{
			method: o.Method, template: o.Template, provider: provider{o.ResourceType, o.Versions},
			handle: func(c *call) (answer, error) { return s.mounted(o, c) },
		})
	}
}

// mounted answers without the lock: a provider has its own, and may ask back.
func (s *Service) mounted(o Operation, c *call) (answer, error) {
	s.mu.Unlock()
	defer s.mu.Lock()
	status, body, err := o.Handle(&Request{
		Request: c.request, Caller: c.caller, Path: c.path, Now: c.now, Answer: c.header, service: s,
	})
	return answer{status, body}, err
}

// Authorize refuses the call unless its caller may do the action at the scope. A
// write is refused as well where the subscription has not registered the provider.
func (r *Request) Authorize(action, scope string) error {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	return r.service.authorize(&call{caller: r.Caller, now: r.Now}, action, scope)
}

// Registered refuses the call where the path's subscription has not registered a
// provider that the operation leans on.
func (r *Request) Registered(namespace string) error {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	return r.service.checkRegistered(r.Path["subscription"], namespace)
}

// Page cuts a list as $top and $skiptoken say.
func (r *Request) Page(all []any) (status int, body any, err error) {
	page, err := r.service.page(&call{request: r.Request}, all)
	return page.status, page.body, err
}

// Text is a body that is no JSON but plain text.
type Text string

// MayRead reports whether a list shows the resource to the caller.
func (r *Request) MayRead(action, resource string) bool {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	return r.service.mayRead(&call{caller: r.Caller, now: r.Now}, action, resource)
}

// Group returns the location of the path's resource group, {subscription} and
// {group}, and refuses the call where there is none.
func (r *Request) Group() (location string, err error) {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	if sub := r.service.subscriptions[strings.ToLower(r.Path["subscription"])]; sub != nil {
		if found := sub.groups[strings.ToLower(r.Path["group"])]; found != nil {
			return found.location, nil
		}
	}
	return "", groupNotFound(r.Path["group"])
}

// Decode reads the body as Resource Manager does, and refuses what is not JSON.
func (r *Request) Decode(into any) error { return (&call{request: r.Request}).decode(into) }

// Refuse is an error answer in Resource Manager's envelope.
func Refuse(status int, code, format string, args ...any) error {
	return refuse(status, code, format, args...)
}
