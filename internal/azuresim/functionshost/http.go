package functionshost

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// maxRequest is the real host's limit for the body of a request.
const maxRequest = 100 << 20

// ServeHTTP is the host's outer door: its own paths first, then the app's routes.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = h.authenticated(r)
	path, err := kestrelPath(r.URL.EscapedPath())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	lower := strings.ToLower(path)
	if lower == "/runtime/webhooks/eventgrid" {
		h.serveEventGrid(w, r)
		return
	}
	if name, found := strings.CutPrefix(lower, "/admin/functions/"); found {
		h.serveAdmin(w, r, name)
		return
	}
	for _, candidate := range h.routes {
		if params, found := candidate.match(r.Method, path); found {
			h.serveFunction(w, r, candidate.function, path, params)
			return
		}
	}
	h.serveNothing(w, path)
}

func (h *Host) serveFunction(w http.ResponseWriter, r *http.Request, f function, path string, params map[string]string) {
	if r.ContentLength > maxRequest {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	if h.app.forwarding && f.output != "" {
		h.forward(w, r, f, path)
		return
	}
	h.serveEnvelope(w, r, f, path, params)
}

// serveNothing answers what no route takes: the homepage, unless it is disabled.
// https://learn.microsoft.com/azure/azure-functions/functions-app-settings#azurewebjobsdisablehomepage
func (h *Host) serveNothing(w http.ResponseWriter, path string) {
	if path != "/" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if strings.EqualFold(h.settings["AzureWebJobsDisableHomepage"], "true") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	fmt.Fprintln(w, "Your Functions app is up and running")
}

// serveAdmin runs a function by hand: https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
func (h *Host) serveAdmin(w http.ResponseWriter, r *http.Request, name string) {
	f, found := h.function(name)
	if !found {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var body struct{ Input string }
	if r.Method != http.MethodPost || f.http != nil {
		http.Error(w, "POST to a function that is not HTTP", http.StatusBadRequest)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&body); err != nil {
		http.Error(w, "the body is not {\"input\":\"…\"}", http.StatusBadRequest)
		return
	}
	value, err := f.manualValue(body.Input)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	go func() { _, _ = h.invoke(f, value, nil) }() // ends with the handler, like every invocation
	w.WriteHeader(http.StatusAccepted)
}

func (h *Host) function(name string) (function, bool) {
	for _, f := range h.app.functions {
		if strings.EqualFold(f.name, name) {
			return f, true
		}
	}
	return function{}, false
}

// manualValue is the trigger's value for an input that a person gave.
func (f function) manualValue(input string) (any, error) {
	switch {
	case f.timer != nil:
		return f.timer.info(scheduleStatus{}, false), nil
	case f.serviceBus != nil:
		return f.serviceBus.value([]byte(input)), nil
	case !json.Valid([]byte(input)):
		return nil, fmt.Errorf("the input is not an event in JSON")
	}
	return json.RawMessage(input), nil
}
