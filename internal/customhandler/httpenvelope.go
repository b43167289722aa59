package customhandler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// httpRequest is an outside request as the host puts it into the envelope when it
// does not forward requests; the body arrives as text.
// https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers#http-only-function
type httpRequest struct {
	URL     string
	Method  string
	Headers http.Header
	Body    json.RawMessage
}

// httpOutput is the answer, the value of the output binding "res".
type httpOutput struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

func (s *Server) envelopeTarget(name string) (route, bool) {
	at := slices.IndexFunc(s.routes, func(r route) bool { return r.function == name })
	if at < 0 || !s.options.HTTPEnvelope {
		return route{}, false
	}
	return s.routes[at], true
}

// invoke unpacks the request, serves it and packs the answer.
func (r route) invoke(ctx context.Context, in Invocation) (Result, error) {
	req, err := in.httpRequest(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("customhandler: read request of function %q: %w", in.Function, err)
	}
	answer := &bufferedAnswer{header: http.Header{}, status: http.StatusOK}
	r.handler.ServeHTTP(answer, req)
	if !utf8.Valid(answer.body.Bytes()) {
		return Result{}, fmt.Errorf("customhandler: answer request of function %q: the envelope carries text only", in.Function)
	}
	output := httpOutput{StatusCode: answer.status, Headers: map[string]string{}, Body: answer.body.String()}
	for name, values := range answer.header {
		output.Headers[name] = strings.Join(values, ", ")
	}
	return Result{Outputs: map[string]any{"res": output}}, nil
}

// bufferedAnswer keeps the answer until it can be packed; the first status counts.
type bufferedAnswer struct {
	header  http.Header
	status  int
	started bool
	body    bytes.Buffer
}

func (a *bufferedAnswer) Header() http.Header { return a.header }

func (a *bufferedAnswer) WriteHeader(status int) {
	if !a.started {
		a.status, a.started = status, true
	}
}

func (a *bufferedAnswer) Write(p []byte) (int, error) {
	a.started = true
	return a.body.Write(p)
}

func (in Invocation) httpRequest(ctx context.Context) (*http.Request, error) {
	value, err := in.trigger()
	if err != nil {
		return nil, err
	}
	var wire httpRequest
	if err := json.Unmarshal(document(value), &wire); err != nil {
		return nil, fmt.Errorf("must be a JSON object with Url, Method, Headers and Body: %w", unreadable(err))
	}
	if wire.URL == "" || wire.Method == "" {
		return nil, errors.New("it has no url or no method")
	}
	body, _ := unquote(wire.Body)
	if isNull(body) {
		body = nil
	}
	req, err := http.NewRequestWithContext(ctx, wire.Method, wire.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range wire.Headers {
		name = http.CanonicalHeaderKey(name)
		req.Header[name] = append(req.Header[name], values...) // spelled twice, it is there twice
	}
	req.RequestURI = req.URL.RequestURI()
	return req, nil
}
