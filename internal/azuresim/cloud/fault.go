package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
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
