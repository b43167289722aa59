package functionshost

import (
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// httpRequest is an outside request inside the envelope.
// https://github.com/Azure/azure-functions-host, HttpRequestExtensions.GetRequestAsJObject
type httpRequest struct {
	URL        string `json:"Url"`
	Method     string
	Query      map[string]string
	Headers    http.Header
	Params     map[string]string
	Identities []struct{}
	Body       any `json:",omitempty"`
}

// serveEnvelope calls an HTTP function the way triggers are called.
func (h *Host) serveEnvelope(w http.ResponseWriter, r *http.Request, f function, path string, params map[string]string) {
	request, err := packRequest(r, path, params)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := h.invoke(f, request, nil)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	output := result.Outputs[f.output]
	if f.output == "$return" {
		output = result.ReturnValue
	}
	unpackAnswer(w, output)
}

func packRequest(r *http.Request, path string, params map[string]string) (httpRequest, error) {
	query := map[string]string{}
	for name, values := range r.URL.Query() {
		query[name] = strings.Join(values, ",")
	}
	target := "http://" + r.Host + path
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	headers := maps.Clone(r.Header)
	headers.Set("Host", r.Host)
	request := httpRequest{URL: target, Method: r.Method, Query: query, Headers: headers, Params: params, Identities: []struct{}{{}}}
	if r.ContentLength <= 0 {
		return request, nil
	}
	body, err := io.ReadAll(r.Body)
	request.Body = string(body)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/octet-stream" || strings.HasPrefix(kind, "multipart/") {
		request.Body = body
	}
	return request, err
}

// unpackAnswer writes the http output; what it does not say stays at its default.
func unpackAnswer(w http.ResponseWriter, output json.RawMessage) {
	var answer struct {
		StatusCode, Status json.RawMessage
		Headers            map[string]string
		Body               json.RawMessage
	}
	if len(output) > 0 && json.Unmarshal(output, &answer) != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	status := http.StatusOK
	for _, value := range []json.RawMessage{answer.Status, answer.StatusCode} {
		if n, err := strconv.Atoi(strings.Trim(string(value), `"`)); err == nil && n >= 200 && n <= 599 {
			status = n
		}
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	body := []byte(answer.Body)
	var text string
	if json.Unmarshal(answer.Body, &text) == nil {
		body = []byte(text)
	}
	w.WriteHeader(status)
	w.Write(body)
}
