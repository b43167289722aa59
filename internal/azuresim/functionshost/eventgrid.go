package functionshost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"
)

// serveEventGrid is the webhook that Event Grid delivers to.
// https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
// https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
func (h *Host) serveEventGrid(w http.ResponseWriter, r *http.Request) {
	f, found := h.eventGridFunction(r.URL.Query().Get("functionName"))
	if !found {
		http.Error(w, fmt.Sprintf("cannot find function: %q", r.URL.Query().Get("functionName")), http.StatusNotFound)
		return
	}
	if r.Method == http.MethodOptions {
		w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
		return
	}
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	events, err := readEvents(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch strings.ToLower(r.Header.Get("aeg-event-type")) {
	case "subscriptionvalidation":
		validateSubscription(w, events)
	case "notification":
		h.notify(w, f, events)
	case "unsubscribe":
		w.WriteHeader(http.StatusAccepted)
	default:
		http.Error(w, "aeg-event-type is missing or unknown", http.StatusBadRequest)
	}
}

func (h *Host) eventGridFunction(name string) (function, bool) {
	for _, f := range h.app.functions {
		if f.eventGrid && strings.EqualFold(f.name, name) {
			return f, true
		}
	}
	return function{}, false
}

// readEvents takes an array of events, as the Event Grid schema and batches of
// CloudEvents have it, or a single event.
func readEvents(w http.ResponseWriter, r *http.Request) ([]json.RawMessage, error) {
	var body json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&body); err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	if !bytes.HasPrefix(body, []byte("[")) {
		body = append(append(json.RawMessage("["), body...), ']')
	}
	var events []json.RawMessage
	err := json.Unmarshal(body, &events)
	for _, event := range events {
		if !bytes.HasPrefix(event, []byte("{")) {
			return nil, errors.New("an event must be a JSON object")
		}
	}
	return events, err
}

func validateSubscription(w http.ResponseWriter, events []json.RawMessage) {
	var event struct {
		Data struct{ ValidationCode string }
	}
	if len(events) == 0 || json.Unmarshal(events[0], &event) != nil || event.Data.ValidationCode == "" {
		http.Error(w, "the event carries no validationCode", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"validationResponse": event.Data.ValidationCode})
}

// notify invokes once per event, all at the same time; one failure fails the batch.
func (h *Host) notify(w http.ResponseWriter, f function, events []json.RawMessage) {
	var invocations errgroup.Group
	for _, event := range events {
		invocations.Go(func() error {
			_, err := h.invoke(f, event, eventMetadata(event))
			return err
		})
	}
	if err := invocations.Wait(); err != nil {
		http.Error(w, "an invocation failed", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func eventMetadata(event json.RawMessage) map[string]any {
	var wire struct{ Data json.RawMessage }
	if json.Unmarshal(event, &wire) != nil || wire.Data == nil {
		return nil
	}
	return map[string]any{"data": wire.Data}
}
