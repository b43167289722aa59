package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

// Fault is one rule of PUT /sim/faults: which calls misbehave, and how. The first
// rule that matches a call decides; a rule that chance or its count spares is
// passed over.
type Fault struct {
	// Host is a host name or a glob, "*.vault.azure.net"; empty means every host.
	Host string `json:"host,omitempty"`
	// Path is a glob over the whole path in which * also crosses slashes; empty means every path.
	Path string `json:"path,omitempty"`
	// Method is an HTTP method; empty means every method.
	Method string `json:"method,omitempty"`

	// Rate is the share of matching calls that misbehave, above 0 and up to 1; left out means all.
	Rate *float64 `json:"rate,omitempty"`
	// Count is how many calls misbehave before the rule is used up; left out means no end.
	Count *int `json:"count,omitempty"`

	// Latency is waited for, in simulated time, before anything else: "250ms".
	Latency string `json:"latency,omitempty"`
	// Status is answered instead of calling the service.
	Status int `json:"status,omitempty"`
	// Cut closes the connection before the service is called.
	Cut bool `json:"cut,omitempty"`
	// Lose calls the service, drops its answer and closes the connection.
	Lose bool `json:"lose,omitempty"`

	// RetryAfter, in seconds and possibly fractional, accompanies Status.
	RetryAfter *json.Number `json:"retryAfter,omitempty"`
	// Headers accompany Status: x-ms-retry-after-ms, for instance.
	Headers map[string]string `json:"headers,omitempty"`
	// Code is the error code in the body that accompanies Status.
	Code string `json:"code,omitempty"`
	// Body replaces the error envelope; a JSON string is sent as plain text.
	Body json.RawMessage `json:"body,omitempty"`
}

// check reports every mistake in the rule, each naming its property.
func (f Fault) check() error {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if f.Rate != nil && (*f.Rate <= 0 || *f.Rate > 1) {
		wrong("rate: %v is not above 0 and up to 1", *f.Rate)
	}
	if f.Count != nil && *f.Count < 1 {
		wrong("count: %d is not 1 or more", *f.Count)
	}
	if d, err := time.ParseDuration(f.Latency); f.Latency != "" && (err != nil || d < 0) {
		wrong("latency: %q is not a duration such as 250ms", f.Latency)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		wrong("status: %d is not between 200 and 599", f.Status)
	}
	if f.Method != strings.ToUpper(f.Method) {
		wrong("method: %q is not in capitals", f.Method)
	}
	if f.RetryAfter != nil {
		if seconds, err := f.RetryAfter.Float64(); err != nil || seconds < 0 {
			wrong("retryAfter: %q is not a number of seconds", *f.RetryAfter)
		}
	}
	for name, glob := range map[string]string{"host": f.Host, "path": f.Path} {
		if _, err := path.Match(glob, ""); err != nil {
			wrong("%s: %q is not a glob", name, glob)
		}
	}
	return errors.Join(append(mistakes, f.checkEffect())...)
}

// checkEffect reports rules that do nothing, or two things that exclude each other.
func (f Fault) checkEffect() error {
	ends := 0
	for _, chosen := range []bool{f.Status != 0, f.Cut, f.Lose} {
		if chosen {
			ends++
		}
	}
	if ends > 1 {
		return errors.New("status, cut and lose exclude each other")
	}
	if ends == 0 && f.Latency == "" {
		return errors.New("the rule does nothing: set status, cut, lose or latency")
	}
	if f.Status == 0 && (f.RetryAfter != nil || f.Code != "" || f.Body != nil || f.Headers != nil) {
		return errors.New("retryAfter, headers, code and body need a status")
	}
	return nil
}

func (f Fault) matches(host, method, requestPath string) bool {
	return (f.Host == "" || glob(strings.ToLower(f.Host), host)) &&
		(f.Path == "" || glob(f.Path, requestPath)) &&
		(f.Method == "" || f.Method == method)
}

// glob matches with path.Match, except that * crosses slashes: vault paths and
// Resource Manager scopes differ in depth.
func glob(pattern, s string) bool {
	const slash = "\x00"
	matched, _ := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(s, "/", slash))
	return matched
}

// faults holds the rules in force.
type faults struct {
	mu     sync.Mutex
	rules  []Fault
	chance *rand.Rand
}

// newFaults draws lots from a fixed seed, so that a run can be repeated.
func newFaults(*clock.Clock) *faults {
	return &faults{chance: rand.New(rand.NewPCG(1, 2))}
}

func (f *faults) set(rules []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = rules
}

func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Fault{}, f.rules...)
}

// next draws the fault for one call; nil means that it goes well.
func (f *faults) next(host, method, requestPath string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.rules {
		rule := &f.rules[i]
		if !rule.matches(host, method, requestPath) || rule.Count != nil && *rule.Count == 0 {
			continue
		}
		if rule.Rate != nil && f.chance.Float64() >= *rule.Rate {
			continue
		}
		if rule.Count != nil {
			left := *rule.Count - 1
			rule.Count = &left
		}
		chosen := *rule
		return &chosen
	}
	return nil
}

// kind is how GET /sim/calls names the fault.
func (f *Fault) kind() string {
	switch {
	case f == nil:
		return ""
	case f.Cut:
		return "cut"
	case f.Lose:
		return "lose"
	case f.Status != 0:
		return "status"
	}
	return "latency"
}

// apply answers the call as the fault says. Closing the connection means, with
// HTTP/2, to reset the one stream.
func (f *Fault) apply(c *clock.Clock, w http.ResponseWriter, r *http.Request, service http.Handler) {
	if f == nil {
		service.ServeHTTP(w, r)
		return
	}
	f.wait(c, r)
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Lose:
		f.lose(w, r, service)
	case f.Status != 0:
		f.answer(w)
	default:
		service.ServeHTTP(w, r)
	}
}

func (f *Fault) wait(c *clock.Clock, r *http.Request) {
	latency, _ := time.ParseDuration(f.Latency)
	if latency == 0 {
		return
	}
	done := make(chan struct{})
	stop := c.AfterFunc(latency, func() { close(done) })
	defer stop()
	select {
	case <-done:
	case <-r.Context().Done():
	}
}

// lose lets the effect take place under a context of its own, because the
// effect must not depend on how soon the client gives up.
func (f *Fault) lose(w http.ResponseWriter, r *http.Request, service http.Handler) {
	void := &discarded{header: http.Header{}}
	service.ServeHTTP(void, r)
	if seen, ok := w.(*recorder); ok {
		seen.status = void.status
	}
	panic(http.ErrAbortHandler)
}

func (f *Fault) answer(w http.ResponseWriter) {
	for name, value := range f.Headers {
		w.Header().Set(name, value)
	}
	if f.RetryAfter != nil {
		w.Header().Set("Retry-After", f.RetryAfter.String())
	}
	var text string
	switch {
	case f.Body == nil:
		code := f.Code
		if code == "" {
			code = strings.ReplaceAll(http.StatusText(f.Status), " ", "")
		}
		writeError(w, f.Status, code, "This answer was asked for with PUT /sim/faults.")
	case json.Unmarshal(f.Body, &text) == nil:
		http.Error(w, text, f.Status)
	default:
		writeJSON(w, f.Status, f.Body)
	}
}

// discarded takes an answer that nobody will see.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header { return d.header }

func (d *discarded) WriteHeader(status int) {
	if d.status == 0 {
		d.status = status
	}
}

func (d *discarded) Write(p []byte) (int, error) {
	d.WriteHeader(http.StatusOK)
	return len(p), nil
}
