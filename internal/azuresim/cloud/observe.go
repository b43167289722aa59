package cloud

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// maxBody is more than any of the simulated services accepts in one request.
const maxBody = 32 << 20

// observed is what every outside call passes: request ids, faults, un-gzipping,
// the service itself, and the count.
func (c *Cloud) observed(host string, service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identify(w, r)
		path := r.URL.Path
		answer := &recorder{ResponseWriter: w}
		call := call{Host: host, Method: r.Method}
		defer func() {
			call.Path, call.Status = template(r.Pattern, path), answer.status
			c.calls.count(call)
			c.logger.Debug("call", "host", host, "method", r.Method, "path", path, "status", call.Status, "fault", call.Fault)
		}()
		fault := c.faults.next(host, r.Method, path)
		call.Fault = fault.kind()
		fault.apply(c.clock, answer, r, gunzipped(c.recorded(service)))
	})
}

// identify gives the answer the ids that Azure's services give: one of its own
// for each request, and the client's echoed. A service reads its request id from
// the answer's header, or adds its own header to it.
func identify(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Ms-Request-Id", uuid.NewString())
	for _, name := range []string{"X-Ms-Client-Request-Id", "Client-Request-Id"} {
		if id := r.Header.Get(name); id != "" {
			w.Header().Set(name, id)
		}
	}
}

// gunzipped hides Content-Encoding from the service. A body that claims to be
// compressed and is not is refused, as Azure's front ends do.
func gunzipped(service http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := plainBody(r)
		if err != nil {
			writeError(w, http.StatusBadRequest, "BadRequest", err.Error())
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Del("Content-Encoding")
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		service.ServeHTTP(w, r)
	})
}

func plainBody(r *http.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		unzip, err := gzip.NewReader(body)
		if err != nil {
			return nil, errors.New("the body claims Content-Encoding gzip and is not gzip")
		}
		body = unzip
	default:
		return nil, errors.New("unsupported Content-Encoding " + strconv.Quote(encoding))
	}
	plain, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return nil, errors.New("the body could not be read: " + err.Error())
	}
	if len(plain) > maxBody {
		return nil, errors.New("the body is too large")
	}
	return plain, nil
}

// recorder remembers the status that a service answered.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// writeError answers with the error envelope that most of Azure uses.
func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // the client went away: there is nobody to tell
}
