// Package atom is the administration API of a simulated Service Bus namespace:
// create, read, list, update and delete queues, topics, subscriptions and rules,
// and the counts of their messages, as Atom entries and feeds.
//
// A request needs an Authorization header, whose content is not looked into.
// What the simulated service cannot do (forwarding, SQL filters, rule actions)
// is refused with 400 when an entity asks for it. Settings without any effect
// here, such as sizes, get the service's defaults in every answer.
//
// ActiveMessageCount includes locked messages, as the service counts; deferred
// ones are in MessageCount alone.
//
// Facts: https://learn.microsoft.com/rest/api/servicebus/,
// https://learn.microsoft.com/rest/api/servicebus/entity-crud-operations and the
// readers of azservicebus v1.11.0 (internal/atom/models.go, admin/). That a
// missing queue or topic is answered with 200 and an empty feed is written in
// its entity_manager.go.
package atom

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rekey-dev/rekey/internal/azuresim/servicebus/broker"
)

// maxBody bounds what a request may bring.
const maxBody = 1 << 20

// Handler answers the administration API.
type Handler struct {
	name      string
	namespace *broker.Namespace
}

// NewHandler answers for a namespace, to which clients give the name.
func NewHandler(name string, n *broker.Namespace) *Handler {
	return &Handler{name: name, namespace: n}
}

// problem is an answer that refuses.
type problem struct {
	status int
	detail string
}

func notFound(path string) *problem {
	return &problem{http.StatusNotFound, fmt.Sprintf("SubCode=40400. Not Found. The entity '%s' does not exist.", path)}
}

func conflict() *problem {
	return &problem{http.StatusConflict, "SubCode=40900. Conflict. You're requesting an operation that isn't allowed in the resource's current state."}
}

func badRequest(err error) *problem {
	detail := strings.ReplaceAll(err.Error(), "\n", "; ")
	return &problem{http.StatusBadRequest, "SubCode=40000. Bad Request. " + detail}
}

func notAllowed(method string) *problem {
	return &problem{http.StatusMethodNotAllowed, "The method " + method + " is not supported here."}
}

// answer is what a request gets: one of the fields beside status.
type answer struct {
	status  int
	entry   *entry
	feed    *feed
	problem *problem
}

func refused(p *problem) answer { return answer{status: p.status, problem: p} }

// resource is one address of the API.
type resource interface {
	get(*http.Request) answer
	// put creates, or with update changes what is there.
	put(body content, update bool) answer
	delete() answer
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := h.serve(r)
	w.Header().Set("Content-Type", "application/atom+xml;type=entry;charset=utf-8")
	if a.problem != nil {
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	}
	if a.feed != nil {
		w.Header().Set("Content-Type", "application/atom+xml;type=feed;charset=utf-8")
	}
	w.WriteHeader(a.status)
	a.write(w, r)
}

func (h *Handler) serve(r *http.Request) answer {
	if r.Header.Get("Authorization") == "" {
		return refused(&problem{http.StatusUnauthorized, "MissingToken: The security token was not found."})
	}
	target, p := h.resource(strings.Trim(r.URL.Path, "/"))
	if p != nil {
		return refused(p)
	}
	switch r.Method {
	case http.MethodGet:
		return target.get(r)
	case http.MethodDelete:
		return target.delete()
	case http.MethodPut:
		body, err := readEntry(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return refused(badRequest(err))
		}
		return target.put(body, r.Header.Get("If-Match") != "")
	}
	return refused(notAllowed(r.Method))
}

// resource finds what a path names:
//
//	$Resources/Queues, $Resources/Topics, $namespaceinfo
//	{queue or topic, which may have slashes}
//	{topic}/Subscriptions[/{subscription}[/Rules[/{rule}]]]
func (h *Handler) resource(path string) (resource, *problem) {
	switch strings.ToLower(path) {
	case "$resources/queues":
		return queueList{Handler: h}, nil
	case "$resources/topics":
		return topicList{Handler: h}, nil
	case "$namespaceinfo":
		return namespaceInfo{Handler: h}, nil
	}
	name, below, found := cutFold(path, "/subscriptions")
	if !found {
		return entity{h, name}, nil
	}
	t := h.namespace.Topic(name)
	if t == nil {
		return nil, notFound(name)
	}
	if below == "" {
		return subscriptionList{topic: t}, nil
	}
	subscriptionName, below, found := cutFold(below, "/rules")
	if !found {
		return subscription{h, t, subscriptionName}, nil
	}
	s := t.Subscription(subscriptionName)
	switch {
	case s == nil:
		return nil, notFound(broker.SubscriptionPath(name, subscriptionName))
	case below == "":
		return ruleList{topic: t, subscription: s}, nil
	}
	return rule{t, s, below}, nil
}

// cutFold is strings.Cut that ignores case and cuts at whole path segments.
func cutFold(path, separator string) (before, after string, found bool) {
	at := strings.Index(strings.ToLower(path)+"/", separator+"/")
	if at < 0 {
		return path, "", false
	}
	return path[:at], strings.TrimPrefix(path[at+len(separator):], "/"), true
}

// readOnly is a resource that can only be read.
type readOnly struct{}

func (readOnly) put(content, bool) answer { return refused(notAllowed(http.MethodPut)) }
func (readOnly) delete() answer           { return refused(notAllowed(http.MethodDelete)) }
