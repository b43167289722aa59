package cloud

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/rekey-dev/rekey/internal/azuresim/clock"
)

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

// lose lets the effect take place and keeps the answer to itself.
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
	case f.Body[0] == '"' && json.Unmarshal(f.Body, &text) == nil:
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
