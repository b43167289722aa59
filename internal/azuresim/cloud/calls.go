package cloud

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// call is one line of GET /sim/calls. Status is 0 when the connection was cut
// before an answer existed.
type call struct {
	Host   string `json:"host"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
	Fault  string `json:"fault,omitempty"`
}

type countedCall struct {
	call
	Count int `json:"count"`
}

type callsAnswer struct {
	Total int           `json:"total"`
	Calls []countedCall `json:"calls"`
}

// calls counts the outside calls.
type calls struct {
	mu     sync.Mutex
	counts map[call]int
}

func newCalls() *calls { return &calls{counts: map[call]int{}} }

func (c *calls) count(one call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[one]++
}

func (c *calls) list(reset bool) callsAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := callsAnswer{Calls: []countedCall{}}
	for one, n := range c.counts {
		answer.Total += n
		answer.Calls = append(answer.Calls, countedCall{one, n})
	}
	slices.SortFunc(answer.Calls, func(a, b countedCall) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method),
			cmp.Compare(a.Status, b.Status), cmp.Compare(a.Fault, b.Fault))
	})
	if reset {
		clear(c.counts)
	}
	return answer
}

var (
	guid   = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)
	hex32  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	number = regexp.MustCompile(`^[0-9]+$`)
	quoted = regexp.MustCompile(`'[^']*'`)
)

// template is a path with its ids replaced, so that calls can be counted. A
// service that is a ServeMux has said the template itself: its pattern.
func template(pattern, path string) string {
	if _, p, found := strings.Cut(pattern, "/"); found && strings.Contains(p, "{") {
		return "/" + p
	}
	path = quoted.ReplaceAllString(guid.ReplaceAllString(path, "{id}"), "'{id}'")
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if hex32.MatchString(segment) || number.MatchString(segment) {
			segments[i] = "{id}"
		}
		if i > 0 && named(segments[i-1]) && segment != "" && !strings.HasPrefix(segment, "$") {
			segments[i] = "{name}"
		}
	}
	return strings.Join(segments, "/")
}

// named reports whether the segment after a collection is the name of one of its members.
func named(collection string) bool {
	switch strings.ToLower(collection) {
	case "resourcegroups", "vaults", "secrets", "deletedsecrets", "certificates", "deletedcertificates", "connections",
		"automationaccounts", "jobs", "runbooks", "virtualmachines", "runcommands", "deploymentscripts",
		"projects", "env", "deployments":
		return true
	}
	return false
}
